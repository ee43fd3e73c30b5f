"""CoinGlass as the stand-in plays it: a day's figure is not seen before the day has ended, and keys are asked for."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.coinglass import etf_flows, funding, liquidation, open_interest
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest, RouteHandler
from sources.coinglass import DATASETS
from tests.unit.venue_market import DAY, HOUR, folder, payload

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
INTEREST, FUNDING, LIQUIDATION = (BY_NAME[name] for name in ("open_interest", "funding_rate", "liquidation"))
ETF_FLOW = BY_NAME["etf_flow"]
T0 = datetime(2026, 1, 1)
BTC_DAILY = {"symbol": "BTC", "interval": "1d"}


def asked(handler: RouteHandler, market: Path, clock: datetime, *, key: str = "any", **params: str) -> Any:
    headers = {"cg-api-key": key} if key else {}
    answer = handler(ProviderRequest(Market(market), clock, BTC_DAILY | params, headers=headers))
    assert answer.status_code == 200
    return json.loads(bytes(answer.body))


def test_our_samples_come_out_as_they_are(samples: Path, tmp_path: Path) -> None:
    # No recording of these endpoints exists; the samples follow the documentation.
    interest_sent = json.loads((samples / "coinglass/open_interest.json").read_bytes())
    sums_sent = json.loads((samples / "coinglass/liquidation.json").read_bytes())
    interest, sums = INTEREST.read(payload(interest_sent)).rows, LIQUIDATION.read(payload(sums_sent)).rows
    tables = {
        "open_interest": [
            ("aggregate", row["open_time"] + i * HOUR, None, row[f"{name}_usd"])
            for row in interest.iter_rows(named=True)
            for i, name in enumerate(("open", "high", "low", "close"))
        ],
        "liquidations_1h": [("aggregate", *row[1:]) for row in sums.iter_rows()],
    }
    market, clock = folder(tmp_path / "market", tables), datetime(2025, 3, 7)
    encoded = asked(open_interest, market, clock, unit="usd")
    assert INTEREST.read(payload(encoded)).rows.equals(interest)
    assert {name: type(value) for name, value in encoded["data"][0].items()} == {
        name: type(value) for name, value in interest_sent["data"][0].items()
    }
    assert asked(liquidation, market, clock, exchange_list="Binance") == sums_sent


def test_funding_comes_out_in_percent_per_eight_hours(samples: Path, tmp_path: Path) -> None:
    sent = json.loads((samples / "coinglass/funding_rate.json").read_bytes())
    rows = FUNDING.read(payload(sent)).rows
    told = [
        ("aggregate", row["open_time"] + i * HOUR, row[f"{name}_pct_8h"] / 100, 8)
        for row in rows.iter_rows(named=True)
        for i, name in enumerate(("open", "high", "low", "close"))
    ]
    encoded = asked(funding, folder(tmp_path / "market", {"funding": told}), datetime(2026, 2, 1))
    assert encoded.keys() == sent.keys()
    for ours, theirs in zip(encoded["data"], sent["data"], strict=True):
        assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in theirs.items()}
        assert {key: float(value) for key, value in ours.items()} == pytest.approx(
            {key: float(value) for key, value in theirs.items()}
        )


def test_the_figure_of_a_day_is_seen_when_the_day_has_ended(tmp_path: Path) -> None:
    figures = [("aggregate", T0 + i * DAY, None, 5e10 + i) for i in range(3)]
    market = folder(tmp_path / "market", {"open_interest": figures})
    assert asked(open_interest, market, T0 + DAY - timedelta(seconds=1))["data"] == []
    (bar,) = asked(open_interest, market, T0 + DAY)["data"]
    assert bar == {"time": 1767225600000, **dict.fromkeys(("open", "high", "low", "close"), "50000000000.0")}


def test_open_interest_can_be_asked_for_in_coins(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": [("aggregate", T0, 7e5, None), ("binance", T0, 1e5, 9e9)]})
    assert [bar["close"] for bar in asked(open_interest, market, T0 + DAY, unit="coin")["data"]] == ["700000.0"]
    assert asked(open_interest, market, T0 + DAY, unit="usd")["data"] == []


def test_venues_are_added_up_where_there_is_no_aggregate(tmp_path: Path) -> None:
    hours = [(venue, T0 + i * HOUR, 1.0, 2.0) for venue in ("binance", "okx") for i in range(30)]
    market = folder(tmp_path / "market", {"liquidations_1h": hours})
    days = asked(liquidation, market, T0 + 26 * HOUR, exchange_list="Binance,OKX")["data"]
    longs = [(day["aggregated_long_liquidation_usd"], day["aggregated_short_liquidation_usd"]) for day in days]
    assert longs == [(48.0, 96.0), (4.0, 8.0)]  # the running day with what has come


def test_a_range_and_a_limit_cut_the_bars(tmp_path: Path) -> None:
    figures = [("aggregate", T0 + i * DAY, None, 5e10) for i in range(9)]
    market, clock = folder(tmp_path / "market", {"open_interest": figures}), T0 + 20 * DAY
    first, last = 1767225600000 + 86_400_000, 1767225600000 + 4 * 86_400_000
    bars = asked(open_interest, market, clock, start_time=str(first), end_time=str(last))["data"]
    assert [bar["time"] for bar in bars] == list(range(first, last + 1, 86_400_000))
    assert len(asked(open_interest, market, clock, limit="2")["data"]) == 2


@pytest.mark.parametrize("handler", [open_interest, liquidation])
def test_errors_come_with_http_200(handler: RouteHandler, tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": [("aggregate", T0, None, 5e10)]})
    assert asked(handler, market, T0, key="") == {"code": "401", "msg": "API key missing."}
    assert asked(handler, market, T0, interval="4h")["code"] == "400"


def test_liquidations_want_their_exchanges_named(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"liquidations_1h": [("aggregate", T0, 1.0, 2.0)]})
    refused = asked(liquidation, market, T0)
    assert (refused["code"], "exchange_list" in refused["msg"]) == ("400", True)


def test_our_sample_of_flows_comes_out_as_it_is(samples: Path, tmp_path: Path) -> None:
    sent = json.loads((samples / "coinglass/etf_flow.json").read_bytes())
    rows = ETF_FLOW.read(payload(sent)).rows
    flows = [(day, fund, (usd or 0.0) / 1e6, None) for day, fund, usd in rows.iter_rows() if fund != "TOTAL"]
    unreported = (date(2025, 3, 4), "IBIT")
    flows = [(*row[:3], datetime(2025, 3, 6)) if row[:2] == unreported else row for row in flows]
    encoded = asked(etf_flows, folder(tmp_path / "market", {"etf_flow": flows}), datetime(2025, 3, 5, 12))
    assert ETF_FLOW.read(payload(encoded)).rows.sort("trade_date", "fund").equals(rows.sort("trade_date", "fund"))
    assert encoded["data"][1]["etf_flows"][-1] == {"etf_ticker": "IBIT"}


def test_a_date_of_flows_is_there_once_a_fund_has_reported(tmp_path: Path) -> None:
    published = datetime(2025, 3, 4, 2)
    market = folder(tmp_path / "market", {"etf_flow": [(date(2025, 3, 3), "IBIT", 5.0, published)]})
    assert asked(etf_flows, market, published - timedelta(seconds=1))["data"] == []
    assert asked(etf_flows, market, published)["data"][0]["flow_usd"] == 5e6
    assert asked(etf_flows, market, published, key="")["code"] == "401"
