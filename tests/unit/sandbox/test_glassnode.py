"""Glassnode as the stand-in plays it: stamps at the beginning of days, buckets by the all-time high, plain errors."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import glassnode
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sources import glassnode as glassnode_source
from tests.unit.market_folder import write_table
from tests.unit.venue_market import folder, payload

D = date(2026, 2, 5)
AT_0040 = datetime(2026, 2, 6, 0, 40)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    days = [D - timedelta(days=i) for i in (4, 2, 1, 0)]  # one day is missing
    rows = [{"date": day, "realized_loss_usd": None if day.day == 3 else 1e9 + day.day} for day in days]
    return write_table(tmp_path, "onchain_1d", rows)


def test_a_bucket_edge_is_not_lost_to_rounding(real: Path, tmp_path: Path) -> None:
    (sent,) = json.loads((real / "fixtures/glassnode/urpd_entity_adjusted_trimmed.json").read_bytes())
    rows = glassnode_source.read_urpd(payload([sent])).rows
    day = rows["urpd_date"][0]
    tables = {"cost_basis": [tuple(row) for row in rows.iter_rows()]}
    folder_of_day = folder(tmp_path / "market", tables)
    write_table(folder_of_day, "onchain_1d", [{"date": day, "price_usd": sent["ath_price"]}])
    asked = ProviderRequest(
        Market(folder_of_day), datetime(2023, 5, 17), {"a": "BTC", "i": "24h"}, headers={"x-api-key": "k"}
    )
    (encoded,) = json.loads(bytes(glassnode.urpd(asked).body))
    assert encoded.keys() == sent.keys()
    assert encoded["t"] == sent["t"]
    assert encoded["prices"] == pytest.approx(sent["prices"])
    assert encoded["partitions"] == sent["partitions"]


def test_without_prices_the_high_is_the_last_bucket(tmp_path: Path) -> None:
    market = Market(folder(tmp_path / "market", {"cost_basis": [(D, 0.0, 500.0, 1.0), (D, 99500.0, 100000.0, 2.0)]}))
    asked = ProviderRequest(market, AT_0040, {"a": "BTC", "i": "24h", "api_key": "any"})
    (row,) = json.loads(bytes(glassnode.urpd(asked).body))
    assert (row["ath_price"], len(row["prices"]), row["partitions"][-1]) == (100000.0, 100, 2.0)
    assert json.loads(bytes(glassnode.urpd(ProviderRequest(market, datetime(2026, 1, 1), asked.params)).body)) == []


@pytest.mark.parametrize(
    ("headers", "params", "metric", "status", "says"),
    [
        ({}, {"a": "BTC", "i": "24h"}, "realized_loss", 401, "key"),
        ({"x-api-key": "any"}, {"a": "ETH", "i": "24h"}, "realized_loss", 400, "allowed values=[BTC]"),
        ({"x-api-key": "any"}, {"a": "BTC", "i": "10m"}, "realized_loss", 400, "allowed values=[24h]"),
        ({"x-api-key": "any"}, {"a": "BTC", "i": "24h"}, "unheard_of", 404, "not found"),
    ],
)
def test_errors_are_plain_text(
    market: Path, headers: dict[str, str], params: dict[str, str], metric: str, status: int, says: str
) -> None:
    asked = ProviderRequest(Market(market), AT_0040, params, {"category": "indicators", "metric": metric}, headers)
    for refused in (glassnode.daily(asked), *([] if status == 404 else [glassnode.urpd(asked)])):
        assert refused.status_code == status
        assert refused.media_type == "text/plain"
        assert says in bytes(refused.body).decode()


def test_both_ends_of_a_range_are_included(market: Path) -> None:
    stamps = [int((datetime(2026, 2, day) - datetime(1970, 1, 1)).total_seconds()) for day in (3, 4)]
    params = {"a": "BTC", "i": "24h", "s": str(stamps[0]), "u": str(stamps[1])}
    path = {"category": "indicators", "metric": "realized_loss"}
    asked = ProviderRequest(Market(market), AT_0040, params, path, {"x-api-key": "any"})
    body = json.loads(bytes(glassnode.daily(asked).body))
    assert body == [{"t": stamps[0], "v": None}, {"t": stamps[1], "v": 1e9 + 4}]


@pytest.mark.parametrize(
    ("category", "metric", "value"),
    [
        ("indicators", "net_realized_profit_loss", 1.5e9),
        ("indicators", "sopr", 0.97),
        ("market", "mvrv", 1.6),
        ("mining", "hash_rate_mean", 1.003e21),
        ("derivatives", "futures_open_interest_sum", 49e9),
    ],
)
def test_each_metric_is_in_the_vendors_unit(tmp_path: Path, category: str, metric: str, value: float) -> None:
    day = {"date": D, "realized_loss_usd": 1e9, "realized_profit_usd": 2.5e9, "sopr": 0.97, "mvrv": 1.6}
    write_table(tmp_path, "onchain_1d", [day | {"hashrate_ehs": 1003.0}])
    noon, night = (datetime(2026, 2, 5, hour) for hour in (12, 20))
    interest = [
        ("aggregate", noon, None, 50e9), ("aggregate", night, None, 49e9), ("binance", night, None, 6e9),
        ("aggregate", datetime(2026, 2, 6), None, 48e9),  # of a day that is not out yet
    ]  # fmt: skip
    folder(tmp_path, {"open_interest": interest})
    path = {"category": category, "metric": metric}
    asked = ProviderRequest(Market(tmp_path), AT_0040, {"a": "BTC", "i": "24h"}, path, {"x-api-key": "any"})
    assert json.loads(bytes(glassnode.daily(asked).body)) == [{"t": 1770249600, "v": pytest.approx(value)}]
