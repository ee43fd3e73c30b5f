"""A copy of what is loaded, for a build as of an earlier instant. The warehouse itself is left alone.

The views of staging show in the copy what was known at that instant, and nothing later.
"""

import shutil
from datetime import datetime

from pipeline.analytics_tables import VIEWS
from pipeline.origin import origin_of
from sources.registry import DATASETS
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.staging_views import create_views, view_of

LOADED = ("raw", "analytics")  # what was loaded or computed before dbt; everything else is made anew


def frozen_copy(home: Home, instant: datetime) -> Home:
    """The home `as_of/<instant>/` with a build file of its own, holding the loaded schemas and no models."""
    target = home.as_of(instant)
    target.claim_origin(origin_of(home.path))
    shutil.rmtree(target.build, ignore_errors=True)  # an interrupted build's file, with its write-ahead log
    target.build.mkdir(parents=True)
    with Warehouse(home) as warehouse:
        connection = warehouse.connection
        connection.execute(f"attach '{_quoted(target)}' as frozen")
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = current_database() and list_contains($1, schema_name)",
            [list(LOADED)],
        ).fetchall():
            connection.execute(f'create schema if not exists frozen."{schema}"')
            connection.execute(f'create table frozen."{schema}"."{table}" as from "{schema}"."{table}"')
        connection.execute("detach frozen")
    with Warehouse(target) as frozen:
        show_as_of(frozen, instant)
    return target


def show_as_of(warehouse: Warehouse, instant: datetime | None) -> None:
    """Let the views of staging show what was known at an instant (aware); None = everything."""
    with warehouse.transaction() as connection:
        create_views(connection, [*map(view_of, DATASETS), *VIEWS], instant)


def _quoted(home: Home) -> str:
    return str(home.build_file).replace("'", "''")
