"""Bitstamp: text and seconds, pages backwards by their end, the running bar left out."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox import bitstamp as stand_in
from sources.binance import DATASETS as BINANCE
from sources.bitstamp import DATASETS, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from tests.unit.venue_market import DAY, asking, bars, folder, payload, rows_of

CANDLES, HISTORY = DATASETS
T0 = datetime(2020, 1, 1)


def test_a_thousand_recorded_days_are_read(real: Path) -> None:
    parsed = CANDLES.read(payload((real / "fixtures" / "bitstamp" / "ohlc_btcusd_86400.json").read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows.height == 1000
    first = ("BTC/USD", datetime(2017, 4, 7), 1190.72, 1202.0, 1176.0, 1190.66, 5450.27271426)
    assert parsed.rows.row(0) == first
    last = ("BTC/USD", datetime(2019, 12, 31), 7222.74, 7302.35, 7112.55, 7168.36, 2638.69130899)
    assert parsed.rows.row(-1) == last


def test_recorded_days_agree_with_binance_within_the_premium_of_those_years(real: Path) -> None:
    [spot] = [dataset for dataset in BINANCE if dataset.name == "spot_candle_1d"]
    tether = spot.read(payload((real / "fixtures" / "binance" / "api_v3_klines_BTCUSDT_1d_2019.json").read_bytes()))
    dollar = CANDLES.read(payload((real / "fixtures" / "bitstamp" / "ohlc_btcusd_86400.json").read_bytes()))
    both = dollar.rows.join(tether.rows, on="open_time")
    assert both.height >= 360
    assert ((both["close_usd"] / both["close_usd_right"] - 1).abs()).median() < 0.01


def test_an_error_in_place_of_data_is_refused() -> None:
    error = {"status": "error", "reason": "Invalid step", "response_code": "400.002"}
    for attempt, status in ((check, 400), (check, 200), (CANDLES.read, 200)):
        with pytest.raises(SourceError, match="Invalid step") as caught:
            attempt(payload(error, status=status))
        assert caught.value.failure is Failure.REFUSED
    check(payload(error, status=404))  # left to its status


def test_another_pair_is_refused() -> None:
    with pytest.raises(SourceError, match="'BTC/EUR' where BTC/USD"):
        CANDLES.read(payload({"data": {"pair": "BTC/EUR", "ohlc": []}}))


def test_a_block_page_is_no_data(real: Path) -> None:
    page = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    with pytest.raises(SourceError) as caught:
        CANDLES.read(payload(page))
    assert caught.value.failure is Failure.BLOCKED


def test_days_are_paged_backwards_to_the_start_and_no_further(tmp_path: Path) -> None:
    told = bars("bitstamp", "spot", T0, DAY, 2500)
    market, clock = folder(tmp_path / "market", {"price_1d": told}), T0 + 2500 * DAY + timedelta(minutes=20)
    window = Window.of_dates((T0 + 100 * DAY).date(), clock.date())
    with asking(CANDLES, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(CANDLES, session, window).sort("open_time")
    assert [request.params["limit"] for request in server.requests] == ["1000", "1000", "400"]
    assert rows["open_time"].to_list() == [row[2] for row in told[100:]]


def test_bars_before_the_start_are_left_out_where_an_exchange_has_nothing_newer(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"price_1d": bars("bitstamp", "spot", T0, DAY, 50)})
    window = Window.of_dates((T0 + 100 * DAY).date(), (T0 + 130 * DAY).date())
    with asking(CANDLES, market, T0 + 131 * DAY, stand_in.ROUTES) as (session, _):
        pages = CANDLES.fetch(session, window)
        assert CANDLES.read(next(pages)).rows.is_empty()
        assert CANDLES.read(next(pages)).rows.is_empty()
        with pytest.raises(SourceError, match="same page"):
            next(pages)
