"""A copy of what is loaded, for a build as of an earlier instant. The warehouse itself is left alone."""

import shutil
from datetime import datetime

from pipeline.origin import origin_of
from warehouse.database import Warehouse
from warehouse.home import Home

LOADED = ("raw", "analytics")  # what dbt reads; everything else it makes anew


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
    return target


def _quoted(home: Home) -> str:
    return str(home.build_file).replace("'", "''")
