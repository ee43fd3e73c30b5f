"""A mark in the build file from the start of a build until all of it has succeeded.

A build that is killed, or whose models or tests fail, leaves the mark. Its marts are then partly missing or partly of
an earlier build, so nothing may be logged or published from them.
"""

import duckdb

from warehouse.errors import PublishError

TABLE = "main.unfinished_build"


def begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Mark the marts as unfinished, before the first of them is touched."""
    connection.execute(f"create table if not exists {TABLE} (since timestamptz)")
    connection.execute(f"insert into {TABLE} select now() where not exists (from {TABLE})")


def finish(connection: duckdb.DuckDBPyConnection) -> None:
    """Take the mark away: every mart is as its model makes it."""
    connection.execute(f"drop table if exists {TABLE}")


def is_unfinished(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a build began and did not succeed since."""
    [[found]] = connection.execute(
        "select count(*) from duckdb_tables() "
        "where database_name = current_database() and schema_name || '.' || table_name = $table",
        {"table": TABLE},
    ).fetchall()
    return bool(found)


def require_finished(connection: duckdb.DuckDBPyConnection, home: object) -> None:
    """Raise PublishError while the marts of `home` are unfinished."""
    if is_unfinished(connection):
        raise PublishError(
            f"{home}: the last build did not end well, so its marts are incomplete and readers keep the last good "
            "publication. Run `leadline build`."
        )
