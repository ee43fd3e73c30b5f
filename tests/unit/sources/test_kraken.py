"""Kraken: 720 bars and the running one, the canonical name, errors behind HTTP 200."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import kraken as stand_in
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.kraken import DATASETS, check, read_bars
from tests.unit.venue_market import DAY, asking, bars, folder, payload, rows_of

[CANDLES] = DATASETS
T0 = datetime(2024, 1, 1)
BAR = [1767571200, "70000", "70500", "69500", "70250", "70100", "1500.5", 12]


def test_recorded_bars_are_720_and_the_running_one_is_left_out(real: Path) -> None:
    body = (real / "fixtures" / "kraken" / "public_OHLC_XBTUSDT_1m.json").read_bytes()
    asked = payload(body, fetched_at=datetime.fromtimestamp(1762820225, UTC))
    parsed = read_bars(asked, pair="XBTUSDT", period=timedelta(minutes=1))
    assert parsed.rejects == ()
    assert parsed.rows.height == 720
    first = ("XBTUSD", datetime(2025, 11, 10, 12, 17), 106038.2, 106038.2, 106038.2, 106038.2, 0.0)
    assert parsed.rows.row(0) == first
    assert parsed.rows["open_time"].max() == datetime.fromtimestamp(1762820160, UTC).replace(tzinfo=None)  # its `last`


def test_a_recording_of_another_pair_or_of_minutes_is_refused(real: Path) -> None:
    body = (real / "fixtures" / "kraken" / "public_OHLC_XBTUSDT_1m.json").read_bytes()
    with pytest.raises(SourceError, match="sent XBTUSDT where XXBTZUSD") as caught:
        CANDLES.read(payload(body))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    parsed = read_bars(payload(body), pair="XBTUSDT")
    assert len(parsed.rejects) == 720
    assert "does not begin a bar" in parsed.rejects[0].reason


def test_a_recorded_complaint_behind_status_200_means_to_wait(real: Path) -> None:
    body = (real / "fixtures" / "errors" / "kraken_too_many_requests.json").read_bytes()
    for attempt in (check, CANDLES.read):
        with pytest.raises(SourceError, match="Too many requests") as caught:
            attempt(payload(body))
        assert caught.value.failure is Failure.THROTTLED


@pytest.mark.parametrize(
    ("errors", "failure"),
    [
        (["EService:Busy"], Failure.OUTAGE),
        (["EQuery:Unknown asset pair"], Failure.REFUSED),
        (["WGeneral:Danger", "EService:Unavailable"], Failure.OUTAGE),
    ],
)
def test_errors_say_what_to_do(errors: list[str], failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        check(payload({"error": errors}))
    assert caught.value.failure is failure


def test_a_warning_is_no_error() -> None:
    sent = {"error": ["WGeneral:Danger"], "result": {"XXBTZUSD": [BAR], "last": 1767571200}}
    assert CANDLES.read(payload(sent)).rows["close_usd"].to_list() == [70250.0]


def test_close_and_vwap_are_not_confused() -> None:
    row = CANDLES.read(payload({"error": [], "result": {"XXBTZUSD": [BAR], "last": 1}})).rows.row(0, named=True)
    assert (row["close_usd"], row["volume_btc"]) == (70250.0, 1500.5)


def test_no_more_than_720_days_come_however_far_back_one_asks(tmp_path: Path) -> None:
    told = bars("kraken", "spot", T0, DAY, 900)
    market, clock = folder(tmp_path / "market", {"price_1d": told}), T0 + 900 * DAY + timedelta(minutes=20)
    with asking(CANDLES, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(CANDLES, session, Window.of_dates(T0.date(), clock.date()))
    assert len(server.requests) == 1
    assert rows["open_time"].to_list() == [row[2] for row in told[-720:]]
    assert CANDLES.depth == 720 * DAY
