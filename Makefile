# The verbs of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RATE    ?= 612000
CARS    ?= 40
SECONDS ?= 120
SEED    ?= 1
TRACK     ?= charlotte
START_LAP ?= 1
CAUTIONS  ?= some
DATA_DIR ?= .demo

.PHONY: help demo install test browser pictures check format readme bench measurements calibrate lock clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo  ## Race 40 cars into the embedded engine (RATE=, CARS=, SECONDS=0 until stopped, SEED=, START_LAP=, CAUTIONS=, TRACK=, DATA_DIR=)
	@$(BIN)/nascar demo --rate $(RATE) --cars $(CARS) --seconds $(SECONDS) --seed $(SEED) --track $(TRACK) \
	  --start-lap $(START_LAP) --cautions $(CAUTIONS) --data-dir $(DATA_DIR)

install: $(VENV)/.demo  ## Install everything the commands need into .venv

# Many of the tests wait for servers and clocks while others compute: three files at a time on two cores. The stack comes up after
# them, for it wants the cores for itself.
test: check browser  ## Everything that must hold: types, lint, laws, contracts, end to end, the stack on Docker
	$(BIN)/pytest -q --numprocesses 3 --dist loadfile --ignore=$(STACK_TEST)
	@$(MAKE) --no-print-directory test-stack

# The tests open pages in a real browser; only Debian's and Ubuntu's package managers are known here.
browser:  ## Install Chromium, if there is none and this is root on Debian
	@command -v chromium chromium-browser google-chrome google-chrome-stable > /dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && apt-get update -qq && \
	  apt-get install -qq --yes --no-install-recommends chromium > /dev/null; } || { \
	  echo "The tests need Chromium; install it with this system's package manager, then: make test" >&2; exit 1; }

pictures: $(VENV)/.dev browser  ## Take the pictures of docs/pictures from real pages (GRAFANA=http://127.0.0.1:3000: dashboards, too)
	@$(BIN)/python -m scripts.take_pictures $(if $(GRAFANA),--grafana $(GRAFANA))

check: $(VENV)/.dev  ## Types and lint only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(VENV)/.dev  ## Fill the derived parts of README.md and docs/walkthrough.md
	$(BIN)/python -m scripts.build_readme

bench: $(VENV)/.demo  ## Measure this machine: ceiling, then the published load levels (18 minutes; LEVELS=, LEVEL_SECONDS=)
	$(BIN)/nascar bench ceiling
	$(LADDER)

# A level that is not held is a result, too.
measurements: $(VENV)/.demo  ## The same, and write docs/measurements.md and the README's figures from it
	$(BIN)/nascar bench ceiling
	-$(LADDER)
	$(BIN)/python scripts/profile_encoding.py > bench-results/profile.txt
	$(BIN)/python scripts/write_measurements.py --profile bench-results/profile.txt
	$(BIN)/python -m scripts.build_readme

calibrate: $(VENV)/.dev  ## Compare 20 races with real ones and write docs/race-calibration.md (OTHER_PYTHON=: frames on it, too)
	$(BIN)/python -m scripts.calibration $(if $(OTHER_PYTHON),--python $(OTHER_PYTHON))

lock: $(VENV)/.dev  ## Lock the dependencies again after a change in pyproject.toml
	$(LOCK) --extra build -o requirements/stream.txt
	$(LOCK) --extra build --extra engine --extra export --extra bench -o requirements/demo.txt
	$(LOCK) --all-extras -o requirements/dev.txt

LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header --quiet

LADDER = $(BIN)/nascar bench ladder $(if $(LEVELS),--levels $(LEVELS)) $(if $(LEVEL_SECONDS),--seconds $(LEVEL_SECONDS))

clean:  ## Remove the virtual environment and what runs left behind
	rm -rf $(VENV) .demo .demo-* bench-results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf generator/nascar/race/__pycache__ generator/nascar/telemetry/__pycache__

# A failed installation leaves no stamp, so the next call starts it again.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This needs Python 3.11 or newer as $(PYTHON); name another with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@echo "Installing the demo into $(VENV) (about a minute, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/demo.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@echo "Compiling the race (half a minute, once) ..."
	@$(BIN)/nascar race --laps 1 > $(VENV)/first-race.txt
	@$(BIN)/nascar stream --dry-run --duration 1 >> $(VENV)/first-race.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing the tools of the tests into $(VENV) (about a minute, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@echo "Compiling the race (half a minute, once) ..."
	@$(BIN)/nascar race --laps 1 > $(VENV)/first-race.txt
	@$(BIN)/nascar stream --dry-run --duration 1 >> $(VENV)/first-race.txt
	@touch $@ $(VENV)/.demo

-include stack.mk
