"""One unit out of many, on real recordings: rates per eight hours, contracts once, in bitcoin and in dollars."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sources.core.payload import Parsed, Payload
from sources.registry import dataset
from tests.unit.venue_market import payload


@pytest.fixture
def recordings(real: Path) -> Path:
    return real / "fixtures"


def read(dataset_id: str, content: object, **params: str) -> pl.DataFrame:
    sent = payload(content)
    declared = dataset(dataset_id)
    parsed: Parsed = declared.read(Payload(sent.url, params, 200, {}, sent.body, sent.fetched_at))
    assert parsed.rejects == ()
    return parsed.rows


def recorded(file: Path) -> Any:
    return json.loads(file.read_bytes())


def per_eight_hours(rows: pl.DataFrame) -> float:
    """What int_funding__venue_days works out of a day: rates over hours, times eight.

    Where the venue does not state the hours, they are the distance to the settlement before, as in
    int_funding__settlements; the first settlement then counts for nothing.
    """
    ordered = rows.sort("funding_time")
    distance = ordered["funding_time"].diff().dt.total_hours(fractional=True)
    hours = ordered.with_columns(interval_hours=pl.coalesce("interval_hours", distance)).drop_nulls("interval_hours")
    return float(hours["funding_rate"].sum() / hours["interval_hours"].sum() * 8)


def test_an_hourly_venue_and_eight_hour_ones_agree_on_the_size_of_funding(recordings: Path) -> None:
    deribit = read(
        "deribit.funding_rate",
        {"result": recorded(recordings / "deribit" / "get_funding_rate_history_BTC-PERPETUAL.json")},
    )
    binance = read("binance.funding_rate", recorded(recordings / "binance" / "fapi_v1_fundingRate_BTCUSDT.json"))
    bybit = read("bybit.funding_rate", recorded(recordings / "bybit" / "market_funding_history_BTCUSDT.json"))
    assert set(deribit["interval_hours"]) == {1.0}
    # The venue's own figure for eight hours, at the end of the day that was recorded, is of the same size.
    stated = [row["interest_8h"] for row in recorded(
        recordings / "deribit" / "get_funding_rate_history_BTC-PERPETUAL.json"
    )]  # fmt: skip
    own = sum(stated[7::8]) / len(stated[7::8])
    assert per_eight_hours(deribit) == pytest.approx(own, rel=0.01)
    # Three weeks of the two eight-hour venues: the same market, so the same mean rate within a basis point a day.
    both = binance.join(bybit, on="funding_time", suffix="_bybit")
    assert both.height >= 18
    assert abs(both["funding_rate"].mean() - both["funding_rate_bybit"].mean()) < 1e-4 / 3
    for rows in (deribit, binance, bybit):
        assert abs(per_eight_hours(rows)) < 3e-4  # an hour taken for eight hours would be off by eight


def test_an_hour_taken_for_eight_hours_would_show(recordings: Path) -> None:
    hourly = read("bybit.funding_rate", recorded(recordings / "bybit" / "market_funding_history_ZRXUSDT_1h.json"))
    assert per_eight_hours(hourly) == pytest.approx(float(hourly.sort("funding_time")["funding_rate"][1:].mean()) * 8)


def test_krakens_relative_rate_is_the_amount_over_or_times_the_price(recordings: Path) -> None:
    tickers = {row["symbol"]: row for row in recorded(recordings / "kraken_futures" / "tickers_XBT.json")["tickers"]}
    linear, inverse = tickers["PF_XBTUSD"], tickers["PI_XBTUSD"]
    relative = {
        "PF_XBTUSD": linear["fundingRate"] / linear["indexPrice"],
        "PI_XBTUSD": inverse["fundingRate"] * inverse["indexPrice"],
    }
    for symbol, rate in relative.items():
        history = {"timestamp": "2026-09-09T21:00:00Z", "fundingRate": tickers[symbol]["fundingRate"]}
        later = {**history, "timestamp": "2026-09-09T22:00:00Z", "relativeFundingRate": rate}
        rows = read(
            "kraken_futures.funding_rate",
            {"result": "success", "rates": [{**history, "relativeFundingRate": rate}, later]},
            symbol=symbol,
        )
        # Per eight hours both are a few thousandths of a percent; the amounts differ by nine powers of ten.
        assert 1e-6 < per_eight_hours(rows) < 2e-4
    assert linear["fundingRate"] / inverse["fundingRate"] > 1e9


def test_bybits_two_sides_are_one(recordings: Path) -> None:
    sent = recorded(recordings / "bybit" / "market_open_interest_BTCUSDT_1h.json")
    rows = read("bybit.open_interest", sent)
    single = [float(row["singleOpenInterest"]) for row in sent["result"]["list"]]
    assert rows["open_interest_btc"].to_list() == single
    for row in sent["result"]["list"]:
        del row["singleOpenInterest"]  # as in history
    halved = read("bybit.open_interest", sent)["open_interest_btc"].to_list()
    assert halved == pytest.approx(single, abs=0.001)
    # The ticker of the same time says both, and its price makes dollars of them.
    ticker = recorded(recordings / "bybit" / "market_tickers_BTCUSDT.json")["result"]["list"][0]
    assert float(ticker["openInterest"]) / float(ticker["singleOpenInterest"]) == pytest.approx(2, rel=1e-3)


def test_inverse_contracts_count_dollars_and_linear_ones_bitcoin(recordings: Path) -> None:
    kraken = read("kraken_futures.open_interest", recorded(recordings / "kraken_futures" / "tickers_XBT.json"))
    bitmex = read("bitmex.open_interest", [recorded(recordings / "bitmex" / "instrument_XBTUSD.json")])
    deribit = read(
        "deribit.future_summary",
        {"result": recorded(recordings / "deribit" / "get_book_summary_by_currency_future_BTC_20260920.json")},
    )
    prices = {"PF_XBTUSD": 78_115, "PI_XBTUSD": 78_115, "XBTUSD": 97_850}
    for rows in (kraken, bitmex):
        for row in rows.iter_rows(named=True):
            price = row["open_interest_usd"] / row["open_interest_btc"]
            assert price == pytest.approx(prices[row["symbol"]], rel=1e-3), row["symbol"]
    marks = deribit["open_interest_usd"] / deribit["open_interest_btc"]
    assert (marks - deribit["mark_price_usd"]).abs().max() < 1e-6
    # As bitcoin, the dollars of the perpetual would be more coins than there are.
    assert deribit["open_interest_usd"].max() > 21e6


def test_okx_contracts_are_a_hundredth_of_a_bitcoin(recordings: Path) -> None:
    sent = recorded(recordings / "okx" / "public_open_interest_BTC-USDT-SWAP.json")
    [row] = read("okx.open_interest", sent).iter_rows(named=True)
    assert row["open_interest_btc"] == pytest.approx(float(sent["data"][0]["oi"]) * 0.01, abs=1e-6)
    assert row["open_interest_usd"] / row["open_interest_btc"] == pytest.approx(62_950, rel=1e-3)
    [order] = read(
        "okx.liquidation",
        {
            "code": "0",
            "data": [
                {
                    "instId": "BTC-USDT-SWAP",
                    "details": [{"posSide": "long", "bkPx": "62950", "sz": "100", "ts": sent["data"][0]["ts"]}],
                }
            ],
        },
    ).iter_rows(named=True)
    assert order["amount_btc"] == 1.0


def test_a_forward_that_deribit_builds_itself_is_marked_and_one_an_expiry(recordings: Path) -> None:
    chain = pl.read_csv(recordings / "deribit" / "options_chain_snapshot_20260206T043012Z.csv", infer_schema=False)
    bitcoin = chain.filter(pl.col("currency") == "BTC")
    stamp = int(datetime(2026, 2, 6, 4, 30, 12).timestamp() * 1000)
    sent = [
        {
            "instrument_name": row["instrument_name"],
            "creation_timestamp": stamp,
            "underlying_price": float(row["underlying"]),
            "underlying_index": row["underlying_name"],
            "estimated_delivery_price": None,
            "mark_price": 0.01,
            "bid_price": None,
            "ask_price": None,
            "mark_iv": 50.0,
            "open_interest": 1.0,
            "volume": 0.0,
        }
        for row in bitcoin.iter_rows(named=True)
    ]
    rows = read("deribit.option_chain", {"result": sent})
    built = rows.filter(pl.col("underlying_index").str.starts_with("SYN."))
    listed = rows.filter(pl.col("underlying_index").str.starts_with("BTC-"))
    assert built.height > 0
    assert listed.height > 0
    # An expiry has a listed future or a built forward, never both, and one price but for the moments between rows.
    assert not set(built["expiry_time"]) & set(listed["expiry_time"])
    spread = rows.group_by("expiry_time").agg(
        (pl.col("underlying_price_usd").max() / pl.col("underlying_price_usd").min() - 1).alias("spread")
    )
    assert spread["spread"].max() < 1e-3
