# `make serve` and `make test` need Python 3.11 or later and make, nothing else.
.DEFAULT_GOAL := help
.PHONY: help serve serve-dev demo docker-build docker-prod test test-newest test-clients bench linters lint sbom format typecheck imports pytest train lock diagram redoc clean

# Each process that starts would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
MODELS := $(or $(CHURN_MODELS_DIR),models)
DEMO = $(CURDIR)/instance/demo
SAMPLE_SIGNATURE = $(CURDIR)/churn_api/training/sample_signature.json
# The version that `make demo` puts into the shadow of the live one: it has learned from few customers.
DEMO_CHALLENGER = SAMPLE="--rows 300 --seed 2" LIVE="--estimator logistic"
NEWEST = .venv-newest/bin/pip install --quiet --disable-pip-version-check
# All but `mlflow`, whose client takes a dozen packages; its tests are skipped where it is not installed.
EXTRAS = dask images otel postgres redis reload report train
LINTERS = @redocly/cli@2.77.0 @stoplight/spectral-cli@6.16.3 openapi-typescript@7.13.0 typescript@5.9.3 axe-core@4.14.1
LINTERS_DONE = $(subst /,_,$(subst $() $(),-,$(LINTERS)))
REDOC = redoc@2.5.4
REDOC_FILES = $(CURDIR)/churn_api/web/pages/static/redoc
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes \
    --custom-compile-command "make lock"

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

serve: .venv/runtime ## Start the API on HOST:PORT (127.0.0.1:8000), with a sample model where there is none
	@$(BIN)/churn-api db upgrade >/dev/null
	@ls $(MODELS)/*/*/card.json >/dev/null 2>&1 || $(MAKE) --no-print-directory train LIVE=--live
	@CHURN_AUTH=$${CHURN_AUTH:-open} CHURN_JOB_WORKER=$${CHURN_JOB_WORKER:-1} exec $(BIN)/churn-api serve $(RELOAD)

serve-dev: RELOAD = --reload
serve-dev: serve ## Start the API, and again whenever a file of the package changes

demo: export CHURN_INSTANCE_DIR = $(DEMO)
demo: export CHURN_MODELS_DIR = $(DEMO)/models
demo: .venv/runtime ## Start the API as `serve` does, in a folder of its own, with a month of simulated predictions
	@$(BIN)/churn-api db upgrade >/dev/null
	@ls $(CHURN_MODELS_DIR)/*/*/card.json >/dev/null 2>&1 \
	    || { $(MAKE) --no-print-directory train LIVE=--live \
	        && $(MAKE) --no-print-directory train $(DEMO_CHALLENGER); }
	@$(BIN)/churn-api demo
	@$(MAKE) --no-print-directory serve

docker-build: ## Build the image churn-api
	docker build --tag churn-api .

docker-prod: docker-build ## Start nginx, the API, a worker, PostgreSQL and Redis in containers (docs/deployment.md)
	@test -d "$(SECRETS_DIR)" || { echo "SECRETS_DIR names no folder with the secrets: docs/deployment.md makes one" >&2; exit 2; }
	docker compose --file deploy/compose.yaml up --detach --wait

train: .venv/runtime ## Train the default model on sample data
	$(BIN)/churn-api sample-data $(SAMPLE) > instance/sample.csv
	$(BIN)/churn-api train instance/sample.csv --target churn --signature $(SAMPLE_SIGNATURE) $(LIVE)

test: lint typecheck imports pytest ## Run every check: style, types, import contracts, tests

lint: .venv/dev ## Check style and format, look for insecure code and for packages with known holes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit --quiet --recursive churn_api churn_client/src gunicorn.conf.py wsgi.py
	@$(BIN)/python deploy/audit.py requirements.txt $(AUDIT)

format: .venv/dev ## Put style and format right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: .venv/dev ## Check types
	$(BIN)/mypy
	$(BIN)/mypy --config-file churn_client/pyproject.toml

imports: .venv/dev ## Check which way imports run
	$(BIN)/lint-imports --config setup.cfg
	cd churn_client && PYTHONPATH=src $(CURDIR)/$(BIN)/lint-imports

# Tests wait for servers a third of their time: one process more than there are cores.
pytest: .venv/dev linters ## Run the tests in parallel; ARGS="-k name" chooses
	$(BIN)/pytest --numprocesses $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist worksteal $(ARGS)

linters: ## Install, where npm is, what the tests lint the OpenAPI document, make types of it and check the desk with
	@test -e .venv/npm/$(LINTERS_DONE) || ! command -v npm >/dev/null || { \
	    echo "Installing what reads the OpenAPI document into .venv/npm ..."; mkdir -p .venv/npm; \
	    npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts --fetch-retries 1 --fetch-timeout 60000 \
	        --prefix .venv/npm $(LINTERS) && touch .venv/npm/$(LINTERS_DONE) || \
	    { echo "they cannot be installed: their tests are skipped"; test -z "$$CI"; }; }

diagram: .venv/dev ## Draw docs/architecture.svg from its text
	$(BIN)/python docs/diagram.py docs/architecture.txt docs/architecture.svg

redoc: ## Renew what /redoc shows, from npm, without the one image that it would load from a CDN
	@folder=$$(mktemp -d) && cd "$$folder" && npm pack --silent $(REDOC) >/dev/null && tar -xzf redoc-*.tgz && \
	    sed 's|https://cdn.redoc.ly/redoc/logo-mini.svg|data:,|' package/bundles/redoc.standalone.js \
	    > $(REDOC_FILES)/redoc.standalone.js && \
	    cat package/LICENSE package/bundles/redoc.standalone.js.LICENSE.txt > $(REDOC_FILES)/LICENSE && rm -r "$$folder"

# Of a line of setup.cfg, all from a comma on is an upper bound of ours; `protobuf<7` has no comma, and stays.
test-newest: ## Run the tests with the newest versions of everything, in .venv-newest; ARGS as for pytest
	@test -x .venv-newest/bin/python || $(PYTHON) -m venv .venv-newest
	@sed -nE '/^install_requires/,/^\[options.packages/ s/^    ([a-z][^,]*).*/\1/p' setup.cfg > .venv-newest/newest.in
	@sed '/^-c /d' requirements-dev.in >> .venv-newest/newest.in
	@echo "Installing the newest versions into .venv-newest ..."
	@$(NEWEST) --upgrade --upgrade-strategy eager -r .venv-newest/newest.in
	@$(NEWEST) --no-deps --editable .
	@echo "Versions that requirements.txt and requirements-dev.txt do not have:"
	@sed 's/ .*//' requirements.txt requirements-dev.txt > .venv-newest/pinned
	@.venv-newest/bin/pip freeze --exclude-editable | sed -e :a -e 's/^\([^=]*\)[_.]/\1-/' -e ta | grep -vixFf .venv-newest/pinned || true
	.venv-newest/bin/pytest --numprocesses auto --dist worksteal $(ARGS)

test-clients: .venv/dev ## Run the tests that need other systems' own clients, with these in .venv-clients; ARGS as for pytest
	@test -x .venv-clients/bin/python || $(PYTHON) -m venv .venv-clients
	@echo "Installing the clients into .venv-clients ..."
	@$(BIN)/uv pip install --quiet --python .venv-clients/bin/python --requirements tests/protocols/clients.txt \
	    --override tests/protocols/overrides.txt --editable '.[train]' pytest requests
	.venv-clients/bin/pytest tests/protocols/test_*_client.py $(ARGS)

bench: .venv/runtime .venv-bench/done ## Measure this service and others (needs wrk); ARGS="--only churn-api" chooses
	$(BIN)/python -m benchmarks $(ARGS)

lock: .venv/dev ## Pin the dependencies of setup.cfg and requirements-dev.in with their hashes, by uv
	$(LOCK) $(addprefix --extra ,$(EXTRAS)) setup.cfg --output-file requirements.txt
	$(LOCK) --constraint requirements.txt --extra postgres --extra redis setup.cfg --output-file deploy/container/requirements.txt
	$(LOCK) --constraint requirements.txt --extra postgres --extra redis --extra otel setup.cfg \
	    --output-file deploy/container/requirements-otel.txt
	$(LOCK) --constraint requirements.txt --extra postgres --extra redis --extra train setup.cfg \
	    --output-file deploy/container/requirements-train.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) benchmarks/requirements.in --output-file benchmarks/requirements.txt
	$(LOCK) benchmarks/mlflow.in --output-file benchmarks/mlflow.txt
	$(LOCK) benchmarks/mlserver.in --output-file benchmarks/mlserver.txt

sbom: .venv/dev ## Write down what the image is made of (CycloneDX), with versions and hashes: sbom.cdx.json
	$(BIN)/python deploy/sbom.py deploy/container/requirements.txt sbom.cdx.json

# For `make bench ARGS=doors`: .venv-bench-mlflow/done, .venv-bench-mlserver/done.
.venv-bench-%/done: benchmarks/%.txt
	@test -x .venv-bench-$*/bin/python || $(PYTHON) -m venv .venv-bench-$*
	@echo "Installing $* into .venv-bench-$* ..."
	@.venv-bench-$*/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/$*.txt
	@touch $@

.venv-bench/done: benchmarks/requirements.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@echo "Installing the peers into .venv-bench ..."
	@.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@touch $@

clean: ## Remove the virtual environment and caches; models and instance stay
	rm -rf .venv .venv-bench .venv-bench-* .venv-newest .venv-clients .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info churn_client/src/*.egg-info churn_client/.mypy_cache churn_client/.import_linter_cache

.venv/runtime: requirements.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned requirements into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.txt churn_client/pyproject.toml
	@echo "Installing what tests and tools add into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable ./churn_client
	@touch $@
