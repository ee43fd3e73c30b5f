"""The last months of the scenario as the demo loaded them, and changed copies: each built, its marts kept by name."""

import csv
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from pipeline.analytics_tables import VIEWS
from pipeline.settings import PROJECT
from sources.core.dataset import Dataset
from sources.registry import DATASETS
from tests.asof.history import keep_marts
from tests.asof.models import Model, build_models
from warehouse.database import connect
from warehouse.staging_views import create_views, view_of

BEGIN = date(2025, 10, 15)  # enough for windows of 90 days and for percentiles, and quick to build
SEEDS = PROJECT / "dbt_project" / "seeds"

Change = Callable[[duckdb.DuckDBPyConnection], None]


class World:
    """What was loaded, never changed; `build` makes a changed copy of it."""

    def __init__(self, folder: Path, loaded: Path, models: Sequence[Model]) -> None:
        self.kept = folder / "kept.duckdb"
        self._folder = folder
        self._models = models
        self._loaded = folder / "loaded.duckdb"
        _copy_loaded(loaded, self._loaded)

    def build(self, name: str, *changes: Change) -> None:
        """Build the marts of a changed copy and keep them under a name."""
        build_file = self._folder / name / "warehouse.duckdb"
        build_file.parent.mkdir()
        build_file.write_bytes(self._loaded.read_bytes())
        with connect(build_file) as connection:
            for change in changes:
                change(connection)
            create_views(connection, [*map(view_of, DATASETS), *VIEWS])
        build_models(self._models, build_file)
        keep_marts(build_file, self.kept, name)
        build_file.unlink()

    def rows(self, query: str) -> pl.DataFrame:
        """Ask the kept marts; each build is a schema."""
        with duckdb.connect(str(self.kept), read_only=True) as connection:
            return connection.sql(query).pl()


def _copy_loaded(loaded: Path, target: Path) -> None:
    """What models read, from BEGIN on. The rest of the file would only be carried along."""
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{loaded}' as whole (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'whole' and schema_name in ('raw', 'analytics', 'reference')"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create table "{schema}"."{table}" as from whole."{schema}"."{table}"')
        for dataset in DATASETS:
            connection.execute(f"delete from raw.{dataset.table} where {dataset.observed} < date '{BEGIN}'")


def dataset(dataset_id: str) -> Dataset:
    """A declared dataset by its id."""
    return next(declared for declared in DATASETS if declared.id == dataset_id)


def series_of(dataset_id: str) -> set[str]:
    """Series that are made of a dataset, by any provider."""
    return {row["series_id"] for row in _seed("series") if dataset_id in row["datasets"].split(";")}


def datasets_of(series: str) -> set[str]:
    """Every dataset that a series may be made of."""
    return {name for row in _seed("series") if row["series_id"] == series for name in row["datasets"].split(";")}


def signal_inputs() -> dict[str, list[str]]:
    """The series that each signal is computed from, the principal one first."""
    return {row["signal_id"]: row["inputs"].split(";") for row in _seed("signals")}


def signal_names() -> dict[str, str]:
    """English names of the signals."""
    return {row["signal_id"]: row["name_en"] for row in _seed("signals")}


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
