PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_READY := $(VENV)/.demo-ready
READY := $(VENV)/.ready
CONFORMANCE := $(VENV)-conformance
LOWEST := $(VENV)-lowest
CODE := footlake scripts tests bench docs
# Tests start footlake hundreds of times. Without cached bytecode, each start would compile its modules.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PIP := $(BIN)/pip --disable-pip-version-check
# uv installs in parallel. pip, which also reads the user's pip.conf, is tried if uv fails. Neither compiles modules:
# Python does so for those that are used. Spark has to be built: without compression, since it is unpacked at once.
INSTALL = $(BIN)/uv pip install --python $(BIN)/python --no-cache --no-deps --requirement $(1) \
	--config-settings-package pyspark:--build-option=--compression=stored 2>&1 | grep --invert-match '^ + ' || \
	$(PIP) install --no-compile --no-deps --requirement $(1)

.PHONY: help demo unit test proof conformance live bench lint docs lock clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "make %-11s  %s\n", $$1, $$2 }'

demo: $(DEMO_READY) ## Run the whole pipeline locally and print the league table (2 minutes)
	$(BIN)/footlake demo

unit: $(READY) ## Run the tests that need no server (half a minute)
	$(BIN)/pytest -m "not server and not thorough and not conformance"

test: $(READY) lint ## Run the linters and all tests (7 minutes)
	$(BIN)/pytest

proof: $(READY) $(CONFORMANCE)/.ready $(LOWEST)/.ready ## Run conformance, faults at every AWS call, recorded seasons, and every resource repaired and removed (21 minutes)
	$(BIN)/pytest -m "thorough or conformance"

conformance: $(READY) $(CONFORMANCE)/.ready $(LOWEST)/.ready ## Run a lake on emulators of others, and linters (5 minutes)
	$(BIN)/pytest -n 0 -m conformance tests/conformance

live: $(READY) ## Run a lake in your AWS account and remove it (2 hours, about 2 USD, needs FOOTLAKE_LIVE=yes)
	$(BIN)/python -m tests.live $(ARGS)

bench: $(READY) ## Measure the claims and write docs/performance.md (10 minutes)
	$(PIP) install --quiet --editable .[bench]
	$(BIN)/python -m bench

lint: $(READY) ## Check style, types, imports and generated documents
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(READY) ## Generate docs/cli.md and docs/configuration.md
	$(BIN)/python docs/generate.py

$(DEMO_READY): requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "footlake needs Python 3.11 or later")'
	@echo "Installing into $(VENV) (1 GB: Spark, AutoGluon, moto). This takes about a minute, once."
	@$(PYTHON) -m venv $(VENV) || { echo "Python lacks its venv module: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@$(PIP) install --quiet --no-compile "$$(grep -o 'uv==.*' setup.cfg)"
	@$(call INSTALL,requirements.lock)
	@$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(READY): $(DEMO_READY) requirements-dev.lock
	@$(call INSTALL,requirements-dev.lock)
	@touch $@

$(CONFORMANCE)/.ready: requirements-conformance.lock
	@echo "Installing into $(CONFORMANCE) (200 MB: ministack, cfn-lint, parliament, uv)."
	@$(PYTHON) -m venv --clear $(CONFORMANCE)
	@$(CONFORMANCE)/bin/pip --disable-pip-version-check install --quiet --requirement requirements-conformance.lock
	@touch $@

# The lowest versions of the core's packages that setup.cfg permits.
$(LOWEST)/.ready: setup.cfg $(CONFORMANCE)/.ready
	@echo "Installing into $(LOWEST) (350 MB: the lowest permitted versions)."
	@$(CONFORMANCE)/bin/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	@$(CONFORMANCE)/bin/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable .
	@touch $@

lock: $(DEMO_READY) ## Update requirements.lock, requirements-dev.lock and requirements-conformance.lock
	$(BIN)/uv pip compile setup.cfg --quiet --extra local --universal --python-version 3.11 --no-header --upgrade --output-file requirements.lock
	$(BIN)/uv pip compile setup.cfg --quiet --extra dev --constraints requirements.lock --universal --python-version 3.11 --no-header \
		--upgrade --output-file requirements-dev.lock
	$(BIN)/python -c 'from setuptools.config.setupcfg import read_configuration as read; \
		print(*read("setup.cfg")["options"]["extras_require"]["conformance"], sep="\n")' | \
		$(BIN)/uv pip compile - --quiet --universal --python-version 3.11 --no-header --upgrade \
		--output-file requirements-conformance.lock

clean: ## Remove everything that footlake put on this machine, after asking
	@echo "This removes $(VENV) (and -conformance, -lowest), build files, ~/.footlake (local lakes with their data) and ~/.cache/footlake."
	@read -r -p "Type yes to continue: " answer && [ "$$answer" = yes ]
	-@[ ! -x $(BIN)/footlake ] || $(BIN)/footlake local stop
	rm -rf $(VENV) $(CONFORMANCE) $(LOWEST) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .grimp_cache .hypothesis
	rm -rf "$$HOME/.footlake" "$${XDG_CACHE_HOME:-$$HOME/.cache}/footlake"
