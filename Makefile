# The one place that knows how isbjerg is checked, built and shown. Hooks and CI only call it.
#
#   make venv      the developers' environment, .venv (nothing is done while pyproject.toml stands)
#   make format    write the code as the house writes it
#   make test      everything CI asks for, in the order in which it fails soonest
#   make demo      install into its own environment and show a whole life on real flights
#
# Options: PYTHON=python3.12  VENV=.venv  WORKERS=2  TESTS="tests/unit/models -k boosted"
#          DEMO=--quick (make demo: learn six weeks, replay two days)
#          NAME=cli_start BENCH="--quick --json" (make bench)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The first Python on the path that the project supports; a name alone does not prove that it runs.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	"$$name" -c '$(SUPPORTED)' 2>/dev/null && { echo "$$name"; break; }; done)

VENV ?= .venv
VENV_CONTRACT ?= .venv-contract
VENV_DEMO ?= .venv-demo
VENV_PACKAGE ?= .venv-package
BIN := $(VENV)/bin
PIP_QUIET ?= --quiet --disable-pip-version-check

CODE := src tests benchmarks checks
GUIDES := $(wildcard README.md ARCHITECTURE.md CONTRIBUTING.md docs)
WORKERS ?= 2
TESTS ?= tests src $(GUIDES)
PYTEST = $(BIN)/python -m pytest --doctest-glob='*.md'
NAME ?= all
DEMO ?=
BENCH ?=

.PHONY: help
help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

# --- environments ----------------------------------------------------------------------------

.PHONY: venv python
venv: $(VENV)/.stamp

python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 on the path: make PYTHON=/path/to/python3.11" >&2; exit 1; }

# pip reads dependency groups from 25.1 on; the pip that a Python brings is older.
$(VENV)/.stamp: pyproject.toml | python
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_QUIET) --upgrade "pip>=25.1"
	$(BIN)/python -m pip install $(PIP_QUIET) --editable ".[examples,postgres]" --group dev
	touch $@

# datacontract-cli brings a hundred packages that must not be able to help or harm isbjerg's own
# environment, so it lives apart; one test asks its `lint`.
$(VENV_CONTRACT)/.stamp: pyproject.toml | python
	"$(PYTHON)" -m venv $(VENV_CONTRACT)
	$(VENV_CONTRACT)/bin/python -m pip install $(PIP_QUIET) --upgrade "pip>=25.1"
	$(VENV_CONTRACT)/bin/python -m pip install $(PIP_QUIET) --group contract
	touch $@

$(VENV_DEMO)/.stamp: pyproject.toml | python
	"$(PYTHON)" -m venv $(VENV_DEMO)
	$(VENV_DEMO)/bin/python -m pip install $(PIP_QUIET) --editable ".[examples]"
	touch $@

# --- checks ----------------------------------------------------------------------------------

.PHONY: test
test: lint types package contract unit

.PHONY: format
format: venv
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lint lint-syntax lint-format lint-code lint-spelling lint-layers lint-pages
lint: lint-syntax lint-format lint-code lint-spelling lint-layers lint-pages

lint-syntax: venv
	$(BIN)/python -m compileall -q $(CODE)

lint-format: venv
	$(BIN)/ruff format --check .

lint-code: venv
	$(BIN)/ruff check .

lint-spelling: venv
	$(BIN)/codespell $(CODE) $(wildcard docs) *.md

lint-layers: venv
	$(BIN)/lint-imports

lint-pages: venv
	$(BIN)/python docs/generate.py --check

# Written from the code: run this after changing a verb, an option or a key of the frame.
.PHONY: pages
pages: venv
	$(BIN)/python docs/generate.py

.PHONY: types
types: venv
	$(BIN)/mypy --package isbjerg --package benchmarks

# The datacontract command is handed over when it is there; the test that asks it says so when not.
# Other points than CI's, drawn anew; pytest prints the seed of a round that fails.
.PHONY: kill
kill: venv
	ISBJERG_KILL_SEED=$${ISBJERG_KILL_SEED:-$$RANDOM$$RANDOM} $(PYTEST) -rP tests/workflows/test_kill.py

# The fast suites on another Python: make versions PYTHON=python3.13
.PHONY: versions
versions:
	$(MAKE) unit VENV=.venv-$(notdir $(PYTHON)) TESTS='tests/unit tests/laws tests/workflows -m "not slow"'

# One fixture starts a real PostgreSQL server. A developer without its programs sees its tests
# skipped; on a machine of CI, which is root on Debian, they are installed.
.PHONY: postgres
postgres:
	@if ! command -v initdb > /dev/null && ! ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1; then \
		if [ -n "$${CI:-}" ] && command -v apt-get > /dev/null && [ "$$(id -u)" = 0 ]; then \
			apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql > /dev/null; \
		else echo "No PostgreSQL: its tests are skipped (apt-get install postgresql)."; fi; fi

.PHONY: unit
unit: venv postgres
	if [ -x $(VENV_CONTRACT)/bin/datacontract ]; then \
		export ISBJERG_DATACONTRACT="$(CURDIR)/$(VENV_CONTRACT)/bin/datacontract"; fi; \
	$(PYTEST) --numprocesses $(WORKERS) --dist worksteal \
		--cov=isbjerg --cov-branch --cov-report=term:skip-covered \
		--durations=8 --durations-min=3 $(TESTS)

# The examples of the guides alone, to look at while writing one; `make unit` runs them too.
.PHONY: docs
docs: venv
	$(PYTEST) $(GUIDES)

.PHONY: contract
contract: $(VENV_CONTRACT)/.stamp
	$(VENV_CONTRACT)/bin/datacontract --version

# What is published is what is tried: the wheel made from the source distribution, in an
# environment that has neither the developers' tools nor this folder on its path.
.PHONY: package
package: venv
	rm -rf build/package $(VENV_PACKAGE)
	$(BIN)/python -m build --outdir build/package . > /dev/null
	"$(BIN)/python" -m venv $(VENV_PACKAGE)
	$(VENV_PACKAGE)/bin/python -m pip install $(PIP_QUIET) build/package/*.whl
	bin="$(CURDIR)/$(VENV_PACKAGE)/bin"; smoke="$(CURDIR)/tests/packaging/smoke.py"; \
	cd "$$(mktemp -d)" && "$$bin/python" -I "$$smoke"

# --- to look at ------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV_DEMO)/.stamp
	rm -rf build/demo build/demo.json build/demo-check.json
	$(VENV_DEMO)/bin/isbjerg demo build/demo --report build/demo.json $(DEMO)
	$(VENV_DEMO)/bin/python -I checks/demo.py build/demo --json build/demo-check.json

.PHONY: bench
bench: venv
	$(BIN)/python -m benchmarks $(NAME) $(BENCH)

# --- away with it ----------------------------------------------------------------------------

.PHONY: clean distclean
clean:
	rm -rf build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) $(VENV_CONTRACT) $(VENV_DEMO) $(VENV_PACKAGE) .hypothesis
