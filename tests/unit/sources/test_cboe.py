"""Cboe VIX history: the recorded file, odd ones, and the stand-in over HTTP."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox.cboe import ROUTES
from sandbox.server import running
from sources.cboe import PROVIDER, fetch_vix, read_vix
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from tests.unit.market_folder import write_table

HEADER = "DATE,OPEN,HIGH,LOW,CLOSE\n"


def payload(body: bytes | str) -> Payload:
    content = body.encode() if isinstance(body, str) else body
    return Payload("https://cdn.cboe.com/VIX_History.csv", {}, 200, {}, content, datetime(2026, 7, 4, tzinfo=UTC))


def test_recorded_history_begins_with_bitcoin(real: Path) -> None:
    parsed = read_vix(payload((real / "fixtures" / "cboe" / "VIX_History_to_2022-12-30.csv").read_bytes()))
    assert parsed.rejects == ()
    assert len(parsed.rows) == 3528
    assert parsed.rows.row(0) == (date(2009, 1, 5), 39.24, 40.22, 38.3, 39.08)
    assert parsed.rows.row(-1) == (date(2022, 12, 30), 21.83, 22.4, 21.59, 21.67)


def test_columns_are_found_by_name(samples: Path) -> None:
    assert read_vix(payload((samples / "cboe" / "vix.csv").read_bytes())).rows.row(0) == (
        date(2026, 1, 5), 15.1, 16.2, 14.9, 15.5,
    )  # fmt: skip
    moved = read_vix(payload("CLOSE,DATE,LOW,OPEN,HIGH\n15.5,01/05/2026,14.9,15.1,16.2\n"))
    assert moved.rows.row(0) == (date(2026, 1, 5), 15.1, 16.2, 14.9, 15.5)


def test_odd_lines_are_refused_alone() -> None:
    good = "01/05/2026,15,16,14,15"
    odd = ("13/06/2026,15,16,14,15", "01/07/2026,15,16,14,", "01/08/2026,15,16,14,0", "01/09/2026,1")
    parsed = read_vix(payload(HEADER + "\n".join([good, *odd])))
    assert parsed.rows["trade_date"].to_list() == [date(2026, 1, 5)]
    assert len(parsed.rejects) == 4


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("", Failure.NOT_DATA),
        (HEADER + '01/05/2026,"15', Failure.NOT_DATA),
        ("<html>not here</html>", Failure.BLOCKED),
        ("DATE,OPEN,HIGH,LOW,LAST\n01/05/2026,15,16,14,15\n", Failure.CHANGED_LAYOUT),
    ],
)
def test_body_that_is_no_history_raises(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_vix(payload(body))
    assert caught.value.failure is failure


def test_row_appears_on_the_next_afternoon(tmp_path: Path) -> None:
    bar = {"series": "vix", "date": date(2026, 2, 5), "open": 20.0, "high": 23.1, "low": 19.9, "close": 21.77}
    bare = {"series": "vix", "date": date(2026, 2, 4), "close": 18.5}
    write_table(tmp_path, "macro_1d", [bare, bar])
    window = Window.of_dates(date(2026, 2, 1), date(2026, 2, 6))
    with running(tmp_path, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=datetime(2026, 2, 6, 15, 59, tzinfo=UTC))
        before = read_vix(next(fetch_vix(session, window))).rows
        after = read_vix(next(fetch_vix(session.at(datetime(2026, 2, 6, 16, tzinfo=UTC)), window))).rows
    assert before.rows() == [(date(2026, 2, 4), 18.5, 18.5, 18.5, 18.5)]
    assert after.row(-1) == (date(2026, 2, 5), 20.0, 23.1, 19.9, 21.77)
