"""The tables of the build file: one raw table a declared dataset, and the books that the warehouse keeps about them.

Identifiers come from declarations only, which allow lower case letters, digits and underscores; they are quoted all
the same. Values are always bound or handed over as Arrow.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import duckdb
import polars as pl

from sources.dataset import Column, Dataset
from warehouse.errors import HomeError

RAW = "raw"

# What the loader adds to every row of a raw table.
VERSION_COLUMNS: Mapping[str, tuple[str, str]] = {
    "known_at": ("TIMESTAMP", "When this value could be known, UTC. A build as of T uses versions up to T."),
    "known_at_basis": ("VARCHAR", "observed = fetched at known_at; assumed = fetched later, declared lag used."),
    "load_id": ("VARCHAR", "The load that brought this version; see raw.load_ledger."),
}

FIRST_CALENDAR_YEAR, LAST_CALENDAR_YEAR = 2019, 2030

BOOKS: Mapping[str, tuple[str, str]] = {
    "load_ledger": (
        "One row a load, also a refused or blocked one.",
        """load_id VARCHAR PRIMARY KEY, dataset_id VARCHAR NOT NULL, verdict VARCHAR NOT NULL, reason VARCHAR,
        loaded_at TIMESTAMP NOT NULL, files BIGINT, rows_read BIGINT, rows_new BIGINT, rows_revised BIGINT,
        rows_unchanged BIGINT, rejects BIGINT, first_observed TIMESTAMP, last_observed TIMESTAMP,
        first_fetched_at TIMESTAMP, last_fetched_at TIMESTAMP, was_replayed BOOLEAN,
        accepted_by VARCHAR, accepted_at TIMESTAMP, accepted_why VARCHAR""",
    ),
    "loaded_file": (
        "One row a landing file that took part in a load, with how it ended for that file.",
        """landing_file VARCHAR PRIMARY KEY, dataset_id VARCHAR NOT NULL, load_id VARCHAR NOT NULL,
        fetched_at TIMESTAMP NOT NULL, verdict VARCHAR NOT NULL""",
    ),
    "watermark": (
        "Per dataset: up to when it is loaded, by the data's own time and by the time of fetching.",
        "dataset_id VARCHAR PRIMARY KEY, observed_until TIMESTAMP, fetched_until TIMESTAMP NOT NULL",
    ),
    "quarantine": (
        "Rows that were sent but not believed, with the reason and their text as sent.",
        """dataset_id VARCHAR NOT NULL, load_id VARCHAR NOT NULL, landing_file VARCHAR, fetched_at TIMESTAMP,
        reason VARCHAR NOT NULL, text VARCHAR, quarantined_at TIMESTAMP NOT NULL""",
    ),
    "attempt": (
        "One row an attempt to fetch a dataset.",
        """dataset_id VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, outcome VARCHAR NOT NULL,
        failure VARCHAR, message VARCHAR, requests BIGINT, bytes BIGINT, asked_from TIMESTAMP, asked_until TIMESTAMP""",
    ),
    "regime_log": (
        "Every regime as it was published, never rewritten.",
        """published_at TIMESTAMP NOT NULL, code_version VARCHAR, signal_date DATE NOT NULL, regime VARCHAR,
        days_in_regime BIGINT, h1 BOOLEAN, h2 BOOLEAN, h3 BOOLEAN, r1 BOOLEAN, r2 BOOLEAN, r3 BOOLEAN,
        s1 BOOLEAN, s2 BOOLEAN, s3 BOOLEAN, next_condition VARCHAR, buckets_known BIGINT, holds_cluster BOOLEAN,
        nothing_worsens BOOLEAN, fully_confirmed BOOLEAN, btc_close_usd DOUBLE, level_usd DOUBLE,
        cluster_low_usd DOUBLE, cluster_high_usd DOUBLE, cluster_source VARCHAR, rules_version VARCHAR,
        explanation VARCHAR""",
    ),
    "dataset": (
        "One row a declared dataset.",
        """dataset_id VARCHAR, provider VARCHAR, name VARCHAR, bucket VARCHAR, description VARCHAR, licence VARCHAR,
        may_republish BOOLEAN, needs_key BOOLEAN, access VARCHAR, cadence VARCHAR, calendar VARCHAR, period_s DOUBLE,
        publication_lag_s DOUBLE, fresh_for_s DOUBLE, final_after_s DOUBLE, restates BOOLEAN""",
    ),
    "calendar_day": (
        "One row a calendar day, with whether the New York Stock Exchange trades.",
        "day DATE, is_us_trading_day BOOLEAN",
    ),
}


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


def insert(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> None:
    """Add the rows of a frame to a table, columns by name."""
    connection.register("_frame", frame.to_arrow())
    try:
        connection.execute(f"insert into {table} by name select * from _frame")
    finally:
        connection.unregister("_frame")


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, tuple[str, str | None]]:
    """Name -> (type, comment) of a table or view of the connected database, in order; empty when there is none."""
    rows = connection.execute(
        "select column_name, data_type, comment from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? and table_name = ? order by column_index",
        [schema, table],
    ).fetchall()
    return {name: (data_type, comment) for name, data_type, comment in rows}


def ensure_tables(connection: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]) -> None:
    """Bring the build file up to the declarations: every raw table and every book exists, commented.

    A newly declared column is added. Raises HomeError when a stored column has another type than declared.
    """
    connection.execute(f"create schema if not exists {RAW}; create schema if not exists analytics")
    for name, (comment, columns) in BOOKS.items():
        connection.execute(f"create table if not exists {RAW}.{quoted(name)} ({columns})")
        connection.execute(f"comment on table {RAW}.{quoted(name)} is {_text(comment)}")
    for dataset in datasets:
        _ensure_raw_table(connection, dataset)
    _declare(connection, datasets)
    _fill_calendar(connection)


def _ensure_raw_table(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    taken = set(VERSION_COLUMNS) & set(dataset.columns)
    if taken:
        raise ValueError(f"{dataset.id}: these column names belong to the loader: {', '.join(sorted(taken))}")
    wanted = {name: (sql_type(column.dtype), _comment(column)) for name, column in dataset.columns.items()}
    wanted |= VERSION_COLUMNS
    stored = columns_of(connection, RAW, dataset.table)
    if not stored:
        body = ", ".join(f"{quoted(name)} {data_type}" for name, (data_type, _) in wanted.items())
        connection.execute(f"create table {raw_table(dataset)} ({body})")
        connection.execute(f"comment on table {raw_table(dataset)} is {_text(dataset.description)}")
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
            connection.execute(f"comment on column {raw_table(dataset)}.{quoted(name)} is {_text(comment)}")


def _declare(connection: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]) -> None:
    rows = [
        [
            dataset.id,
            dataset.provider.name,
            dataset.name,
            dataset.bucket.value,
            dataset.description,
            dataset.provider.licence,
            dataset.provider.may_republish,
            dataset.provider.key_header is not None,
            dataset.access.value,
            dataset.cadence.value,
            dataset.calendar.value,
            dataset.period.total_seconds(),
            dataset.publication_lag.total_seconds(),
            dataset.fresh_for.total_seconds(),
            dataset.final_after.total_seconds(),
            dataset.restates,
        ]
        for dataset in datasets
    ]
    connection.execute(f"delete from {RAW}.dataset")
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"insert into {RAW}.dataset values ({marks})", rows)


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


def _text(text: str) -> str:
    """A text literal: COMMENT takes no bound values. Only ever a declaration's own words."""
    return "'" + text.replace("'", "''") + "'"
