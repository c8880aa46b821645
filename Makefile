# Everything sets itself up: a virtual environment in .venv with pinned packages, bubblewrap where it may be installed.
# PYTHON chooses the interpreter: make test PYTHON=python3.12
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SOURCES := pyproject.toml constraints.txt
# A file's tests stay together: they share an engine; long files first (tests/conftest.py). WORKERS=0 runs them one after
# the other.
WORKERS ?= 2
PYTEST := $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all test-gpu bench lint completions docs sandbox clean

## demo: two parties, real data, one machine: from a directory of Python files to an activated audience
##       (where no sandbox can be had: make demo DEMO_ARGS=--no-isolation)
demo: $(VENV)/.demo $(if $(findstring --no-isolation,$(DEMO_ARGS)),,sandbox)
	@$(BIN)/cleanroom-ml demo $(DEMO_ARGS)

## test: everything but the slow group
test: $(VENV)/.dev sandbox
	$(BIN)/ruff check cleanroom_ml tests sample_projects
	$(BIN)/ruff format --check cleanroom_ml tests sample_projects
	$(BIN)/mypy
	$(PYTEST) -m "not slow and not gpu and not bench" $(PYTEST_ARGS)

## test-all: every "must show", the slow ones too
test-all: $(VENV)/.dev sandbox
	$(PYTEST) -m "not gpu and not bench" $(PYTEST_ARGS)

## test-gpu: what needs an NVIDIA GPU, and CUDA builds of torch and xgboost in the environment (see README)
test-gpu: $(VENV)/.dev sandbox
	$(BIN)/pytest -m gpu $(PYTEST_ARGS)

## bench: each number beside its peer, from the same run
bench: $(VENV)/.dev sandbox
	$(BIN)/pytest tests/benchmarks -m bench -s $(PYTEST_ARGS)

## completions: write the shells' completion files anew
completions: $(VENV)/.dev
	$(BIN)/python -m cleanroom_ml.cli.completions completions

## docs: write the generated pages of docs/ anew
docs: $(VENV)/.dev
	$(BIN)/python -m cleanroom_ml.services.reference docs/reference/specs.md
	$(BIN)/python -m cleanroom_ml.engine.assembly.state_machines docs/state-machines.md
	$(BIN)/python -m cleanroom_ml.cli.exit_codes README.md docs/reference/errors.md

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
	  || { echo "cleanroom-ml needs Python 3.11 or 3.12: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "the venv module is missing: apt-get install -y python3-venv" >&2; exit 2; }

$(VENV)/.demo: $(SOURCES) | $(VENV)/bin/python
	@echo "installing what the demo needs into $(VENV) (once)" >&2
	@$(PIP_INSTALL) --editable '.[engine,samples]'
	@touch $@

$(VENV)/.dev: $(SOURCES) | $(VENV)/bin/python
	@echo "installing what the tests need into $(VENV) (once)" >&2
	@$(PIP_INSTALL) --editable '.[engine,runtime,samples,dev]'
	@touch $@ $(VENV)/.demo

# Jobs run in a sandbox or not at all. Root may install bubblewrap; nobody else is asked for a password.
sandbox:
	@command -v bwrap >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing bubblewrap" >&2; \
	  apt-get update -qq && apt-get install -y -qq bubblewrap >/dev/null; \
	else \
	  echo "bubblewrap is missing; install it with: sudo apt-get install -y bubblewrap" >&2; exit 2; \
	fi

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
