"""The stand-in's Binance against recordings: read and encoded again, they keep keys, types and formats."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox.binance import ROUTES
from sandbox.provider_request import RouteHandler
from sources.binance import DATASETS
from tests.unit.venue_market import DAY, HOUR, bars, folder, payload, question, table

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)
SPOT, PERP, FUNDING, INTEREST = (
    ROUTES[f"GET {address}"]
    for address in (
        "api.binance.com/api/v3/klines",
        "fapi.binance.com/fapi/v1/klines",
        "fapi.binance.com/fapi/v1/fundingRate",
        "fapi.binance.com/futures/data/openInterestHist",
    )
)


def form(value: object) -> object:
    """What stays when the value is taken away: keys, types, and how many decimals a text has."""
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [form(item) for item in value]
    return re.sub(r"\d", "d", re.sub(r"^-?\d+", "n", value)) if isinstance(value, str) else type(value).__name__


def recorded(real: Path, name: str, dataset: str) -> tuple[list[Any], pl.DataFrame]:
    body = (real / "fixtures" / "binance" / f"{name}.json").read_bytes()
    return json.loads(body), BY_NAME[dataset].read(payload(body)).rows


def as_bars(market: str, rows: pl.DataFrame) -> pl.DataFrame:
    return table("price_1d", [("binance", market, *row[1:]) for row in rows.iter_rows()])


@pytest.mark.parametrize(
    ("name", "market", "handler", "odd"),
    [
        ("api_v3_klines_BTCUSDT_1d_2019", "spot", SPOT, []),
        # One of the 116 recorded quote volumes has eight decimals instead of five.
        ("fapi_v1_klines_BTCUSDT_1d_2019", "perp", PERP, [16]),
    ],
)
def test_bars_are_encoded_as_recorded(
    real: Path, tmp_path: Path, name: str, market: str, handler: RouteHandler, odd: list[int]
) -> None:
    wire, rows = recorded(real, name, f"{market}_candle_1d")
    path = folder(tmp_path / "market", {"price_1d": as_bars(market, rows)})
    asked = question(path, datetime(2020, 1, 5), symbol="BTCUSDT", interval="1d", limit="1000")
    encoded = json.loads(handler(asked).body)
    assert len(encoded) == len(wire)
    assert [i for i in range(len(wire)) if form(encoded[i]) != form(wire[i])] == odd
    # Trades, quote volumes and the last column are not in the market tables.
    known = [0, 1, 2, 3, 4, 5, 6, 9]
    assert [[bar[i] for i in known] for bar in encoded] == [[bar[i] for i in known] for bar in wire]


def test_settlements_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire, rows = recorded(real, "fapi_v1_fundingRate_BTCUSDT", "funding_rate")
    rates = [("binance", time, rate, 8) for _, time, rate, _ in rows.iter_rows()]
    path = folder(tmp_path / "market", {"funding": rates})
    encoded = json.loads(FUNDING(question(path, datetime(2026, 9, 10), symbol="BTCUSDT")).body)
    for entry in wire:
        entry["fundingTime"] -= entry["fundingTime"] % 60_000  # the lateness is not in the market tables
        entry["markPrice"] = ""  # as in Binance's own old rows
    assert encoded == wire


def test_open_interest_is_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire, rows = recorded(real, "fapi_futures_data_openInterestHist_BTCUSDT_1h", "open_interest")
    readings = [("binance", *row[1:]) for row in rows.iter_rows()]
    path = folder(tmp_path / "market", {"open_interest": readings})
    encoded = json.loads(INTEREST(question(path, datetime(2026, 9, 10), symbol="BTCUSDT", period="1h")).body)
    assert form(encoded) == form(wire)
    known = ("symbol", "sumOpenInterest", "timestamp")
    assert [[entry[key] for key in known] for entry in encoded] == [[entry[key] for key in known] for entry in wire]


def test_an_unknown_symbol_is_refused_as_recorded(real: Path, tmp_path: Path) -> None:
    wire = json.loads((real / "fixtures" / "binance" / "error_invalid_symbol.json").read_bytes())
    path = folder(tmp_path / "market", {"funding": []})
    for handler in (SPOT, PERP, FUNDING, INTEREST):
        answer = handler(question(path, T0, symbol="BTCUSD_PERP", interval="1d"))
        assert (answer.status_code, json.loads(answer.body)) == (400, wire)
        assert json.loads(handler(question(path, T0, interval="1d")).body)["code"] == -1102


def test_an_unknown_interval_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"funding": []})
    answer = SPOT(question(path, T0, symbol="BTCUSDT", interval="7d"))
    assert (answer.status_code, json.loads(answer.body)["code"]) == (400, -1120)


def test_open_interest_older_than_thirty_days_is_an_invalid_start(tmp_path: Path) -> None:
    readings = [("binance", T0 + i * DAY, 1000.0, 7e7) for i in range(40)]
    path = folder(tmp_path / "market", {"open_interest": readings})
    clock = T0 + 39 * DAY
    oldest = {"symbol": "BTCUSDT", "period": "1h", "limit": "500"}
    too_old = str(1767225600000 + 8 * 86_400_000)
    refused = INTEREST(question(path, clock, **oldest, startTime=too_old))
    assert (refused.status_code, json.loads(refused.body)["code"]) == (400, -1130)
    assert len(json.loads(INTEREST(question(path, clock, **oldest)).body)) == 31


def test_without_a_start_the_newest_bars_are_sent(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1d": bars("binance", "spot", T0, DAY, 20)})
    clock = T0 + 10 * DAY
    newest = json.loads(SPOT(question(path, clock, symbol="BTCUSDT", interval="1d", limit="3")).body)
    assert [bar[1] for bar in newest] == ["70007.00000000", "70008.00000000", "70009.00000000"]


def test_the_running_day_is_the_sum_of_its_hours(tmp_path: Path) -> None:
    tables = {
        "price_1d": bars("binance", "spot", T0, DAY, 3),
        "price_1h": bars("binance", "spot", T0, HOUR, 72),
    }
    clock = T0 + DAY + timedelta(hours=3, minutes=30)
    path = folder(tmp_path / "market", tables)
    running = json.loads(SPOT(question(path, clock, symbol="BTCUSDT", interval="1d")).body)[-1]
    assert running[0] == 1767312000000
    assert running[1:6] == ["70024.00000000", "70028.50000000", "70023.25000000", "70027.00000000", "106.50000000"]
    assert running[6] == 1767398399999


def test_an_unknown_taker_volume_is_a_zero_that_is_read_as_unknown(tmp_path: Path) -> None:
    unknown = [(*bars("binance", "spot", T0, DAY, 1)[0][:-1], None)]
    path = folder(tmp_path / "market", {"price_1d": unknown})
    answer = SPOT(question(path, T0 + DAY, symbol="BTCUSDT", interval="1d"))
    assert json.loads(answer.body)[0][9] == "0.00000000"
    assert BY_NAME["spot_candle_1d"].read(payload(bytes(answer.body))).rows["taker_buy_btc"].to_list() == [None]
