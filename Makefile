# make run: the main job on the embedded data, 400 digits to learn from: few enough for the configuration to matter.
# make test: the whole suite, in 15 to 45 minutes on two cores.  make test-fast: what needs no training and no server, in one
# to three.
# make check: lint, types, import rules.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python .ci/install.py

# Tests that train nothing, export nothing and start few processes: what most changes break first.
FAST := $(addprefix tests/,common spaces studies/book studies/records \
	$(addprefix search/,configuration loop progress resolve strategy) \
	$(addprefix training/,augment data losses metrics))

.PHONY: run test test-fast check lint mypy pyright imports format docs clean

run: $(VENV)/.run
	$(BIN)/hpo run --space resnet.yaml --data digits --set data.max_train=400 --trials 50
	@echo
	@echo "look at it:   $(BIN)/hpo ui            (optuna-dashboard and the MLflow UI)"
	@echo "read it:      $(BIN)/hpo show"
	@echo "use it:       $(BIN)/hpo retrain-best"

test: $(VENV)/.test
	$(BIN)/pytest -n 2 --dist worksteal

test-fast: $(VENV)/.test
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not server" $(FAST)

check: lint mypy pyright imports

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy: $(VENV)/.dev
	$(BIN)/mypy

pyright: $(VENV)/.dev
	$(BIN)/pyright

imports: $(VENV)/.dev
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.run
	$(BIN)/python docs/generate.py

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Each stamp stands for an install; a change of pyproject.toml installs again.
$(VENV)/.run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "hpo needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.test: $(VENV)/.run
	$(INSTALL) --editable '.[test]'
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(INSTALL) --editable '.[dev]'
	touch $@
