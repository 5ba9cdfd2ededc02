SHELL := bash
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
EXPERIMENT ?= digits

.PHONY: help environment run test lint format lock schema bench transfer soak test-cluster clean

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment: ## Makes .venv from requirements.lock, where that is not done already
	@./setup_environment.sh

run: environment ## Runs EXPERIMENT (default: digits), from its data to a pushed model
	@$(PYTHON) local_runner.py run $(EXPERIMENT)

test: environment ## Runs all tests, two modules at a time
	$(PYTHON) -m pytest --numprocesses 2 --dist loadfile

lint: environment ## Checks style, types and which package imports which
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest --quiet tests/test_layout.py

format: environment ## Formats the code and mends what ruff can mend
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

lock: ## Brings requirements.lock up to what pyproject.toml asks for
	"$$(./setup_environment.sh --print-uv)" pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--python-version 3.10 --no-emit-index-url --quiet -o requirements.lock

schema: environment ## Writes the JSON Schema of the experiment file
	$(PYTHON) -m schemas.json_schema

bench: environment ## Measures Darkroom against stock TFX and plain Keras, and how its data stages grow; prints tables
	@status=0; for part in data_stages against_stock training_epoch; do $(PYTHON) -m tests.bench.$$part || status=1; done; exit $$status

transfer: environment ## Measures what weights of some classes are worth to others, on Fashion-MNIST
	$(PYTHON) -m tests.bench.transfer

soak: environment ## Kills a training twenty times, and pushes and rollbacks while pollers read; takes half an hour
	@status=0; for part in training_kills pushes; do $(PYTHON) -m tests.soak.$$part || status=1; done; exit $$status

test-cluster: environment ## Runs a compiled pipeline task by task, against real MariaDB and PostgreSQL servers
	$(PYTHON) -m pytest -m cluster

clean: ## Removes the environment and all caches, never the workspace
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './workspace/*' -prune -exec rm -rf {} +
