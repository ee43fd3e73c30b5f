"""The tables of the build file: one raw table a declared dataset, and the metadata tables about them.

Identifiers come from declarations only, which allow lower case letters, digits and underscores; they are quoted all
the same. Values are always bound or handed over as Arrow.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import duckdb
import polars as pl

from sources.core.dataset import Column, Dataset
from warehouse.errors import HomeError
from warehouse.metadata_tables import METADATA_TABLES

RAW = "raw"

# What the loader adds to every row of a raw table.
VERSION_COLUMNS: Mapping[str, tuple[str, str]] = {
    "known_at": ("TIMESTAMP", "When this value could be known, UTC. A build as of T uses versions up to T."),
    "known_at_basis": ("VARCHAR", "observed = fetched at known_at; assumed = fetched later, declared lag used."),
    "load_id": ("VARCHAR", "The load that brought this version; see raw.load_ledger."),
}

FIRST_CALENDAR_YEAR, LAST_CALENDAR_YEAR = 2019, 2030


def quoted(identifier: str) -> str:
    """An identifier as SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def quoted_list(identifiers: Sequence[str], table: str = "") -> str:
    """Identifiers as a SQL list, each with its table in front if one is given."""
    return ", ".join(f"{table}.{quoted(name)}" if table else quoted(name) for name in identifiers)


def raw_table(dataset: Dataset) -> str:
    """The raw table of a dataset as SQL."""
    return f"{RAW}.{quoted(dataset.table)}"


def sql_type(dtype: pl.DataType | type[pl.DataType]) -> str:
    """The DuckDB type of a declared Polars type. Raises ValueError for a type that raw tables do not hold."""
    for polars_type, name in (
        (pl.String, "VARCHAR"),
        (pl.Float64, "DOUBLE"),
        (pl.Int64, "BIGINT"),
        (pl.Int32, "INTEGER"),
        (pl.Boolean, "BOOLEAN"),
        (pl.Date, "DATE"),
        (pl.Datetime("us"), "TIMESTAMP"),
    ):
        if dtype == polars_type:
            return name
    raise ValueError(f"raw tables hold no {dtype}")


def declared_columns(dataset: Dataset) -> Mapping[str, tuple[str, str]]:
    """The declared columns of a dataset in order: name -> (SQL type, description with unit)."""
    return {name: (sql_type(column.dtype), _comment(column)) for name, column in dataset.columns.items()}


def text(words: str) -> str:
    """A text literal: COMMENT takes no bound values. Only ever a declaration's own words."""
    return "'" + words.replace("'", "''") + "'"


def insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame, *, or_replace: bool = False) -> None:
    """Add the rows of a frame to a table, columns by name. DuckDB casts each value to the type of its column.

    `or_replace` puts a row in the place of the one with the same primary key.
    """
    connection.register("_frame", frame.to_arrow())
    try:
        connection.execute(f"insert {'or replace ' if or_replace else ''}into {table} by name select * from _frame")
    finally:
        connection.unregister("_frame")


# Name -> (type, comment), in order.
Columns = Mapping[str, tuple[str, str | None]]


def columns_in(connection: duckdb.DuckDBPyConnection, schema: str) -> Mapping[str, Columns]:
    """The columns of each table and view in a schema of the connected database.

    DuckDB goes through its whole catalogue for comments, so ask once for many tables; for types alone see `types_of`.
    """
    rows = connection.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? order by table_name, column_index",
        [schema],
    ).fetchall()
    found: dict[str, dict[str, tuple[str, str | None]]] = {}
    for table, name, data_type, comment in rows:
        found.setdefault(table, {})[name] = (data_type, comment)
    return found


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> Columns:
    """The columns of one table or view of the connected database; empty when there is none."""
    return columns_in(connection, schema).get(table, {})


def types_of(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> Mapping[str, str]:
    """Name -> type of the columns of a table or view, in order. Raises duckdb.CatalogException when there is none."""
    described = connection.execute(f"describe {quoted(schema)}.{quoted(table)}").fetchall()
    return {name: data_type for name, data_type, *_ in described}


def comment_on(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, comment: str, columns: Mapping[str, str]
) -> None:
    """Comment a table of the connected database and its columns, where a comment is not there yet."""
    relation = f"{quoted(schema)}.{quoted(table)}"
    connection.execute(f"comment on table {relation} is {text(comment)}")
    stored = columns_of(connection, schema, table)
    for name, says in columns.items():
        if stored[name][1] != says:
            connection.execute(f"comment on column {relation}.{quoted(name)} is {text(says)}")


def ensure_tables(connection: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]) -> None:
    """Bring the build file up to the declarations: every raw table and every metadata table exists, commented.

    A newly declared column is added. Raises HomeError when a stored column has another type than declared.
    """
    connection.execute(f"create schema if not exists {RAW}; create schema if not exists analytics")
    stored = columns_in(connection, RAW)
    for name, table in METADATA_TABLES.items():
        connection.execute(f"create table if not exists {RAW}.{quoted(name)} ({table.body})")
        # A home of an earlier version: rows that were written before have no value in a new column.
        for column, (data_type, _) in table.columns.items():
            if column not in stored.get(name, table.columns):
                added = data_type.removesuffix(" NOT NULL")
                connection.execute(f"alter table {RAW}.{quoted(name)} add column {quoted(column)} {added}")
        comment_on(connection, RAW, name, table.comment, {column: says for column, (_, says) in table.columns.items()})
    for dataset in datasets:
        _ensure_raw_table(connection, dataset, stored.get(dataset.table, {}))
    _declare(connection, datasets)
    _fill_calendar(connection)


def _ensure_raw_table(connection: duckdb.DuckDBPyConnection, dataset: Dataset, stored: Columns) -> None:
    taken = set(VERSION_COLUMNS) & set(dataset.columns)
    if taken:
        raise ValueError(f"{dataset.id}: these column names belong to the loader: {', '.join(sorted(taken))}")
    wanted = {**declared_columns(dataset), **VERSION_COLUMNS}
    if not stored:
        body = ", ".join(f"{quoted(name)} {data_type}" for name, (data_type, _) in wanted.items())
        connection.execute(f"create table {raw_table(dataset)} ({body})")
        connection.execute(f"comment on table {raw_table(dataset)} is {text(dataset.description)}")
    for name, (data_type, comment) in wanted.items():
        stored_type, stored_comment = stored.get(name, (data_type, None))
        if stored_type != data_type:
            raise HomeError(
                f"{dataset.id}: the stored column {name} is {stored_type} and the declared one {data_type}. Run "
                "`leadline rebuild` to read the landing files again by the new declaration."
            )
        if stored and name not in stored:
            connection.execute(f"alter table {raw_table(dataset)} add column {quoted(name)} {data_type}")
        if stored_comment != comment:
            connection.execute(f"comment on column {raw_table(dataset)}.{quoted(name)} is {text(comment)}")


def _declare(connection: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]) -> None:
    rows = [
        {
            "dataset_id": dataset.id,
            "provider": dataset.provider.name,
            "name": dataset.name,
            "bucket": dataset.bucket.value,
            "description": dataset.description,
            "licence": dataset.provider.licence,
            "may_republish": dataset.provider.may_republish,
            "needs_key": dataset.provider.needs_key,
            "access": dataset.access.value,
            "cadence": dataset.cadence.value,
            "calendar": dataset.calendar.value,
            "period_s": dataset.period.total_seconds(),
            "publication_lag_s": dataset.publication_lag.total_seconds(),
            "fresh_for_s": dataset.fresh_for.total_seconds(),
            "final_after_s": dataset.final_after.total_seconds(),
            "restates": dataset.restates,
        }
        for dataset in datasets
    ]
    connection.execute(f"delete from {RAW}.dataset")
    if rows:
        insert(connection, f"{RAW}.dataset", pl.DataFrame(rows))


def _fill_calendar(connection: duckdb.DuckDBPyConnection) -> None:
    if connection.execute(f"select 1 from {RAW}.calendar_day limit 1").fetchone():
        return
    import holidays  # a tenth of a second, once in the life of a build file

    closed = holidays.financial_holidays("NYSE", years=range(FIRST_CALENDAR_YEAR, LAST_CALENDAR_YEAR + 1))
    first, last = date(FIRST_CALENDAR_YEAR, 1, 1), date(LAST_CALENDAR_YEAR, 12, 31)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    calendar = pl.DataFrame(
        {"day": days, "is_us_trading_day": [day.weekday() < 5 and day not in closed for day in days]}
    )
    insert(connection, f"{RAW}.calendar_day", calendar)


def _comment(column: Column) -> str:
    return f"{column.description} [{column.unit}]" if column.unit else column.description
