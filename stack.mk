# The real stack on Docker: Arc, Grafana, generator and retention. Included by the Makefile.
# RATE=, CARS=, SEED= and every variable of .env.example reach Compose when given on make's command line.

COMPOSE ?= docker compose

.PHONY: up down reset build logs dashboards compose-config docker-compose-there

up: docker-compose-there  ## Start the stack on Docker, wait until healthy, print the URLs
	@$(COMPOSE) up --detach --wait --wait-timeout 300 || { \
	  $(COMPOSE) ps --all; \
	  echo "The stack did not become healthy. Look at: make logs" >&2; \
	  echo "If a port is taken, choose others: make up ARC_PORT=8001 GRAFANA_PORT=3001" >&2; exit 1; }
	@echo
	@echo "  Dashboard   http://$$($(COMPOSE) port grafana 3000)"
	@echo "  For a stage http://$$($(COMPOSE) port grafana 3000)/?kiosk"
	@echo "  Arc         http://$$($(COMPOSE) port arc 8000)"
	@echo "  Stop it     make down"

down: docker-compose-there  ## Stop the stack; Arc stores what it still holds, and the data stays
	@$(COMPOSE) down --remove-orphans

reset: docker-compose-there  ## Stop the stack and remove its data and Arc's token
	@$(COMPOSE) down --remove-orphans --volumes

build: docker-compose-there  ## Build the images of generator and Grafana again (needs the network)
	@$(COMPOSE) build

logs: docker-compose-there  ## Follow what the services say
	@$(COMPOSE) logs --follow --tail 50

dashboards: $(VENV)/.dev  ## Build Grafana's dashboards from queries/ and the schema
	$(BIN)/python -m grafana.build_dashboards

compose-config: docker-compose-there  ## Check docker-compose.yml
	$(COMPOSE) config --quiet

docker-compose-there:
	@$(COMPOSE) version >/dev/null 2>&1 || { \
	  echo "This needs Docker with its Compose plugin (docs.docker.com/get-docker)." >&2; \
	  echo "Without Docker, the same race runs here with: make demo" >&2; exit 1; }
