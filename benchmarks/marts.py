"""The marts of six years of daily history, made anew: seeds and every model, and the tests of the data after them.

The history is the bundled scenario laid end to end: every raw row again, whole weeks earlier, so that trading days stay
trading dates. It has every dataset on every day, and hourly bars and option chains from its first day to its last, so
it is denser than any real history of that length.
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.claim import Bound, Claim, Size
from cli.demo import FIRST_DAY, LAST_DAY, demo_settings
from pipeline import analytics_tables, dbt_project, option_surface
from pipeline.ingest import ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings, environment
from sandbox import scenario
from sandbox.server_process import running_apart
from sources.core.dataset import Access
from sources.registry import DATASETS
from warehouse.database import Warehouse
from warehouse.home import Home

YEARS = {Size.SMALL: 1, Size.FULL: 6}
LIMIT_S = 20
MODELS = ("resource_type:seed", "resource_type:model")
# Counts that go on from row to row and are part of a key: an earlier copy must not say the other thing of the same one.
COUNTED = {"mempool__retarget": {"height": 2016 * 36}}  # epochs in the scenario's days


def run(size: Size) -> Iterator[Claim]:
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
        home = Home(Path(folder) / "home")
        load(home, Path(folder) / "market")
        days = lay_end_to_end(home, YEARS[size])
        for what, select in (("every model, made anew", MODELS), ("every model and test of the data", ())):
            started, worked = time.perf_counter(), time.process_time()
            built = dbt_project.build(
                home.build_file, {"origin": "the bundled scenario, laid end to end"}, select=select
            )
            elapsed, work = time.perf_counter() - started, time.process_time() - worked
            if select and built.failures:
                raise RuntimeError(f"the build failed: {'; '.join(built.failures)}")
            yield Claim(what, elapsed, Bound.AT_MOST, LIMIT_S, "s", f"{days:,} days, {work:.1f} s of CPU")


def load(home: Home, market: Path) -> None:
    """The bundled scenario by way of the stand-in, as any history is loaded."""
    scenario.generate(market)
    with running_apart(market) as upstream, environment(**demo_settings(home.path, upstream)):
        home.claim_origin("the bundled scenario")
        span = RunPeriod(midnight(FIRST_DAY), cut_off(LAST_DAY), clocked=True, each_instant=True)
        asked = [dataset for dataset in DATASETS if dataset.access is not Access.ARCHIVE]
        troubles = [str(done.trouble) for done in ingest(home, Settings(), asked, span) if done.trouble]
    if troubles:
        raise RuntimeError(f"the scenario was not loaded whole: {'; '.join(troubles)}")
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        analytics_tables.ensure_tables(warehouse.connection)
        option_surface.compute(warehouse)


def lay_end_to_end(home: Home, years: int) -> int:
    """Repeat what was loaded, ever earlier, until there are so many years. Returns the days that there are then."""
    length = timedelta(weeks=-(-((LAST_DAY - FIRST_DAY).days + 1) // 7))
    copies = -(-years * 365 // length.days)
    with duckdb.connect(str(home.build_file)) as connection:
        for schema, table in _tables(connection):
            columns = connection.execute(
                "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ?",
                [schema, table],
            ).fetchall()
            # Some answers reach back further than was asked; an earlier copy would lie over them.
            connection.execute(f"delete from {schema}.{table} where {_key(table)} < timestamp '{FIRST_DAY}'")
            for copy in range(1, copies):
                moved = [_moved(table, name, kind, copy, length) for name, kind in columns]
                connection.execute(
                    f"insert into {schema}.{table} select {', '.join(moved)} from {schema}.{table} "
                    f"where {_key(table)} >= timestamp '{FIRST_DAY}'"
                )
    return copies * length.days


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return [("raw", dataset.table) for dataset in DATASETS] + [("analytics", name) for name in option_surface.TABLES]


def _key(table: str) -> str:
    """The time that a row belongs to."""
    return next((dataset.observed for dataset in DATASETS if dataset.table == table), "snapshot_time")


def _moved(table: str, name: str, kind: str, copy: int, length: timedelta) -> str:
    if kind == "DATE":
        return f"{name} - {copy * length.days}"
    if kind.startswith("TIMESTAMP"):
        return f"{name} - interval {copy * length.days} days"
    step = COUNTED.get(table, {}).get(name)
    return f"{name} - {copy * step}" if step else name
