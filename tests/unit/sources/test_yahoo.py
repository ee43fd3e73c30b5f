"""Yahoo chart: a recorded answer, odd ones, and the stand-in over HTTP."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import running
from sandbox.yahoo import ROUTES
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.yahoo import PROVIDER, SYMBOLS, fetch_daily_bar, read_daily_bar
from tests.unit.market_folder import write_table

# The recorded session of 2026-09-25 ended at 08:00 UTC.
BEFORE_CLOSE = datetime(2026, 9, 25, 7, 59, tzinfo=UTC)
AFTER_CLOSE = datetime(2026, 9, 25, 8, 0, tzinfo=UTC)


def payload(body: bytes | str, fetched_at: datetime = AFTER_CLOSE) -> Payload:
    content = body.encode() if isinstance(body, str) else body
    return Payload("https://query1.finance.yahoo.com/v8/finance/chart/x", {}, 200, {}, content, fetched_at)


def recording(real: Path) -> bytes:
    return (real / "fixtures" / "yahoo" / "v8_chart_FPT.VN_1d.json").read_bytes()


@pytest.fixture
def sample(samples: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((samples / "yahoo" / "daily_bar.json").read_text())
    return content


def test_recorded_chart_after_the_close(real: Path) -> None:
    parsed = read_daily_bar(payload(recording(real)))
    assert parsed.rejects == ()
    assert len(parsed.rows) == 19
    assert parsed.rows.row(0) == ("FPT.VN", date(2026, 9, 1), 66545.45, 66545.45, 66545.45, 66545.45)
    assert parsed.rows.row(2) == ("FPT.VN", date(2026, 9, 3), 66363.63, 66363.63, 65454.55, 65636.37)
    assert parsed.rows.row(-1) == ("FPT.VN", date(2026, 9, 25), 65500.0, 65900.0, 64600.0, 64700.0)


def test_bar_of_an_open_session_is_left_out(real: Path) -> None:
    rows = read_daily_bar(payload(recording(real), BEFORE_CLOSE)).rows
    assert len(rows) == 18
    assert rows["trade_date"].to_list()[-1] == date(2026, 9, 24)


def test_noise_of_32_bit_floats_is_rounded_away_and_nulls_stay(sample: dict[str, Any]) -> None:
    parsed = read_daily_bar(payload(json.dumps(sample), datetime(2026, 1, 7, 12, tzinfo=UTC)))
    assert parsed.rejects == ()
    assert parsed.rows.rows() == [
        ("DX-Y.NYB", date(2026, 1, 5), 101.42, 102.25, 101.34, 102.2),
        ("DX-Y.NYB", date(2026, 1, 6), 101.5, None, None, 101.3),
    ]


def test_midnight_stamps_keep_their_date_across_a_clock_change(sample: dict[str, Any]) -> None:
    result = sample["chart"]["result"][0]
    # Midnight in New York: 04:00 UTC in summer; the offset of today (-5 h) would make it the day before.
    result["timestamp"][0] = int(datetime(2025, 7, 1, 4, tzinfo=UTC).timestamp())
    rows = read_daily_bar(payload(json.dumps(sample), datetime(2026, 1, 7, 12, tzinfo=UTC))).rows
    assert rows["trade_date"].to_list()[0] == date(2025, 7, 1)


def test_day_without_any_price_is_no_session_and_one_without_a_close_is_refused(sample: dict[str, Any]) -> None:
    quote = sample["chart"]["result"][0]["indicators"]["quote"][0]
    for price in ("open", "high", "low", "close"):
        quote[price][0] = None
    quote["close"][1] = None
    parsed = read_daily_bar(payload(json.dumps(sample), datetime(2026, 1, 9, tzinfo=UTC)))
    assert parsed.rows["trade_date"].to_list() == [date(2026, 1, 7)]
    assert [reject.reason for reject in parsed.rejects] == ["close: no value"]


def test_no_stamps_is_no_rows(sample: dict[str, Any]) -> None:
    del sample["chart"]["result"][0]["timestamp"]
    sample["chart"]["result"][0]["indicators"] = {"quote": [{}], "adjclose": [{}]}
    assert read_daily_bar(payload(json.dumps(sample))).rows.is_empty()


def _without(content: dict[str, Any], *path: str | int) -> str:
    copy = deepcopy(content)
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return json.dumps(copy)


@pytest.mark.parametrize(
    "path",
    [
        ("chart",),
        ("chart", "result"),
        ("chart", "result", 0, "meta", "symbol"),
        ("chart", "result", 0, "meta", "exchangeTimezoneName"),
        ("chart", "result", 0, "meta", "currentTradingPeriod", "regular", "end"),
        ("chart", "result", 0, "indicators", "quote", 0, "low"),
        ("chart", "result", 0, "indicators", "quote", 0, "close", 0),  # columns of different lengths
    ],
)
def test_missing_part_is_a_changed_layout(sample: dict[str, Any], path: tuple[str | int, ...]) -> None:
    with pytest.raises(SourceError) as caught:
        read_daily_bar(payload(_without(sample | {"other": 1}, *path)))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd"])
def test_unknown_time_zone_is_a_changed_layout(sample: dict[str, Any], zone: str) -> None:
    sample["chart"]["result"][0]["meta"]["exchangeTimezoneName"] = zone
    with pytest.raises(SourceError, match="no time zone") as caught:
        read_daily_bar(payload(json.dumps(sample)))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("", Failure.NOT_DATA),
        ("Edge: Too Many Requests", Failure.NOT_DATA),
        ("<html>consent</html>", Failure.BLOCKED),
        ('{"chart":{"result":null,"error":{"code":"Not Found"}}}', Failure.NOT_DATA),
        ('{"chart":{"result":[],"error":null}}', Failure.CHANGED_LAYOUT),
    ],
)
def test_body_that_is_no_chart_raises(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_daily_bar(payload(body))
    assert caught.value.failure is failure


def test_every_symbol_is_asked_and_the_close_appears_at_21(tmp_path: Path) -> None:
    bar = {"open": 16000.5, "high": 16100.07, "low": 15990.0, "close": 16099.99}
    days = [{"series": "ixic", "date": date(2026, 2, d), **bar} for d in (4, 5, 6)]
    gold = {"series": "gold", "date": date(2026, 2, 6), "close": 5000.3}
    write_table(tmp_path, "macro_1d", [*days, gold])
    window = Window.of_dates(date(2026, 2, 5), date(2026, 2, 6))
    with running(tmp_path, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=datetime(2026, 2, 6, 20, 59, tzinfo=UTC))
        before = [read_daily_bar(page).rows for page in fetch_daily_bar(session, window)]
        evening = session.at(datetime(2026, 2, 6, 21, 0, tzinfo=UTC))
        after = [read_daily_bar(page).rows for page in fetch_daily_bar(evening, window)]
    assert before[1].rows() == [("^IXIC", date(2026, 2, 5), 16000.5, 16100.07, 15990.0, 16099.99)]
    assert after[1]["trade_date"].to_list() == [date(2026, 2, 5), date(2026, 2, 6)]
    assert after[5].rows() == [("GC=F", date(2026, 2, 6), None, None, None, 5000.3)]
    assert before[5].is_empty()
    assert [request.path.rpartition("/")[2] for request in stand_in.requests[:8]] == list(SYMBOLS)


def test_unknown_symbol_has_moved(tmp_path: Path) -> None:
    write_table(tmp_path, "macro_1d", [])
    with running(tmp_path, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=datetime(2026, 2, 6, tzinfo=UTC))
        with pytest.raises(SourceError, match="delisted") as caught:
            session.get("https://query1.finance.yahoo.com/v8/finance/chart/NONE")
    assert caught.value.failure is Failure.MOVED


def test_session_without_an_end_is_a_changed_layout(sample: dict[str, Any]) -> None:
    sample["chart"]["result"][0]["meta"]["currentTradingPeriod"]["regular"]["end"] = None
    with pytest.raises(SourceError, match="end is no time") as caught:
        read_daily_bar(payload(json.dumps(sample)))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
