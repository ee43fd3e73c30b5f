"""A home that lives through the bundled scenario: it asks up to one cut-off, builds, and only then lives on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb

from cli.demo import demo_settings
from pipeline import analytics_tables, option_surface
from pipeline.as_of import show_as_of
from pipeline.ingest import ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings, environment
from sandbox.server import RunningServer, running
from sources.registry import DATASETS
from tests.asof.models import Model, build_models, compile_models
from warehouse.database import Warehouse
from warehouse.home import Home

NOT_COMPARED = {
    "dim_source": "tells how and when rows came in, not what they say",
    "dim_origin": "states the as-of time itself",
}


class Life:
    """The home, the stand-in that it asks, and the marts that were kept of each build."""

    def __init__(self, folder: Path, upstream: RunningServer, first_day: date) -> None:
        self.home = Home(folder / "home")
        self.kept = folder / "kept.duckdb"
        self._upstream = upstream
        self._first_day = first_day
        self.home.claim_origin("the bundled scenario")
        with Warehouse(self.home) as warehouse:
            warehouse.ensure_tables(DATASETS)
            analytics_tables.ensure_tables(warehouse.connection)
        self.models: list[Model] = compile_models(self.home.build_file)

    def live_until(self, day: date) -> None:
        """Ask everything that could be asked up to the cut-off of a day, and nothing later."""
        span = RunPeriod(midnight(self._first_day), cut_off(day), clocked=True, each_instant=True)
        with environment(**demo_settings(self.home.path, self._upstream.base_url)):
            troubles = [ingested.trouble for ingested in ingest(self.home, Settings(), DATASETS, span)]
        assert not any(troubles), [trouble for trouble in troubles if trouble]
        with Warehouse(self.home) as warehouse:
            option_surface.compute(warehouse)
        clocks = [datetime.fromisoformat(request.clock) for request in self._upstream.requests if request.clock]
        assert max(clocks) <= cut_off(day), "the stand-in was asked about the future"

    def build(self, name: str, as_of: datetime | None = None) -> None:
        """Build the models from what is loaded, and keep the marts under a name."""
        with Warehouse(self.home) as warehouse:
            show_as_of(warehouse, as_of)
        build_models(self.models, self.home.build_file, as_of)
        keep_marts(self.home.build_file, self.kept, name)


def keep_marts(build_file: Path, kept: Path, name: str) -> None:
    """Copy the marts of a build file into a schema of another file."""
    with duckdb.connect(str(kept)) as connection:
        connection.execute(f"attach '{build_file}' as warehouse (read_only)")  # as views name it
        connection.execute(f'create schema "{name}"')
        for mart in marts(connection, "marts", "warehouse"):
            connection.execute(f'create table "{name}"."{mart}" as from warehouse.marts."{mart}"')


def marts(connection: duckdb.DuckDBPyConnection, schema: str, database: str = "kept") -> list[str]:
    """Names of the tables and views of a schema, less those that are not compared."""
    found = connection.execute(
        "select table_name from information_schema.tables where table_catalog = ? and table_schema = ? order by all",
        [database, schema],
    ).fetchall()
    return [mart for (mart,) in found if mart not in NOT_COMPARED]


@contextmanager
def beginning(folder: Path, market: Path, first_day: date) -> Iterator[Life]:
    """A life that begins on a day, with a stand-in of its own."""
    with running(market) as upstream:
        yield Life(folder, upstream, first_day)
