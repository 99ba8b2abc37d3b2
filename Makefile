# make demo   from nothing to the league table, on an AWS that runs on this machine
# make test   the checks, in minutes
# make proof  bootstrap and teardown through faults, ingestion through deaths and broken bodies, in more minutes
# make bench  what is claimed of its speed, measured beside its rivals, into docs/performance.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := footlake scripts tests bench

.PHONY: demo test proof bench lint lock clean

demo: $(READY)
	$(BIN)/footlake demo

test: $(READY) lint
	$(BIN)/pytest

proof: $(READY)
	$(BIN)/pytest -m thorough

bench: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .[bench]
	$(BIN)/python -m bench

lint: $(READY)
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

$(READY): requirements.lock setup.cfg pyproject.toml
	@echo "Setting up $(VENV): some 1.6 GB of engines (Spark, AutoGluon, moto), once …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "footlake needs Python 3.11 or later")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python lacks its venv module: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile setup.cfg --quiet --extra dev --universal --python-version 3.11 --no-header --upgrade --output-file requirements.lock

clean:
	-$(BIN)/footlake local stop
	rm -rf $(VENV) build dist *.egg-info
