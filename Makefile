# Everything sets itself up: a virtual environment in .venv with pinned packages, bubblewrap where it may be installed.
# PYTHON chooses the interpreter (make test PYTHON=python3.12); without it python3 is taken where it fits, else the newest
# of these that is installed. What fits is what requires-python in pyproject.toml says (tests/test_packaging.py).
SHELL := /bin/bash
PYTHON ?=
MINORS := 14 13 12 11
FITS := import sys; sys.exit(sys.version_info[0] != 3 or str(sys.version_info[1]) not in "$(MINORS)".split())
MINOR := import sys; print("%d.%d" % sys.version_info[:2])
# Several interpreters side by side: make test PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
# Without "runtime", where torch or Ray cannot be had, its tests are skipped and say so.
EXTRAS ?= engine,runtime,samples,dev
export CLEANROOM_ML_EXTRAS := $(EXTRAS)
BIN := $(VENV)/bin
# Everything is installed from locks/, by hash and from wheels alone, but torch: see locks/lock.py.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := $(PIP_INSTALL) --require-hashes --no-deps --only-binary :all:
OURSELVES := $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
COMMA := ,
LOCKS = $(patsubst %,locks/%.txt,$(subst $(COMMA), ,$(EXTRAS)))
SOURCES := pyproject.toml constraints.txt $(wildcard locks/*.txt)
# A file's tests stay together: they share an engine; long files first (tests/conftest.py). WORKERS=0 runs them one after
# the other. More than there are cores: files wait for processes that they have started.
WORKERS ?= 3
PYTEST := $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all coverage coverage-authorising coverage-recorded test-gpu bench lint completions docs pages interpreter lock sandbox openmp clean

## demo: two parties, real data, one machine: from a directory of Python files to an activated audience
##       (where no sandbox can be had: make demo DEMO_ARGS=--no-isolation)
demo: $(VENV)/.demo $(if $(findstring --no-isolation,$(DEMO_ARGS)),,sandbox)
	@$(BIN)/cleanroom-ml demo $(DEMO_ARGS)

## test: everything but the slow group
test: $(VENV)/.dev sandbox openmp
	$(BIN)/ruff check cleanroom_ml tests locks sample_projects
	$(BIN)/ruff format --check cleanroom_ml tests locks sample_projects
	$(BIN)/mypy
	$(PYTEST) -m "not slow and not gpu and not bench" $(PYTEST_ARGS)

## test-all: every "must show", the slow ones too
test-all: $(VENV)/.dev sandbox openmp
	$(PYTEST) -m "not gpu and not bench" $(PYTEST_ARGS)

## coverage: the quick group, and what it executes: at least 90 % of statements and branches, and every branch of what
##           authorises (tests/coverage/floors.py)
COVERED := build/coverage
MEASURED := PYTHONPATH=$(CURDIR)/tests/coverage $(PYTEST) -m "not slow and not gpu and not bench"
EMPTIED = rm -rf $(COVERED) && mkdir -p -m 1777 $(COVERED)
coverage: $(VENV)/.dev sandbox openmp
	$(EMPTIED)
	$(MEASURED) $(PYTEST_ARGS)
	$(BIN)/python tests/coverage/floors.py $(COVERED)

## coverage-authorising: the tests of what authorises alone, and that they take every branch of it
AUTHORISING := $(addprefix tests/,login local/test_local_accounts.py \
  $(addprefix security/test_security_,logins.py identity.py) \
  $(addprefix http/test_http_,admin.py callers.py gate.py peers.py job_sockets.py transfers.py allowances.py connections.py) \
  $(addprefix storage/test_storage_,roles.py accounts.py sessions.py) \
  $(addprefix statements/test_statements_,grants.py policy.py roles.py users.py owners_rights.py rooms.py) \
  $(addprefix rooms/test_rooms_,roles.py role_checks.py runs_by_role.py approval.py policies.py policies_renamed.py rendering.py) \
  $(addprefix rooms/test_rooms_,activation.py every_procedure.py leaving.py named_resources.py update_requests.py whose.py))
coverage-authorising: $(VENV)/.dev sandbox openmp
	$(EMPTIED)
	$(MEASURED) $(AUTHORISING)
	$(BIN)/python tests/coverage/floors.py $(COVERED) --authorising

## coverage-recorded: the tests that tests/tested_by.toml records, alone, and that they execute what they are recorded for
coverage-recorded: $(VENV)/.dev sandbox openmp
	$(EMPTIED)
	COVERAGE_CORE=ctrace $(MEASURED) -p coverage_contexts $$($(BIN)/python tests/coverage/recorded.py)
	$(BIN)/python tests/coverage/recorded.py $(COVERED)

## test-gpu: what needs an NVIDIA GPU, and CUDA builds of torch and xgboost in the environment (see README)
test-gpu: $(VENV)/.dev sandbox openmp
	$(BIN)/pytest -m gpu $(PYTEST_ARGS)

## bench: each number beside its peer, from the same run
bench: $(VENV)/.dev sandbox openmp
	$(BIN)/pytest tests/benchmarks -m bench -s $(PYTEST_ARGS)

## completions: write the shells' completion files anew
completions: $(VENV)/.dev
	$(BIN)/python -m cleanroom_ml.cli.completions completions

## docs: write the generated pages of docs/ anew, and the tables of commands and exit codes
docs: $(VENV)/.dev
	$(BIN)/python -m cleanroom_ml.services.reference docs/reference/specs.md
	$(BIN)/python -m cleanroom_ml.engine.assembly.state_machines docs/state-machines.md
	$(BIN)/python tests/package_map.py docs/ARCHITECTURE.md
	$(BIN)/python tests/conformance/function_page.py docs/reference/sql-functions.md
	$(BIN)/python -m cleanroom_ml.cli.generated docs/reference/errors.md README.md docs/cli-conventions.md docs/targets.md

## pages: run the documentation's worksheets as printed (PAGES=DIR has them), by the connector and by snow, and write
##        the table of what came of it
pages: $(VENV)/.dev sandbox
	$(BIN)/python tests/conformance/pages.py $(if $(PAGES),--pages $(PAGES)) --write docs/reference/worksheets.md

## lock: write locks/ anew, after constraints.txt has changed
lock: $(VENV)/.dev
	@$(BIN)/python -c 'import uv' 2>/dev/null || $(PIP_INSTALL) uv
	$(BIN)/python locks/lock.py

$(VENV)/bin/python: | interpreter
	@for each in $(or $(PYTHON),python3 $(MINORS:%=python3.%)); do \
	  if $$each -c '$(FITS)' 2>/dev/null; then found=$$each; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "cleanroom-ml needs Python 3.$(lastword $(MINORS)) to 3.$(firstword $(MINORS)), which" \
	    "$(or $(PYTHON),python3 and $(lastword $(MINORS:%=python3.%)) to $(firstword $(MINORS:%=python3.%))) is not:" \
	    "make $(MAKECMDGOALS) PYTHON=/path/to/python3.$(firstword $(MINORS))" >&2; exit 2; \
	fi; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$$found cannot make virtual environments; on Debian: apt-get install -y python3-venv" >&2; exit 2; }

# An environment belongs to the interpreter that made it: asking for another one is told, never passed over.
interpreter:
	@if [ -n "$(PYTHON)" ] && [ -x $(BIN)/python ]; then \
	  asked=$$($(PYTHON) -c '$(MINOR)') || exit 2; made=$$($(BIN)/python -c '$(MINOR)'); \
	  if [ "$$asked" != "$$made" ]; then \
	    echo "$(VENV) was made with Python $$made, and $(PYTHON) is $$asked: make clean, or" \
	      "make $(MAKECMDGOALS) PYTHON=$(PYTHON) VENV=.venv-$$asked" >&2; exit 2; \
	  fi; \
	fi

$(VENV)/.demo: $(SOURCES) | $(VENV)/bin/python interpreter
	@echo "installing what the demo needs into $(VENV) (once)" >&2
	@$(LOCKED) -r locks/engine.txt -r locks/samples.txt
	@$(OURSELVES)
	@touch $@

$(VENV)/.dev: $(SOURCES) | $(VENV)/bin/python interpreter
	@echo "installing what the tests need into $(VENV) (once)" >&2
	@$(LOCKED) $(LOCKS:%=-r %)
	$(if $(findstring runtime,$(EXTRAS)),@$(PIP_INSTALL) --constraint constraints.txt $$(grep ^torch== constraints.txt))
	@$(OURSELVES)
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

# LightGBM's wheel has no OpenMP of its own; most machines have the system's. The demo does without.
openmp: $(VENV)/.dev
	@[ -z "$(findstring runtime,$(EXTRAS))" ] && exit 0; \
	$(BIN)/python -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing libgomp1" >&2; \
	  apt-get update -qq && apt-get install -y -qq libgomp1 >/dev/null; \
	else \
	  echo "libgomp.so.1 is missing, which LightGBM needs; install it with: sudo apt-get install -y libgomp1" >&2; exit 2; \
	fi

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
