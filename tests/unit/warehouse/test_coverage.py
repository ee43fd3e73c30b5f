"""Which periods are missing: by the dataset's own calendar, out of what was asked for and what was loaded."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sources.core.dataset import Access, Calendar
from tests.unit.warehouse.world import BARS, answer, bar, land_and_load
from warehouse.coverage import PAUSES, Gap, coverage, write_coverage
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.logs import Attempt, log_attempts

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def asked(warehouse: Warehouse, first: int, last: int, times: int = 1) -> None:
    for nth in range(times):
        at = START + (last + nth) * DAY
        log_attempts(
            warehouse,
            [Attempt(BARS.id, at, at, "answered", asked_from=START + first * DAY, asked_until=START + last * DAY)],
        )


def test_a_hole_is_named_with_its_first_and_last_day_and_how_often_it_was_asked(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in range(30) if not 10 <= day < 20], 31))
    with Warehouse(home) as warehouse:
        asked(warehouse, 0, 31)
        found = coverage(warehouse.connection, BARS, START + 31 * DAY)
        write_coverage(warehouse.connection, BARS, found)
        stored = warehouse.connection.execute("select series, periods, asked, state from raw.coverage").fetchall()
    assert str(found) == "2026-01-11 to 2026-01-20 of BTC missing, asked 1 times"
    assert (found.expected, found.missing) == (30, 10)
    assert stored == [("BTC", 10, 1, "open")]


def test_what_nobody_asked_for_is_not_missing(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in (0, 1)], 3))
    land_and_load(home, answer([bar(day, 1.0) for day in (20, 21)], 23))
    with Warehouse(home) as warehouse:
        assert coverage(warehouse.connection, BARS, START + 40 * DAY).gaps == ()


def test_the_newest_period_is_missing_only_once_it_is_late(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in range(10)], 11))
    late = BARS.period + BARS.publication_lag + BARS.fresh_for
    with Warehouse(home) as warehouse:
        asked(warehouse, 0, 30)
        due = START + 10 * DAY + late
        assert coverage(warehouse.connection, BARS, due - timedelta(seconds=1)).missing == 0
        assert coverage(warehouse.connection, BARS, due).missing == 1


def test_sessions_are_expected_and_closed_days_are_not(home: Home) -> None:
    sessions = replace(BARS, calendar=Calendar.US_TRADING)
    # Thursday 1 January is a holiday; the 3rd and 4th are a weekend. Missing is Tuesday the 6th.
    land_and_load(home, answer([bar(day, 1.0) for day in (1, 4, 6, 7)], 9))
    with Warehouse(home) as warehouse:
        [gap] = coverage(warehouse.connection, sessions, START + 9 * DAY).gaps
    assert (gap.start.date(), gap.periods) == (date(2026, 1, 6), 1)


def test_each_series_counts_from_its_own_beginning(home: Home) -> None:
    rows = [bar(day, 1.0) for day in range(10)] + [bar(day, 1.0, symbol="ETH") for day in (5, 6, 8, 9)]
    land_and_load(home, answer(rows, 11))
    with Warehouse(home) as warehouse:
        found = coverage(warehouse.connection, BARS, START + 11 * DAY)
    assert [(gap.series, gap.start.date()) for gap in found.gaps] == [("ETH", date(2026, 1, 8))]


def test_a_gap_is_asked_for_ever_more_rarely_and_then_permanent(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in range(10) if day != 5], 11))
    with Warehouse(home) as warehouse:
        asked(warehouse, 0, 11, times=len(PAUSES))
        [gap] = coverage(warehouse.connection, BARS, START + 40 * DAY).gaps
        snapshots = replace(BARS, access=Access.NOW, every=DAY)
        [lost] = coverage(warehouse.connection, snapshots, START + 40 * DAY).gaps
    assert gap.state == lost.state == "permanent"
    assert str(gap).endswith(f"asked {len(PAUSES)} times, permanent")


@pytest.mark.parametrize(("times", "days", "due"), [(1, 0, True), (2, 0.5, False), (2, 1, True), (3, 1, False)])
def test_a_pause_grows_with_how_often_it_was_asked(times: int, days: float, due: bool) -> None:
    gap = Gap("", START, START + DAY, 1, times, START + DAY, "open")
    assert gap.is_due(START + DAY + days * DAY) is due


def test_a_stretch_that_a_person_accepted_is_not_asked_for(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in range(10) if day != 5], 11))
    with Warehouse(home) as warehouse:
        warehouse.connection.execute(
            "insert into raw.accepted_gap values (?, ?, ?, ?, 'a person', 'the venue was closed')",
            [BARS.id, datetime(2026, 1, 6), datetime(2026, 1, 7), datetime(2026, 1, 20)],
        )
        [gap] = coverage(warehouse.connection, BARS, START + 20 * DAY).gaps
    assert gap.state == "accepted"
    assert not gap.is_due(START + 30 * DAY)
