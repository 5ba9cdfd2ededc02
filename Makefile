SHELL := bash
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
EXPERIMENT ?= digits
KILLS ?= 50
DAYS ?= 30

.PHONY: help environment run test test-long test-cluster test-containers lint format lock schema image bench transfer soak soak-short clean

help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment: ## Makes .venv from requirements.lock, where that is not done already
	@./setup_environment.sh

run: environment ## Runs EXPERIMENT (default: digits), from its data to a pushed model
	@$(PYTHON) local_runner.py run $(EXPERIMENT)

test: environment ## Runs the tests, two modules at a time
	$(PYTHON) -m pytest --numprocesses 2 --dist loadfile

test-long: environment ## Runs the longest tests: whole runs, faults, schedules, trainings and searches in several processes
	$(PYTHON) -m pytest -m long --numprocesses 2 --dist loadfile

test-cluster: environment ## Runs compiled pipelines task by task, against real database servers and object stores
	$(PYTHON) -m pytest -m cluster --numprocesses 2 --dist loadfile

test-containers: environment ## Builds the image and runs the pipeline in containers, on Podman; takes ten minutes the first time
	$(PYTHON) -m pytest tests/containers

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

image: ## Builds the image of kubeflow/Containerfile; variables: IMAGE, BASE_IMAGE, CONTAINER_TOOL, BUILD_FLAGS
	@CONTAINER_TOOL="$(CONTAINER_TOOL)" IMAGE="$(IMAGE)" BASE_IMAGE="$(BASE_IMAGE)" BUILD_FLAGS="$(BUILD_FLAGS)" kubeflow/image.sh

bench: environment ## Measures Darkroom against stock TFX and plain Keras, and how its data stages grow; prints tables
	@status=0; for part in data_stages against_stock training_epoch; do $(PYTHON) -m tests.bench.$$part || status=1; done; exit $$status

transfer: environment ## Measures what weights of some classes are worth to others, on Fashion-MNIST
	$(PYTHON) -m tests.bench.transfer

soak: environment ## Kills trainings, pushes and whole runs, and lives through a month of data; takes two hours
	@status=0; for part in training_kills pushes "run_kills --kills $(KILLS)" "month --days $(DAYS)"; do \
		$(PYTHON) -m tests.soak.$$part || status=1; done; exit $$status

soak-short: environment ## The kills of whole runs and the days of data alone, and few of them
	@status=0; for part in "run_kills --kills 6" "month --days 6"; do $(PYTHON) -m tests.soak.$$part || status=1; done; exit $$status

clean: ## Removes the environment and all caches, never the workspace
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './workspace/*' -prune -exec rm -rf {} +
