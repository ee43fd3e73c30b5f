"""The stand-in's Bybit against recordings: keys, types and formats, one page and the next."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.bybit import ROUTES
from sources.bybit import DATASETS
from tests.unit.venue_market import HOUR, folder, payload, question

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
FUNDING = ROUTES["GET api.bybit.com/v5/market/funding/history"]
INTEREST = ROUTES["GET api.bybit.com/v5/market/open-interest"]
ASKED = {"category": "linear", "symbol": "BTCUSDT"}
T0 = datetime(2026, 1, 1)


def recorded(real: Path, name: str) -> tuple[Any, bytes]:
    body = (real / "fixtures" / "bybit" / f"{name}.json").read_bytes()
    return json.loads(body), body


def test_settlements_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire, body = recorded(real, "market_funding_history_BTCUSDT")
    rows = BY_NAME["funding_rate"].read(payload(body)).rows
    path = folder(tmp_path / "market", {"funding": [("bybit", time, rate, 8) for _, time, rate, _ in rows.iter_rows()]})
    encoded = json.loads(FUNDING(question(path, datetime(2026, 9, 10), **ASKED)).body)
    assert encoded | {"time": 0} == wire | {"time": 0}


def test_open_interest_is_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire, body = recorded(real, "market_open_interest_BTCUSDT_1h")
    rows = BY_NAME["open_interest"].read(payload(body)).rows
    path = folder(tmp_path / "market", {"open_interest": [("bybit", *row[1:]) for row in rows.iter_rows()]})
    encoded = json.loads(INTEREST(question(path, datetime(2026, 9, 10), **ASKED, intervalTime="1h")).body)
    assert encoded.keys() == wire.keys()
    assert encoded["result"].keys() == wire["result"].keys()
    listing, sent = encoded["result"]["list"], wire["result"]["list"]
    kept = ("singleOpenInterest", "timestamp")
    assert [[entry[key] for key in kept] for entry in listing] == [[entry[key] for key in kept] for entry in sent]
    # Doubling the single figure loses the last digit of an odd sum; the number of decimals stays.
    for ours, theirs in zip(listing, sent, strict=True):
        assert float(ours["openInterest"]) == pytest.approx(float(theirs["openInterest"]), abs=0.0011)
        assert len(ours["openInterest"]) == len(theirs["openInterest"])


def test_the_single_figure_is_absent_before_it_was_introduced(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"open_interest": [("bybit", T0, 100.5, None)]})
    for clock, keys in ((datetime(2026, 2, 1), 2), (datetime(2026, 7, 1), 3)):
        listing = json.loads(INTEREST(question(path, clock, **ASKED)).body)["result"]["list"]
        assert listing[0]["openInterest"] == "201.00000000"
        assert len(listing[0]) == keys


def test_the_cursor_leads_to_the_older_rows_and_then_to_nothing(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"open_interest": [("bybit", T0 + i * HOUR, 1.0 + i, None) for i in range(5)]})
    clock = T0 + timedelta(days=1)
    first = json.loads(INTEREST(question(path, clock, **ASKED, limit="3")).body)["result"]
    assert first["nextPageCursor"] == "lastid%3D5%26lasttime%3D1767232800"
    second = json.loads(INTEREST(question(path, clock, **ASKED, limit="3", cursor="lastid=5&lasttime=1767232800")).body)
    assert [entry["openInterest"] for entry in second["result"]["list"]] == ["4.00000000", "2.00000000"]
    assert second["result"]["nextPageCursor"] == ""


@pytest.mark.parametrize(
    "params",
    [
        {"category": "linear", "symbol": "NOSUCH"},
        {"category": "option", "symbol": "BTCUSDT"},
        {**ASKED, "startTime": "1767225600000"},
    ],
)
def test_a_bad_request_is_an_error_with_status_200(tmp_path: Path, params: dict[str, str]) -> None:
    path = folder(tmp_path / "market", {"funding": []})
    answer = FUNDING(question(path, T0, **params))
    assert answer.status_code == 200
    assert json.loads(answer.body)["retCode"] == 10001
