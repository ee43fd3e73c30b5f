"""Coinbase: low before high before open, seconds, windows of 300 bars."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import coinbase as stand_in
from sources.coinbase import DATASETS, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from tests.unit.venue_market import DAY, HOUR, asking, bars, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)


def bar(at: datetime, *prices: object) -> list[object]:
    return [int(at.replace(tzinfo=UTC).timestamp()), *(prices or (69000, 71000, 70000.5, 70500, 12.25))]


def test_recorded_bars_are_read_to_the_row(real: Path) -> None:
    body = (real / "fixtures" / "coinbase" / "products_BTC-USD_candles_60.json").read_bytes()
    # One-minute bars are not declared; the recording is read as they would be.
    read = BY_NAME["spot_candle_1h"].read.func  # type: ignore[attr-defined]  # it is a partial
    parsed = read(payload(body), period=timedelta(minutes=1))
    assert parsed.rejects == ()
    assert parsed.rows.height == 10
    first = ("BTC-USD", datetime(2018, 2, 1, 0, 9), 10106.01, 10120.21, 10106.0, 10120.21, 2.85107455)
    assert parsed.rows.row(0) == first
    assert parsed.rows["open_time"][-1] == datetime(2018, 2, 1)


def test_the_running_bar_is_left_out_without_any_mark() -> None:
    page = payload([bar(T0 + DAY), bar(T0)], fetched_at=datetime(2026, 1, 2, 0, 20, tzinfo=UTC))
    assert BY_NAME["spot_candle_1d"].read(page).rows["open_time"].to_list() == [T0]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_empty_page_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(payload([]))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (bar(T0, 69000, 71000, None, 70500, 1.0), "open_usd"),
        (bar(T0, 69000, 71000, 70000, 70500, -1.0), "volume_btc"),
        (bar(T0, 70000, 69000, 71000, 70500, 1.0), "outside the bar's low and high"),  # another order of columns
        (bar(T0 + 5 * HOUR), "does not begin a bar"),
        ([1767225600000, 69000, 71000, 70000, 70500, 1.0], "open_time"),  # milliseconds where seconds were
    ],
)
def test_a_bar_that_cannot_be_believed_is_refused_and_the_others_load(bad: list[object], reason: str) -> None:
    parsed = BY_NAME["spot_candle_1d"].read(payload([bad, bar(T0 + DAY)]))
    assert parsed.rows["open_time"].to_list() == [T0 + DAY]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


def test_nan_in_a_bar_refuses_that_bar() -> None:
    body = b"[[1767312000,69000,NaN,70000,70500,1.0],[1767225600,69000,71000,70000,70500,1.0]]"
    parsed = BY_NAME["spot_candle_1d"].read(payload(body))
    assert parsed.rows["open_time"].to_list() == [T0]
    assert "high_usd" in parsed.rejects[0].reason


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_error_message_is_no_data(name: str) -> None:
    with pytest.raises(SourceError, match="NotFound") as caught:
        BY_NAME[name].read(payload({"message": "NotFound"}))
    assert caught.value.failure is Failure.REFUSED


def test_a_refused_range_is_told_from_a_missing_product() -> None:
    with pytest.raises(SourceError, match="exceeds 300") as caught:
        check(payload({"message": "Count of aggregations requested exceeds 300"}, status=400))
    assert caught.value.failure is Failure.REFUSED
    check(payload({"message": "NotFound"}, status=404))  # the status says it better


@pytest.mark.parametrize("body", [b"<html><body>Just a moment</body></html>", b"[[1767225600,69000,710"])
def test_a_block_page_or_half_an_answer_is_no_data(body: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME["spot_candle_1d"].read(payload(body))
    assert caught.value.failure in (Failure.BLOCKED, Failure.NOT_DATA)


@pytest.mark.parametrize(
    ("content", "named"), [([bar(T0)[:5]], "6 values"), ({"candles": []}, "an object"), ([{"open": 1}], "6 values")]
)
def test_a_changed_layout_says_what_changed(content: object, named: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME["spot_candle_1d"].read(payload(content))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    assert named in caught.value.what


def test_a_long_window_is_asked_for_in_steps_that_the_exchange_accepts(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"price_1h": bars("coinbase", "spot", T0, HOUR, 1000)})
    hourly, clock = BY_NAME["spot_candle_1h"], T0 + 750 * HOUR + timedelta(minutes=20)
    with asking(hourly, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(hourly, session, Window.of_dates(T0.date(), clock.date())).sort("open_time")
    assert rows["open_time"].to_list() == [T0 + i * HOUR for i in range(750)]
    assert rows.row(0) == ("BTC-USD", T0, 70000.0, 70002.5, 69999.25, 70001.0, 10.5)
    assert {request.status for request in server.requests} == {200}
    assert server.requests[0].params == {
        "granularity": "3600",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-13T11:59:59Z",
    }


def test_a_bar_in_which_nothing_traded_is_simply_missing(tmp_path: Path) -> None:
    listed = bars("coinbase", "spot", T0, DAY, 5)
    market = folder(tmp_path / "market", {"price_1d": [listed[0], *listed[2:]]})
    daily = BY_NAME["spot_candle_1d"]
    with asking(daily, market, T0 + 5 * DAY, stand_in.ROUTES) as (session, _):
        rows = rows_of(daily, session, Window.of_dates(T0.date(), (T0 + 5 * DAY).date())).sort("open_time")
    assert rows["open_time"].to_list() == [T0, T0 + 2 * DAY, T0 + 3 * DAY, T0 + 4 * DAY]
