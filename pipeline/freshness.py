"""Whether the newest observation of a dataset is as new as it should be, by the time in the data and not of the run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from pipeline.origin import PUBLIC_SOURCES, origin_of
from sources.core.dataset import Access, Calendar, Dataset

MISSED_SESSIONS = 2  # trading-date data is fresh until the second session that it should have and has not


def stale(dataset: Dataset, newest: datetime | None, now: datetime, connection: duckdb.DuckDBPyConnection) -> str:
    """Why the data is too old at `now`, empty when it is fresh. Trading days come from `raw.calendar_day`.

    An archive is history that a person asked for; it does not grow by itself and is never too old.
    """
    if dataset.access is Access.ARCHIVE:
        return ""
    if newest is None:
        return f"{dataset.id} has no data yet."
    due = dataset.period + dataset.publication_lag
    if dataset.calendar is Calendar.US_TRADING:
        missed = _sessions_missed(newest, now - due, connection)
        if missed < MISSED_SESSIONS:
            return ""
        return f"{dataset.id}: {missed} New York sessions are missing since {newest:%Y-%m-%d}."
    late = now - (newest + due)
    if late <= dataset.fresh_for:
        return ""
    return (
        f"{dataset.id}: the newest observation is of {newest:%Y-%m-%d %H:%M} UTC, "
        f"{_days(late)} past its time; it counts as fresh for {_days(dataset.fresh_for)}."
    )


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
