"""Federal Reserve calendar: the recorded page, odd rows, and the stand-in over HTTP."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from sandbox.fed import ROUTES, encode
from sandbox.server import running
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.fed import PROVIDER, URL, fetch_fomc_meeting, read_fomc_meeting
from tests.unit.market_folder import write_table


def payload(body: bytes | str) -> Payload:
    content = body.encode() if isinstance(body, str) else body
    return Payload(URL, {}, 200, {}, content, datetime(2026, 8, 2, tzinfo=UTC))


def recorded(real: Path) -> Payload:
    return payload((real / "fixtures" / "fomc" / "fomccalendars_2026-08-01.htm").read_bytes())


def test_the_recorded_page_has_eight_meetings_a_year_and_one_vote(real: Path) -> None:
    parsed = read_fomc_meeting(recorded(real))
    assert parsed.rejects == ()
    meetings = parsed.rows.filter(pl.col("kind") == "meeting")
    assert meetings.group_by(pl.col("decision_date").dt.year()).len().sort("decision_date").rows() == [
        (year, 8) for year in range(2021, 2028)
    ]
    # Projections come with every second meeting.
    assert meetings["has_projections"].sum() == 28
    assert parsed.rows.filter(pl.col("kind") != "meeting").select("decision_date", "kind").rows() == [
        (date(2025, 8, 22), "notation vote")
    ]
    assert set(parsed.rows["listed_on"]) == {date(2026, 7, 29)}


@pytest.mark.parametrize(
    ("day", "decided_at"),
    [(date(2026, 1, 28), datetime(2026, 1, 28, 19)), (date(2026, 6, 17), datetime(2026, 6, 17, 18))],
)
def test_a_decision_is_at_14_new_york_in_winter_and_summer(real: Path, day: date, decided_at: datetime) -> None:
    rows = read_fomc_meeting(recorded(real)).rows.filter(pl.col("decision_date") == day)
    assert rows["decided_at"].to_list() == [decided_at]


def test_statements_on_the_recorded_page_carry_the_decision_dates(real: Path) -> None:
    # The page links each past statement by its date: a second way to read the same days.
    page = recorded(real)
    past = read_fomc_meeting(page).rows.filter(
        pl.col("kind") == "meeting", pl.col("decision_date").is_between(date(2025, 1, 1), date(2026, 7, 29))
    )
    assert len(past) == 13
    for day in past["decision_date"]:
        assert f"/newsevents/pressreleases/monetary{day:%Y%m%d}a.htm".encode() in page.body


def test_odd_meetings_are_named_and_what_is_no_date_is_refused(samples: Path) -> None:
    page = (samples / "fed" / "fomc_meeting.html").read_text(encoding="utf-8")
    parsed = read_fomc_meeting(payload(page.replace("3 (unscheduled)", "to be announced")))
    assert [reject.text for reject in parsed.rejects if "march to be announced" in reject.text]
    assert len(parsed.rows) == 2
    parsed = read_fomc_meeting(payload(page))
    assert parsed.rows.select("first_date", "decision_date", "kind", "has_projections").rows() == [
        (date(2025, 1, 31), date(2025, 2, 1), "meeting", True),
        (date(2025, 3, 3), date(2025, 3, 3), "unscheduled", False),
        (date(2025, 6, 17), date(2025, 6, 18), "cancelled", False),
    ]
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("", Failure.NOT_DATA),
        ("<html><body><div id='lastUpdate'>Last Update: July 29, 2026</div></body></html>", Failure.CHANGED_LAYOUT),
        ("<html><div class='panel'>2026 FOMC Meetings</div></html>", Failure.CHANGED_LAYOUT),
        ("<html><div id='lastUpdate'>Last Update: soon</div></html>", Failure.CHANGED_LAYOUT),
    ],
)
def test_a_page_without_meetings_raises(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_fomc_meeting(payload(body))
    assert caught.value.failure is failure


def test_the_stand_in_speaks_the_recorded_language(real: Path) -> None:
    rows = read_fomc_meeting(recorded(real)).rows.filter(pl.col("kind") == "meeting")
    panels: dict[int, list[tuple[str, ...]]] = {}
    for first, last, star in rows.select("first_date", "decision_date", "has_projections").iter_rows():
        months = f"{last:%B}" if first.month == last.month else f"{first:%b}/{last:%b}"
        panels.setdefault(last.year, []).append((months, f"{first.day}-{last.day}{'*' if star else ''}"))
    again = read_fomc_meeting(payload(encode(panels, date(2026, 7, 29)))).rows
    assert again.sort("decision_date").rows() == rows.sort("decision_date").rows()


def test_the_stand_in_lists_the_meetings_to_come(tmp_path: Path) -> None:
    clock = datetime(2026, 2, 7, 1, tzinfo=UTC)
    with (
        running(write_table(tmp_path, "dvol_1h", [{"time": clock}]), routes=ROUTES) as upstream,
        Session(PROVIDER, upstream=upstream.base_url, clock=clock) as session,
    ):
        [page] = fetch_fomc_meeting(session, Window.of_dates(date(2026, 2, 6), date(2026, 2, 6)))
    rows = read_fomc_meeting(page).rows
    assert rows.filter(pl.col("decision_date") > date(2026, 2, 6))["decision_date"].min() == date(2026, 3, 18)
    assert set(rows["listed_on"]) == {date(2026, 2, 1)}
