"""Freshness by the data's own time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from pipeline.freshness import stale
from sources.core.dataset import Calendar, Dataset
from sources.registry import dataset


@pytest.fixture
def calendar() -> Iterator[duckdb.DuckDBPyConnection]:
    """Weekdays of early 2026, but for 19 January, which is a holiday."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema raw; create table raw.calendar_day as "
            "select day::date as day, isodow(day) < 6 and day <> date '2026-01-19' as is_us_trading_day "
            "from generate_series(date '2026-01-01', date '2026-02-28', interval 1 day) as days(day)"
        )
        yield connection


@pytest.fixture
def hourly() -> Dataset:
    return replace(
        dataset("deribit.dvol"),
        period=timedelta(hours=1),
        publication_lag=timedelta(),
        fresh_for=timedelta(days=1),
        calendar=Calendar.EVERY_DAY,
    )


@pytest.fixture
def sessions() -> Dataset:
    return replace(
        dataset("cboe.vix"), period=timedelta(hours=22), publication_lag=timedelta(), calendar=Calendar.US_TRADING
    )


def _at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def test_a_dataset_without_rows_is_not_fresh(hourly: Dataset, calendar: duckdb.DuckDBPyConnection) -> None:
    assert "has no data yet" in stale(hourly, None, _at(10), calendar)


def test_market_data_is_fresh_for_a_day_after_its_time(hourly: Dataset, calendar: duckdb.DuckDBPyConnection) -> None:
    assert stale(hourly, _at(9, 0), _at(10, 1), calendar) == ""
    assert "past its time" in stale(hourly, _at(9, 0), _at(10, 2), calendar)


@pytest.mark.parametrize(
    ("newest", "now", "missed"),
    [
        (_at(16), _at(17, 12), 0),  # Friday's bar, looked at on Saturday
        (_at(16), _at(20, 12), 0),  # Monday was a holiday, Tuesday's bar is not due before 22:00
        (_at(16), _at(20, 23), 1),  # Tuesday's is missing: still fresh
        (_at(16), _at(21, 23), 2),  # and Wednesday's too
    ],
)
def test_trading_dates_are_fresh_until_the_second_missed_session(
    sessions: Dataset, calendar: duckdb.DuckDBPyConnection, newest: datetime, now: datetime, missed: int
) -> None:
    said = stale(sessions, newest, now, calendar)
    assert said == ("" if missed < 2 else f"cboe.vix: {missed} New York sessions are missing since 2026-01-16.")
