"""The stand-in's Coin Metrics: the recorded form, its traps, and nothing before its hour."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.coinmetrics import asset_metrics
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sources.coinmetrics import METRICS, read_asset_metric
from sources.core.payload import Payload
from tests.unit.market_folder import write_table

PLAIN = {"assets": "btc", "frequency": "1d"}


def ask(folder: Path, clock: datetime, **params: str) -> Any:
    return json.loads(bytes(asset_metrics(ProviderRequest(Market(folder), clock, PLAIN | params)).body))


def test_round_trip_has_the_recorded_form(real: Path, tmp_path: Path) -> None:
    recorded = (real / "fixtures" / "coinmetrics" / "timeseries_asset-metrics_PriceUSD.json").read_bytes()
    payload = Payload("https://community-api.coinmetrics.io", {}, 200, {}, recorded, datetime(2026, 7, 4, tzinfo=UTC))
    rows = read_asset_metric(payload).rows.select("metric_date", "price_usd").rename({"metric_date": "date"})
    write_table(tmp_path, "onchain_1d", rows.to_dicts())
    params = {"metrics": "PriceUSD", "page_size": "5", "paging_from": "start", "start_time": "2026-06-28"}
    assert ask(tmp_path, datetime(2026, 7, 4), **params) == json.loads(recorded)


def test_metrics_are_in_the_providers_units_and_those_without_a_reading_absent_or_null(tmp_path: Path) -> None:
    known = {
        "price_usd": 90_000.0, "market_cap_usd": 1.8e12, "hashrate_ehs": 1000.5, "issuance_btc": 450.0, "fees_btc": 2.5,
        "supply_btc": 2e7, "block_count": 144, "exchange_inflow_btc": 100.0, "exchange_outflow_btc": 200.0,
    }  # fmt: skip
    write_table(tmp_path, "onchain_1d", [{"date": date(2026, 1, 5), **known}])
    answer = ask(tmp_path, datetime(2026, 1, 7), metrics=",".join(METRICS.values()))
    assert answer == {
        "data": [
            {
                "asset": "btc",
                "time": "2026-01-05T00:00:00.000000000Z",
                "PriceUSD": "90000",
                "CapMrktCurUSD": "1800000000000",
                "HashRate": "1000500000",
                "IssTotUSD": "40500000",
                "FeeTotNtv": "2.5",
                "SplyCur": "20000000",
                "BlkCnt": "144",
                "TxCnt": None,  # in no market table
                "AdrActCnt": None,
                "FlowInExUSD": "9000000",
                "FlowOutExUSD": "18000000",
            }
        ]
    }


def test_day_appears_at_six_of_the_next(tmp_path: Path) -> None:
    write_table(tmp_path, "onchain_1d", [{"date": date(2026, 2, 5), "price_usd": 62_600.0}])
    six = datetime(2026, 2, 6, 6)
    assert ask(tmp_path, six - timedelta(seconds=1), metrics="PriceUSD") == {"data": []}
    assert len(ask(tmp_path, six, metrics="PriceUSD")["data"]) == 1


def test_bare_request_gives_the_last_hundred_days_and_a_page_from_the_start_names_the_next(tmp_path: Path) -> None:
    days = [{"date": date(2025, 1, 1) + timedelta(days=n), "price_usd": 1.0 + n} for n in range(250)]
    write_table(tmp_path, "onchain_1d", days)
    clock = datetime(2026, 1, 1)
    last = ask(tmp_path, clock, metrics="PriceUSD")
    assert [row["PriceUSD"] for row in last["data"]] == [f"{n}" for n in range(151, 251)]
    assert "next_page_url" not in last
    first = ask(tmp_path, clock, metrics="PriceUSD", paging_from="start")
    assert len(first["data"]) == 100
    assert re.fullmatch(r"https://community-api\.coinmetrics\.io/v4/.*next_page_token=\w+", first["next_page_url"])
    third = ask(tmp_path, clock, metrics="PriceUSD", paging_from="start", next_page_token="200")
    assert len(third["data"]) == 50
    assert "next_page_url" not in third


def test_day_without_any_value_does_not_exist(tmp_path: Path) -> None:
    write_table(tmp_path, "onchain_1d", [{"date": date(2026, 1, 5), "sopr": 1.0}])
    assert ask(tmp_path, datetime(2026, 1, 7), metrics="PriceUSD,TxCnt") == {"data": []}


@pytest.mark.parametrize("params", [{"metrics": "CapRealUSD"}, {"metrics": "PriceUSD", "assets": "eth"}, {}])
def test_what_is_not_free_is_refused(tmp_path: Path, params: dict[str, str]) -> None:
    write_table(tmp_path, "onchain_1d", [{"date": date(2026, 1, 5), "price_usd": 1.0}])
    answer = asset_metrics(ProviderRequest(Market(tmp_path), datetime(2026, 1, 7), PLAIN | params))
    assert answer.status_code == 400
    assert json.loads(bytes(answer.body))["error"]["type"] == "bad_parameter"
