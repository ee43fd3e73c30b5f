"""Whether the newest observation of a dataset is as new as it should be, by the time in the data and not of the run."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from pipeline.origin import PUBLIC_SOURCES, origin_of
from sources.core.dataset import Access, Calendar, Dataset
from warehouse.tables import quoted, raw_table

MISSED_SESSIONS = 2  # trading-date data is fresh until the second session that it should have and has not


def newest_value(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> datetime | None:
    """Time of the newest row that says anything, aware UTC: a row of nulls alone is no observation."""
    values = _values(dataset)
    says = " or ".join(f"{quoted(name)} is not null" for name in values)
    every_row = len(values) < len(dataset.columns) - len(dataset.key) or not values
    query = f"select cast(max({quoted(dataset.observed)}) as timestamp) from {raw_table(dataset)}"
    [[newest]] = connection.execute(query if every_row else f"{query} where {says}").fetchall()
    return newest.replace(tzinfo=UTC) if newest else None


def stale(dataset: Dataset, newest: datetime | None, now: datetime, connection: duckdb.DuckDBPyConnection) -> str:
    """Why the data is too old at `now`, empty when it is fresh; a column that stopped while others go on counts too.

    Trading days come from `raw.calendar_day`. An archive is history that a person asked for; it does not grow by itself
    and is never too old.
    """
    if dataset.access is Access.ARCHIVE:
        return ""
    if newest is None:
        return f"{dataset.id} has no data yet."
    if late := _late(dataset, newest, now, connection):
        return f"{dataset.id}: {late}"
    stopped = {
        name: last
        for name, last in _last_values(connection, dataset).items()
        if last is not None and _late(dataset, last, now, connection)
    }
    if not stopped:
        return ""
    said = ", ".join(f"{name} since {last:%Y-%m-%d}" for name, last in stopped.items())
    return f"{dataset.id}: no value any more of {said}, while other columns go on."


def _late(dataset: Dataset, newest: datetime, now: datetime, connection: duckdb.DuckDBPyConnection) -> str:
    due = dataset.period + dataset.publication_lag
    if dataset.calendar is Calendar.US_TRADING:
        missed = _sessions_missed(newest, now - due, connection)
        if missed < MISSED_SESSIONS:
            return ""
        return f"{missed} New York sessions are missing since {newest:%Y-%m-%d}."
    late = now - (newest + due)
    if late <= dataset.fresh_for:
        return ""
    return (
        f"the newest observation is of {newest:%Y-%m-%d %H:%M} UTC, "
        f"{_days(late)} past its time; it counts as fresh for {_days(dataset.fresh_for)}."
    )


def _values(dataset: Dataset) -> list[str]:
    """Numbers that may be null: the columns that can age apart."""
    return [
        name
        for name, column in dataset.columns.items()
        if column.nullable and column.dtype in (pl.Float64, pl.Int64, pl.Int32)
    ]


def _last_values(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> Mapping[str, datetime | None]:
    """When each column that may be null last had a value; None for one that never had any."""
    names = _values(dataset)
    if not names:
        return {}
    observed = f"cast({quoted(dataset.observed)} as timestamp)"
    newest = ", ".join(f"max({observed}) filter ({quoted(name)} is not null)" for name in names)
    [row] = connection.execute(f"select {newest} from {raw_table(dataset)}").fetchall()
    return {name: last.replace(tzinfo=UTC) if last else None for name, last in zip(names, row, strict=True)}


def now_of(home: Path, connection: duckdb.DuckDBPyConnection) -> datetime:
    """Now; for a home filled from a stand-in the latest instant that was asked about."""
    if origin_of(home) == PUBLIC_SOURCES:
        return datetime.now(UTC)
    [[until]] = connection.execute("select max(asked_until) from raw.attempt").fetchall()
    return until.replace(tzinfo=UTC) if until else datetime.now(UTC)


def _sessions_missed(newest: datetime, until: datetime, connection: duckdb.DuckDBPyConnection) -> int:
    """Sessions after the newest one whose figures should be out by now."""
    [[missed]] = connection.execute(
        "select count(*) from raw.calendar_day where is_us_trading_day and day > ? and day <= ?",
        [newest.date(), until.astimezone(UTC).date()],
    ).fetchall()
    return int(missed)


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):.1f} days"
