"""BitMEX: intervals written as dates, inverse and linear contracts in one unit, errors as objects, offsets followed."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import bitmex as stand_in
from sources.bitmex import DATASETS, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from tests.unit.venue_market import DAY, asking, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1, 4)
EIGHT_HOURS = timedelta(hours=8)
INVERSE = {
    "symbol": "XBTUSD",
    "isInverse": True,
    "settlCurrency": "XBt",
    "openInterest": 700_000,
    "openValue": 1_000_000_000,
    "underlyingToPositionMultiplier": None,
    "timestamp": "2026-01-01T23:50:00.000Z",
}
LINEAR = {
    "symbol": "XBTUSDT",
    "isInverse": False,
    "settlCurrency": "USDt",
    "openInterest": 5_000_000,
    "openValue": 350_000_000_000,
    "underlyingToPositionMultiplier": 1_000_000,
    "timestamp": "2026-01-01T23:50:02.500Z",
}


def recording(real: Path, name: str) -> bytes:
    return (real / "fixtures" / "bitmex" / f"{name}.json").read_bytes()


def test_recorded_settlements_state_their_interval_as_a_date(real: Path) -> None:
    parsed = BY_NAME["funding_rate"].read(payload(recording(real, "funding_XBTUSDT")))
    assert parsed.rejects == ()
    assert parsed.rows.rows() == [
        ("XBTUSDT", datetime(2024, 3, 8, 12), 0.00375, 8.0),
        ("XBTUSDT", datetime(2024, 3, 8, 4), 0.00375, 8.0),
    ]


def test_a_recorded_inverse_contract_is_counted_in_bitcoin_and_in_dollars(real: Path) -> None:
    # The recording is of one instrument; the exchange sends it in a list.
    body = b"[" + recording(real, "instrument_XBTUSD") + b"]"
    [(symbol, observed_at, btc, usd)] = BY_NAME["open_interest"].read(payload(body)).rows.iter_rows()
    assert (symbol, observed_at, usd) == ("XBTUSD", datetime(2024, 11, 24, 23, 33, 19), 411_647_400)
    assert btc == pytest.approx(4206.91293378, abs=1e-8)
    assert usd / btc == pytest.approx(97_849.76, rel=1e-4)  # the mark in the recording


def test_a_linear_contract_is_a_millionth_of_a_bitcoin() -> None:
    rows = BY_NAME["open_interest"].read(payload([INVERSE, LINEAR])).rows
    stamp = datetime(2026, 1, 1, 23, 50, 2)
    assert rows.rows() == [("XBTUSD", stamp, 10.0, 700_000.0), ("XBTUSDT", stamp, 5.0, 350_000.0)]


def test_recorded_spot_markets_have_no_open_interest_and_are_refused(real: Path) -> None:
    with pytest.raises(SourceError, match=r"XBT_USDT.*was expected") as caught:
        BY_NAME["open_interest"].read(payload(recording(real, "instrument_active_sample")))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("change", [{"settlCurrency": "ETh"}, {"isInverse": False}, {"symbol": "XBTEUR"}])
def test_a_contract_that_counts_otherwise_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SourceError, match=r"unit is not known|was expected"):
        BY_NAME["open_interest"].read(payload([{**INVERSE, **change}]))


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_recorded_trade_buckets_are_refused(real: Path, name: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(recording(real, "trade_bucketed_1h_XBT_USDT")))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_recorded_error_in_place_of_a_list_is_refused(real: Path, name: str) -> None:
    body = (real / "fixtures" / "errors" / "bitmex_http_error.json").read_bytes()
    with pytest.raises(SourceError, match="Invalid API Key") as caught:
        BY_NAME[name].read(payload(body))
    assert caught.value.failure is Failure.REFUSED
    check(payload(body, status=401))  # left to its status


@pytest.mark.parametrize("interval", ["1999-01-01T00:00:00.000Z", "eight hours", None, 8, []])
def test_an_interval_that_is_none_is_refused(interval: object) -> None:
    row: dict[str, Any] = {"symbol": "XBTUSD", "timestamp": "2026-01-01T04:00:00.000Z", "fundingRate": 0.0001}
    parsed = BY_NAME["funding_rate"].read(payload([{**row, "fundingInterval": interval}]))
    assert parsed.rows.is_empty()
    assert parsed.rejects[0].reason.startswith("interval_hours")


def test_a_daily_interval_is_24_hours() -> None:
    row = {"symbol": "XBTUSD", "timestamp": "2026-01-01T12:00:00.000Z", "fundingRate": 0.0001}
    rows = BY_NAME["funding_rate"].read(payload([{**row, "fundingInterval": "2000-01-02T00:00:00.000Z"}])).rows
    assert rows["interval_hours"].to_list() == [24.0]


def test_settlements_of_both_contracts_are_paged_to_the_end(tmp_path: Path) -> None:
    rates = [("bitmex", T0 + i * EIGHT_HOURS, i / 1e6, 8) for i in range(1100)]
    market = folder(tmp_path / "market", {"funding": rates})
    funding, clock = BY_NAME["funding_rate"], T0 + 1100 * EIGHT_HOURS
    with asking(funding, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(funding, session, Window.of_dates(T0.date(), clock.date()))
    asked = [request.params["symbol"] for request in server.requests]
    # Three pages, and twice whether there is nothing newer; the other contract has nothing, twice.
    assert asked == [*["XBTUSD"] * 5, *["XBTUSDT"] * 2]
    rows = rows.sort("funding_time")
    assert rows["funding_time"].to_list() == [time for _, time, _, _ in rates]
    assert rows["funding_rate"].to_list() == [rate for _, _, rate, _ in rates]


def test_open_interest_is_asked_with_only_the_needed_columns(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": [("bitmex", T0, 4000.5, 280_035_000.0)]})
    interest = BY_NAME["open_interest"]
    with asking(interest, market, T0 + DAY, stand_in.ROUTES) as (session, server):
        rows = rows_of(interest, session, Window.of_dates(T0.date(), (T0 + DAY).date()))
    assert rows.rows() == [("XBTUSD", T0, 4000.5, 280_035_000.0)]
    [request] = server.requests
    assert request.params["filter"] == '{"symbol":["XBTUSD","XBTUSDT"]}'
