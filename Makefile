# hftgym: `make train` and `make test` need Python 3.11+, git and make; they set up the rest.
#
#   make train   set up if needed, train a PPO market maker, evaluate it, print one table
#   make test    set up if needed, run the tests
#   make lint    ruff (rules and format) and mypy
#   make bench   speed of the matching engine and of the environments
#   make docs    run every code block of the documentation
#   make clean   remove the virtual environment

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
CONFIG ?= configs/ppo_market_making.yaml

.DEFAULT_GOAL := help
.PHONY: help setup train test lint bench docs clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "hftgym: error: $(PYTHON) is missing or older than 3.11;" \
	       "name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "hftgym: setting up $(VENV) (the first time takes some minutes: PyTorch is large)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "hftgym: error: '$(PYTHON) -m venv' failed; on Debian and Ubuntu:" \
	       "apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[train,ray,data,quant,report,dev]'
	@touch $(READY)
	@echo "hftgym: $(VENV) is ready"

train: $(READY)
	@echo "hftgym: training with $(CONFIG)"
	@$(BIN)/hftgym train $(CONFIG)

test: $(READY)
	@echo "hftgym: running the tests (the first run also compiles the market)"
	@$(BIN)/python -m pytest -q

lint: $(READY)
	@echo "hftgym: ruff and mypy"
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy hftgym $(wildcard agents scripts)

bench: $(READY)
	@echo "hftgym: measuring the matching engine, then the environments"
	@$(BIN)/hftgym bench engine
	@$(BIN)/hftgym bench env

docs: $(READY)
	@echo "hftgym: running the code blocks of the documentation"
	@$(BIN)/python -m pytest -q tests/test_docs.py

clean:
	rm -rf $(VENV)
