# Every command of the project; `make help` lists them. PYTHON may name another interpreter of 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin
export UV_NO_PROGRESS = 1
# Compiled once, every process of the product starts in half the time.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench bench-outbox bench-respond bench-reports bench-flows bench-triggers shell install-dev clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kaireon: Python 3.11 or later is needed; set PYTHON=" >&2; exit 2; }
	@echo "Making .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.venv/.installed: requirements.txt $(BIN)/uv
	@echo "Installing requirements.txt into .venv …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@echo "Installing requirements-dev.txt into .venv …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt
	@touch $@

install-dev: .venv/.installed-dev ## Install what the tests and linters need

run: .venv/.installed ## Run everything on http://127.0.0.1:$PORT (3000); Ctrl-C ends it
	@exec $(BIN)/python -m kaireon.launch

test: .venv/.installed-dev ## Run the whole suite in parallel
	@$(BIN)/python -m pytest -n 2 --dist worksteal -q $(ARGS)

lint: .venv/.installed-dev ## Check style, types, imports, settings and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	env $$(grep -v '^#' deploy/production-like.txt | xargs) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

format: .venv/.installed-dev ## Format the code
	$(BIN)/ruff check --fix-only --quiet . || true
	$(BIN)/ruff format .

bench: .venv/.installed-dev ## Run every benchmark and print its table
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-outbox: .venv/.installed-dev ## Measure the outbox beside its peers
	@$(BIN)/python benchmarks/outbox.py $(ARGS)

bench-respond: .venv/.installed-dev ## Measure recording over HTTP beside a bare view
	@$(BIN)/python benchmarks/respond.py $(ARGS)

bench-reports: .venv/.installed-dev ## Measure renderers beside COPY, WeasyPrint and fpdf2, and many reports due at once
	@$(BIN)/python benchmarks/reports.py $(ARGS)
	@$(BIN)/python benchmarks/reports_due.py

bench-flows: .venv/.installed-dev ## Measure a million rows into PostgreSQL beside psql, pandas and polars
	@$(BIN)/python benchmarks/flows.py $(ARGS)

bench-triggers: .venv/.installed-dev ## Measure ticks over 100,000 pipelines beside croniter, APScheduler and celery-beat, polls, pushes
	@$(BIN)/python benchmarks/triggers.py $(ARGS)

shell: .venv/.installed ## Open a Python shell with the models loaded
	@$(BIN)/python manage.py shell

clean: ## Remove the virtual environment and caches; the data folder stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
