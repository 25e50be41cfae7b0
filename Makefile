# What a fresh clone needs: git, make and Python with venv (Debian: apt install git make python3-venv).
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin

.PHONY: reproduce install test test-all conformance lint types bench docs clean
.DEFAULT_GOAL := install

reproduce: $(VENV)/.installed  ## the central result: LOLA finds tit-for-tat, naive learners defect
	@$(RUN)/tacit reproduce lola-ipd

install: $(VENV)/.installed  ## the package and what its recipes and reports use

test: $(VENV)/.developing  ## the quick tests
	@$(RUN)/pytest

test-all: $(VENV)/.developing  ## all tests, those that train for minutes too
	@$(RUN)/pytest -m "long or not long" --timeout 1800

conformance: $(VENV)/.developing  ## over 10,000 games of Hanabi beside the reference engine, which is built first (C++)
	@CMAKE_POLICY_VERSION_MINIMUM=3.5 $(RUN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[plot,digits,dev,hanabi]'
	@$(RUN)/pytest -m hle -n 0 -q tests/games/hanabi
	@$(RUN)/pytest -m 'not long' -n 0 -q tests/interop/test_hle.py tests/interop/test_engine_scores.py

lint: $(VENV)/.developing  ## style, and the docs' generated parts
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .

types: $(VENV)/.developing
	@$(RUN)/pyright

bench: $(VENV)/.installed  ## speed, each figure beside a plain version of the same thing
	@$(RUN)/tacit bench

docs: $(VENV)/.developing  ## writes the generated parts of the docs anew
	@$(RUN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing; install it (Debian: apt install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: tacit needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "make: Python's venv is missing; install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "building $(VENV) (once, about a minute)" >&2
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[plot,digits]'
	@touch $@

$(VENV)/.developing: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[plot,digits,dev]'
	@touch $@ $(VENV)/.installed
