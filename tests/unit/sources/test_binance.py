"""Binance: recorded answers read to the row, error bodies told apart, pages followed to the end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import binance as stand_in
from sandbox.provider_request import ProviderRequest, json_answer
from sources.binance import DATASETS, OPEN_INTEREST_DEPTH, check
from sources.core.dataset import Dataset, Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed
from tests.unit.venue_market import DAY, HOUR, asking, bars, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)
EIGHT_HOURS = timedelta(hours=8)


def kline(at: datetime, period: timedelta = DAY, **changed: object) -> list[object]:
    opened = int(at.replace(tzinfo=UTC).timestamp() * 1000)
    fields: dict[str, object] = {
        "open_time": opened,
        "open": "70000.00000000",
        "high": "71000.00000000",
        "low": "69000.00000000",
        "close": "70500.00000000",
        "volume": "1000.00000000",
        "close_time": opened + int(period.total_seconds() * 1000) - 1,
        "quote": "70000000.00000000",
        "trades": 5,
        "taker": "400.00000000",
        "taker_quote": "28000000.00000000",
        "unused": "0",
    }
    return list((fields | changed).values())


def settlement(time: datetime, rate: str = "0.00010000") -> dict[str, object]:
    return {"symbol": "BTCUSDT", "fundingTime": int(time.replace(tzinfo=UTC).timestamp() * 1000), "fundingRate": rate}


def recorded(real: Path, name: str, dataset: str, fetched_at: datetime = datetime(2026, 9, 20, tzinfo=UTC)) -> Parsed:
    body = (real / "fixtures" / "binance" / f"{name}.json").read_bytes()
    return BY_NAME[dataset].read(payload(body, fetched_at=fetched_at))


def test_recorded_spot_bars_are_read_to_the_row(real: Path) -> None:
    parsed = recorded(real, "api_v3_klines_BTCUSDT_1d_2019", "spot_candle_1d")
    assert parsed.rejects == ()
    assert parsed.rows.schema == BY_NAME["spot_candle_1d"].schema
    assert parsed.rows.height == 366
    assert parsed.rows.row(0) == (
        "BTCUSDT",
        datetime(2019, 1, 1),
        3701.23,
        3810.16,
        3642.0,
        3797.14,
        23741.687033,
        12919.155899,
    )
    assert parsed.rows["open_time"][-1] == datetime(2020, 1, 1)


def test_recorded_perpetual_bars_are_read_to_the_row(real: Path) -> None:
    parsed = recorded(real, "fapi_v1_klines_BTCUSDT_1d_2019", "perp_candle_1d")
    assert parsed.rejects == ()
    assert parsed.rows.height == 116
    first = ("BTCUSDT", datetime(2019, 9, 8), 10000.0, 10412.65, 10000.0, 10391.63, 3096.291, 0.039)
    assert parsed.rows.row(0) == first


def test_the_running_bar_is_left_out(real: Path) -> None:
    noon = datetime(2020, 1, 1, 12, tzinfo=UTC)
    parsed = recorded(real, "api_v3_klines_BTCUSDT_1d_2019", "spot_candle_1d", fetched_at=noon)
    assert parsed.rows["open_time"][-1] == datetime(2019, 12, 31)
    assert parsed.rejects == ()


def test_recorded_settlements_are_rounded_to_the_minute(real: Path) -> None:
    parsed = recorded(real, "fapi_v1_fundingRate_BTCUSDT", "funding_rate")
    assert parsed.rejects == ()
    assert parsed.rows.height == 21
    # Sent as …000001 and …000005 ms: late by a few milliseconds.
    assert parsed.rows["funding_time"].dt.truncate("8h").equals(parsed.rows["funding_time"])
    assert parsed.rows.row(1) == ("BTCUSDT", datetime(2026, 9, 2, 8), 0.00007998, None)
    assert parsed.rows.row(-1) == ("BTCUSDT", datetime(2026, 9, 8, 16), 0.00009029, None)


def test_recorded_open_interest_is_in_bitcoin_and_dollars(real: Path) -> None:
    parsed = recorded(real, "fapi_futures_data_openInterestHist_BTCUSDT_1h", "open_interest")
    assert parsed.rejects == ()
    assert parsed.rows.height == 25
    assert parsed.rows.row(0) == ("BTCUSDT", datetime(2026, 9, 7, 23), 107100.284, 8452471718.358591)


def test_open_interest_stamps_may_be_text_as_documented() -> None:
    row = {"symbol": "BTCUSDT", "sumOpenInterest": "1", "sumOpenInterestValue": "70000", "timestamp": "1788822000000"}
    assert BY_NAME["open_interest"].read(payload([row])).rows["observed_at"].to_list() == [datetime(2026, 9, 7, 23)]


def test_a_page_says_nothing_of_an_interval_that_the_exchange_does_not_state() -> None:
    """Its first row has no neighbour on it: the same answers, cut elsewhere, would give another interval."""
    parsed = BY_NAME["funding_rate"].read(payload([settlement(T0 + hour * HOUR) for hour in (0, 8, 16, 20, 24)]))
    assert parsed.rows["interval_hours"].to_list() == [None] * 5


def test_no_taker_buys_in_a_bar_that_traded_means_that_the_figure_is_missing() -> None:
    traded, idle = kline(T0, taker="0.00000000"), kline(T0 + DAY, taker="0.00000000", volume="0.00000000")
    rows = BY_NAME["spot_candle_1d"].read(payload([traded, idle])).rows
    assert rows["taker_buy_btc"].to_list() == [None, 0.0]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_empty_page_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(payload([]))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (kline(T0, open="1,234.5"), "open_usd"),
        (kline(T0, close=None), "close_usd: no value"),
        (kline(T0, low="0.00000000"), "low_usd"),
        (kline(T0, volume="-1.0"), "volume_btc"),
        (kline(T0, high="NaN"), "high_usd"),
        (kline(T0, high="70100.00000000"), "outside the bar's low and high"),
        (kline(T0 + timedelta(hours=16)), "does not begin a bar"),
        (kline(T0, open_time=1767225600), "open_time"),  # seconds where milliseconds were
        (kline(T0, open_time=1767225600000000), "open_time"),  # microseconds
        (kline(datetime(2026, 9, 30)), "lies in the future"),
    ],
)
def test_a_bar_that_cannot_be_believed_is_refused_and_the_others_load(bad: list[object], reason: str) -> None:
    parsed = BY_NAME["spot_candle_1d"].read(payload([bad, kline(T0 + 3 * DAY)]))
    assert parsed.rows["open_time"].to_list() == [T0 + 3 * DAY]
    assert len(parsed.rejects) == 1
    assert reason in parsed.rejects[0].reason
    assert str(bad[0]) in parsed.rejects[0].text


def failure_of(dataset: Dataset, content: object) -> SourceError:
    with pytest.raises(SourceError) as caught:
        dataset.read(payload(content))
    return caught.value


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_error_body_is_no_data(real: Path, name: str) -> None:
    body = (real / "fixtures" / "binance" / "error_invalid_symbol.json").read_bytes()
    assert failure_of(BY_NAME[name], body).failure is Failure.REFUSED


@pytest.mark.parametrize(
    ("recording", "name"),
    [
        # Coin-margined: contracts of 100 USD.
        ("dapi_v1_fundingRate_BTCUSD_PERP", "funding_rate"),
        ("dapi_futures_data_openInterestHist", "open_interest"),
        ("dapi_v1_openInterest", "open_interest"),
        ("dapi_futures_data_takerBuySellVol", "open_interest"),
        ("dapi_futures_data_topLongShortPositionRatio", "open_interest"),
        # Other endpoints of the same market.
        ("fapi_v1_openInterest", "open_interest"),
        ("fapi_v1_premiumIndex", "funding_rate"),
        ("fapi_v1_fundingInfo", "funding_rate"),
        ("fapi_exchangeInfo", "funding_rate"),
        ("fapi_futures_data_takerlongshortRatio", "open_interest"),
        ("fapi_futures_data_topLongShortAccountRatio", "open_interest"),
        ("fapi_futures_data_topLongShortPositionRatio", "open_interest"),
        ("fapi_futures_data_longShortRatio_BTCUSDT_2026", "open_interest"),
    ],
)
def test_a_recording_of_another_product_or_endpoint_is_refused(real: Path, recording: str, name: str) -> None:
    with pytest.raises(SourceError) as caught:
        recorded(real, recording, name)
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_block_page_is_no_data(real: Path, name: str) -> None:
    page = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    assert failure_of(BY_NAME[name], page).failure is Failure.BLOCKED


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("funding_rate", [{"symbol": "BTCUSDT", "fundingTime": 1767225600000, "rate": "0.0001"}], "fundingRate"),
        ("open_interest", [{"symbol": "BTCUSDT", "open_interest": "1", "timestamp": 1767225600000}], "sumOpenInterest"),
        ("spot_candle_1d", [kline(T0)[:11]], "12 values"),
        ("spot_candle_1d", {"klines": []}, "an object"),
    ],
)
def test_a_changed_layout_says_what_changed(name: str, content: object, named: str) -> None:
    error = failure_of(BY_NAME[name], content)
    assert error.failure is Failure.CHANGED_LAYOUT
    assert named in error.what


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (0, Failure.BLOCKED),
        (-1003, Failure.THROTTLED),
        (-1001, Failure.OUTAGE),
        (-1121, Failure.REFUSED),
        (-1130, Failure.REFUSED),
        (-9999, Failure.REFUSED),
    ],
)
def test_error_codes_say_what_to_do(code: int, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        check(payload({"code": code, "msg": "as it says"}, status=400))
    assert caught.value.failure is failure
    assert "as it says" in caught.value.what


def test_the_recorded_region_ban_is_not_taken_for_success(real: Path) -> None:
    # Its code is 0.
    body = (real / "fixtures" / "errors" / "binance_http_451.json").read_bytes()
    with pytest.raises(SourceError) as caught:
        check(payload(body, status=451))
    assert caught.value.failure is Failure.BLOCKED


def test_candles_are_paged_to_the_end_of_the_window(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"price_1h": bars("binance", "spot", T0, HOUR, 2600)})
    hourly, clock = BY_NAME["spot_candle_1h"], T0 + 2500 * HOUR + timedelta(minutes=20)
    with asking(hourly, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(hourly, session, Window.of_dates(T0.date(), clock.date()))
    assert rows["open_time"].to_list() == [T0 + i * HOUR for i in range(2500)]
    assert rows["close_usd"][-1] == 70001.0 + 2499
    assert [request.params["limit"] for request in server.requests] == ["1000"] * 3


def test_daily_bars_stop_before_the_running_day(tmp_path: Path) -> None:
    tables = {
        "price_1d": bars("binance", "spot", T0, DAY, 10),
        "price_1h": bars("binance", "spot", T0, HOUR, 240),
    }
    daily, clock = BY_NAME["spot_candle_1d"], T0 + 5 * DAY + timedelta(hours=6)
    with asking(daily, folder(tmp_path / "market", tables), clock, stand_in.ROUTES) as (session, _):
        window = Window.of_dates(T0.date(), clock.date())
        pages = list(daily.fetch(session, window))
        rows = rows_of(daily, session, window)
    assert b"1767657600000" in pages[0].body  # 2026-01-06, the running day, was sent
    assert rows["open_time"].to_list() == [T0 + i * DAY for i in range(5)]


def test_settlements_are_paged_to_the_end(tmp_path: Path) -> None:
    start = datetime(2024, 1, 1)
    rates = [("binance", start + i * EIGHT_HOURS, i / 1e6, 8) for i in range(1300)]
    market = folder(tmp_path / "market", {"funding": rates})
    funding, clock = BY_NAME["funding_rate"], start + 1300 * EIGHT_HOURS
    with asking(funding, market, clock, stand_in.ROUTES) as (session, _server):
        rows = rows_of(funding, session, Window.of_dates(start.date(), clock.date()))
    assert rows.unique().sort("funding_time")["funding_rate"].to_list() == [rate for _, _, rate, _ in rates]


def test_a_first_settlement_of_a_window_is_asked_for_with_the_one_before(tmp_path: Path) -> None:
    four_hourly = [("binance", T0 + i * timedelta(hours=4), 0.0001, 4) for i in range(12)]
    market = folder(tmp_path / "market", {"funding": four_hourly})
    funding, clock = BY_NAME["funding_rate"], T0 + DAY + timedelta(minutes=20)
    with asking(funding, market, clock, stand_in.ROUTES) as (session, _):
        rows = rows_of(funding, session, Window.of_dates(clock.date(), clock.date()))
    assert rows["funding_time"].to_list() == [T0 + timedelta(hours=hours) for hours in (16, 20, 24)]


def test_open_interest_is_asked_for_as_far_back_as_it_is_kept(tmp_path: Path) -> None:
    readings = [("binance", T0 + i * HOUR, 1000.0 + i, 7e7) for i in range(60 * 24)]
    market = folder(tmp_path / "market", {"open_interest": readings})
    interest, clock = BY_NAME["open_interest"], T0 + 50 * DAY
    with asking(interest, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(interest, session, Window.of_dates(T0.date(), clock.date()))
        long_ago = list(interest.fetch(session, Window.of_dates(T0.date(), T0.date())))
    expected = [T0 + i * HOUR for i in range(60 * 24) if clock - OPEN_INTEREST_DEPTH < T0 + i * HOUR < clock]
    assert rows["observed_at"].to_list() == expected
    assert [request.status for request in server.requests] == [200, 200]
    assert long_ago == []


def test_spot_comes_from_the_market_data_host_where_the_usual_one_is_blocked(tmp_path: Path) -> None:
    def blocked(_: ProviderRequest) -> object:
        return json_answer({"code": 0, "msg": "Service unavailable from a restricted location"}, 451)

    routes = {**stand_in.ROUTES, "GET api.binance.com/api/v3/klines": blocked}
    market = folder(tmp_path / "market", {"price_1d": bars("binance", "spot", T0, DAY, 3)})
    daily, clock = BY_NAME["spot_candle_1d"], T0 + 3 * DAY
    with asking(daily, market, clock, routes) as (session, server):
        rows = rows_of(daily, session, Window.of_dates(T0.date(), clock.date()))
    assert rows.height == 3
    assert [(request.host, request.status) for request in server.requests] == [
        ("api.binance.com", 451),
        ("data-api.binance.vision", 200),
    ]


def test_a_page_that_never_moves_on_is_an_error(tmp_path: Path) -> None:
    def stuck(_: ProviderRequest) -> object:
        return json_answer([kline(T0, HOUR)] * 1000)

    market = folder(tmp_path / "market", {"price_1h": bars("binance", "spot", T0, HOUR, 1)})
    hourly = BY_NAME["spot_candle_1h"]
    with asking(hourly, market, T0 + DAY, {"GET api.binance.com/api/v3/klines": stuck}) as (session, _):
        pages = hourly.fetch(session, Window.of_dates(T0.date(), T0.date()))
        with pytest.raises(SourceError, match="same page") as caught:
            list(pages)
    assert caught.value.failure is Failure.CHANGED_LAYOUT
