# Two commands do everything: `make run` sets up and runs the main job, `make test` sets up and passes the checks.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check circle clean

run: .venv/ready
	$(BIN)/leverplus run eval --shot 2

test: .venv/ready-dev
	$(MAKE) --no-print-directory check

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest -n 2

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leverplus needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv

.venv/ready: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/ready-dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/ready $@

circle: .venv/ready
	$(BIN)/leverplus demo circle

clean:
	rm -rf .venv
