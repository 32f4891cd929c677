# What people and CI call. `make run` and `make test` do all the set-up that they need.
PYTHON_BIN := .venv/bin/python
SOURCES := services client/src demo bench scripts tests hatch_build.py
# More test processes than cores by default: nearly half of the tests' time is waiting for servers and intervals.
WORKERS ?= 3
# More words for the command: make run ARGS="--set api.listen=127.0.0.1:8081"
ARGS ?=

.PHONY: help setup setup-dev run test lint docs routes bench conformance dashboard-check clean

help:
	@echo "make run          run Tocsin and the demo that it watches (ARGS=... for tocsin up)"
	@echo "make test         run all tests, with all that they need"
	@echo "make setup        only make the environment in .venv"
	@echo "make lint         style, types, import contracts, the dashboard's checks"
	@echo "make docs         write the generated pages of docs/reference"
	@echo "make routes       who is told of what: the tests of deploy/config (ROUTES=FILES for your own)"
	@echo "make bench        run every benchmark in its short form"
	@echo "make conformance  PromQL and rule tests against Prometheus' own: PROMQL_SUITE=DIR"
	@echo "make clean        remove what was built (not .tocsin, where the data is)"

setup:
	@sh scripts/setup.sh run

setup-dev:
	@sh scripts/setup.sh dev

run: setup
	@exec .venv/bin/tocsin up --demo $(ARGS)

test: setup-dev dashboard-check
	@sh scripts/chromium.sh
	PYTHONDONTWRITEBYTECODE= $(PYTHON_BIN) -m pytest -n $(WORKERS) --dist loadgroup --cov --cov-report= --cov-fail-under=95

dashboard-check: setup-dev
	@$(PYTHON_BIN) hatch_build.py --test

lint: setup-dev dashboard-check
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/mypy
	.venv/bin/lint-imports

docs: setup-dev
	$(PYTHON_BIN) -m scripts.reference

ROUTES ?= deploy/config/tests/routes.yml
routes: setup-dev
	$(PYTHON_BIN) -m services routes test $(ROUTES)

bench: setup-dev
	@for module in bench/*.py bench/*/__main__.py; do \
	  grep -q '^if __name__' $$module || continue; \
	  name=$${module%.py}; \
	  echo "== $$module"; $(PYTHON_BIN) -m $$(echo $${name%/__main__} | tr / .) --quick || exit 1; \
	done

conformance: setup-dev
	@test -n "$(PROMQL_SUITE)" || { echo "name the folder of the suite: make conformance PROMQL_SUITE=DIR"; exit 2; }
	$(PYTHON_BIN) $(PROMQL_SUITE)/run_conformance.py --adapter '$(PYTHON_BIN) -m tests.promql.adapter' \
	  --failures 5 $(if $(MIN_CORE),--min-core $(MIN_CORE)) $(PROMQL_SUITE)/testdata
	PROMQL_SUITE='$(PROMQL_SUITE)' $(PYTHON_BIN) -m pytest -q tests/promql/test_promtool.py

clean:
	rm -rf .venv services/api/static services/api/ui/node_modules .mypy_cache .ruff_cache .pytest_cache .coverage* htmlcov
