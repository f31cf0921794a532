# The real stack on Docker: Arc, Grafana, generator and retention. Included by the Makefile.
# RATE=, CARS=, SEED= and every variable of .env.example reach Compose when given on make's command line.

COMPOSE ?= docker compose
# The doctor asks Compose by the same name.
export COMPOSE

.PHONY: up down reset build logs doctor bundle unbundle dashboards compose-config docker-compose-there \
        python-there test-stack

up: python-there  ## Start the stack on Docker, wait until healthy, print the URLs
	@$(DOCTOR) --before-start
	@$(COMPOSE) up --detach --wait --wait-timeout 300 || { \
	  echo; echo "The stack did not become healthy. Hop by hop:"; $(DOCTOR); exit 1; }
	@echo
	@dashboard=$$($(COMPOSE) port grafana 3000 2>/dev/null) && { \
	  echo "  Dashboard   http://$$dashboard"; \
	  echo "  For a stage http://$$dashboard/?kiosk"; } || true
	@echo "  Arc         http://$$($(COMPOSE) port arc 8000)"
	@echo "  Metrics     http://$$($(COMPOSE) port generator 9464)/metrics"
	@echo "  If something looks wrong: make doctor. Stop it: make down"

doctor: python-there  ## Check each hop from Docker to an answered question; the first that fails names its fix
	@$(DOCTOR)

down: docker-compose-there  ## Stop the stack; Arc stores what it still holds, and the data stays
	@$(COMPOSE) down --remove-orphans
	@echo "Stopped; the data stays. Next: make up goes on with it, make reset removes it."

reset: docker-compose-there  ## Stop the stack and remove its data and Arc's token
	@$(COMPOSE) down --remove-orphans --volumes
	@echo "Data and token are gone. Next: make up begins anew."

build: docker-compose-there  ## Build the images of generator and Grafana again (needs the network)
	@$(COMPOSE) build
	@echo "Next: make up"

logs: docker-compose-there  ## Follow what the services say
	@$(COMPOSE) logs --follow --tail 50

bundle: python-there  ## Save all images and files in one tar for a venue without network (OUT=folder)
	@$(PYTHON) -m stack.bundle save $(if $(OUT),--out "$(OUT)")

unbundle: python-there  ## Verify a bundle and load its images (BUNDLE=file)
	@test -n "$(BUNDLE)" || { echo "Name the file: make unbundle BUNDLE=nascar-stack-linux-amd64.tar" >&2; exit 2; }
	@$(PYTHON) -m stack.bundle load "$(BUNDLE)"

dashboards: $(VENV)/.dev  ## Build Grafana's dashboards from queries/ and the schema
	@$(BIN)/python -m grafana.build_dashboards
	@echo "Next: make build && make up puts them into Grafana."

compose-config: docker-compose-there  ## Check docker-compose.yml
	$(COMPOSE) config --quiet

# -s: what each step took, and what stands in for what, is worth reading.
test-stack: $(VENV)/.dev  ## Bring the stack up on a real Docker engine, check what it delivers, tear it down
	$(BIN)/pytest -q -s $(STACK_TEST)

STACK_TEST := tests/stack/test_stack.py

DOCTOR = $(PYTHON) -m stack.doctor

python-there:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || { \
	  echo "This needs Python 3.9 or newer as $(PYTHON); name another with: make PYTHON=python3.12 ..." >&2; \
	  echo "Without Python, start the stack with: docker compose up --detach --wait" >&2; exit 1; }

docker-compose-there:
	@$(COMPOSE) version >/dev/null 2>&1 || { \
	  echo "This needs Docker with its Compose plugin (docs.docker.com/get-docker)." >&2; \
	  echo "Without Docker, the same race runs here with: make demo" >&2; exit 1; }
