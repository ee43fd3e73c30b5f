"""Schedule of US statistics: an iCalendar file with its oddities, and the stand-in over HTTP."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from sandbox.bls import ROUTES
from sandbox.server import running
from sources.bls import PROVIDER, RELEASES, URL, fetch_release, read_release
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from tests.unit.market_folder import write_table


def payload(body: bytes) -> Payload:
    return Payload(URL, {}, 200, {}, body, datetime(2025, 3, 5, tzinfo=UTC))


def test_folded_names_both_clocks_and_what_moves_no_market(samples: Path) -> None:
    timeless = b"BEGIN:VEVENT\r\nUID:9\r\nSUMMARY:Producer Price Index\r\nEND:VEVENT\r\nEND:VCALENDAR"
    file = (samples / "bls" / "release.ics").read_bytes().replace(b"END:VCALENDAR", timeless)
    parsed = read_release(payload(file))
    # 08:30 New York is 12:30 UTC in summer time, which begins on 9 March 2025.
    assert parsed.rows.rows() == [
        (date(2025, 3, 1), "Consumer Price Index", date(2025, 3, 12), datetime(2025, 3, 12, 12, 30)),
        (date(2025, 3, 1), "Employment Situation", date(2025, 4, 4), datetime(2025, 4, 4, 12, 30)),
    ]
    assert [reject.reason for reject in parsed.rejects] == ["no time of release"]


def test_a_schedule_without_stamps_is_listed_on_the_day_of_the_fetch(samples: Path) -> None:
    file = (samples / "bls" / "release.ics").read_bytes()
    bare = b"\n".join(line for line in file.splitlines() if not line.startswith((b"DTSTAMP", b"LAST-MODIFIED")))
    assert read_release(payload(bare)).rows["listed_on"].to_list() == [date(2025, 3, 5)] * 2


def test_a_whole_real_calendar_loads(real: Path) -> None:
    """Two years of the bureau's own file; its events are counted by another tool's eye: the lines of its text."""
    file = (real / "cases/recordings/bls/bls_real_2025_2026.ics").read_bytes()
    parsed = read_release(payload(file))
    assert parsed.rejects == ()
    lines = file.decode().splitlines()
    assert lines.count("BEGIN:VEVENT") == 246
    wanted = {name: lines.count(f"SUMMARY:{name}") for name in RELEASES}
    assert dict(parsed.rows.group_by("release").len().rows()) == wanted
    assert wanted["Employment Situation"] > 20


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"", Failure.NOT_DATA),
        (b"<html>Access Denied</html>", Failure.BLOCKED),
        (b"Date,Release\n2025-03-12,Consumer Price Index\n", Failure.CHANGED_LAYOUT),
        (b"BEGIN:VCALENDAR\r\nnot a line of a calendar\r\n", Failure.NOT_DATA),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", Failure.CHANGED_LAYOUT),
    ],
)
def test_a_body_that_is_no_schedule_raises(body: bytes, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_release(payload(body))
    assert caught.value.failure is failure


def test_the_stand_in_has_three_releases_a_month_at_half_past_eight(tmp_path: Path) -> None:
    clock = datetime(2026, 2, 7, 1, tzinfo=UTC)
    with (
        running(write_table(tmp_path, "dvol_1h", [{"time": clock}]), routes=ROUTES) as upstream,
        Session(PROVIDER, upstream=upstream.base_url, clock=clock) as session,
    ):
        [page] = fetch_release(session, Window.of_dates(date(2026, 2, 6), date(2026, 2, 6)))
    rows = read_release(page).rows
    assert rows.group_by(pl.col("release_date").dt.month()).len()["len"].to_list() == [3] * 12
    hours = rows.group_by(pl.col("released_at").dt.hour()).len().sort("released_at").rows()
    assert [hour for hour, _ in hours] == [12, 13]
