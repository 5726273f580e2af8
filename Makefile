# Sojourn. `make run` to try it, `make test` to check it; `make help` lists the rest.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
NPM_PARTS := $(dir $(shell find tests -name package.json -not -path '*/node_modules/*'))

.PHONY: help run demo test check format bench docs setup setup-dev clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: setup ## start Sojourn with a demo; the console's URL is printed
	$(BIN)/sojourn serve --demo --open-console

demo: setup ## play the demo's visitors to a Sojourn that is already running
	$(BIN)/sojourn demo

test: setup-dev ## all tests
	$(BIN)/python -m pytest -n 2

check: setup-dev ## format, lint, types, layers, generated docs
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate_docs.py --check

format: setup-dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## the benchmarks: a table of ratios
	$(BIN)/python -m benchmarks

docs: setup-dev ## make the generated parts of the docs anew
	$(BIN)/python scripts/generate_docs.py

setup: $(VENV)/installed-server

setup-dev: $(VENV)/installed-dev

$(VENV)/bin/python:
	scripts/make-venv $(VENV)

$(VENV)/installed-server: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[server]'
	touch $@

$(VENV)/installed-dev: pyproject.toml $(addsuffix package.json,$(NPM_PARTS)) | $(VENV)/bin/python
	scripts/install-system-parts
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	for part in $(NPM_PARTS); do (cd $$part && npm install --no-package-lock --no-audit --no-fund --silent) || exit 1; done
	touch $@ $(VENV)/installed-server

clean: ## remove what was installed and built
	rm -rf $(VENV) dist build $(addsuffix node_modules,$(NPM_PARTS))
