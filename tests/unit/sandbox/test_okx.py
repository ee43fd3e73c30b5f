"""The stand-in's OKX against recordings: keys, types and formats, confirmation marks and limits."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox.okx import ROUTES
from sources.okx import DATASETS
from tests.unit.venue_market import DAY, HOUR, bars, folder, payload, question

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
RECENT, OLD, FUNDING, INTEREST = (
    ROUTES[f"GET www.okx.com/api/v5/{path}"]
    for path in (
        "market/candles",
        "market/history-candles",
        "public/funding-rate-history",
        "public/open-interest",
    )
)
T0 = datetime(2026, 1, 1)
SWAP = "BTC-USDT-SWAP"


def test_bars_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    body = (real / "fixtures" / "okx" / "market_candles_BTC-USDT_1H.json").read_bytes()
    wire = json.loads(body)
    read = BY_NAME["spot_candle_1d"].read.func  # type: ignore[attr-defined]  # it is a partial
    rows = read(payload(body), instrument="BTC-USDT", period=HOUR).rows
    hours = [("okx", "spot", *row[1:], None) for row in rows.iter_rows()]
    path = folder(tmp_path / "market", {"price_1h": hours})
    encoded = json.loads(RECENT(question(path, datetime(2024, 1, 31), instId="BTC-USDT", bar="1H")).body)
    assert encoded.keys() == wire.keys()
    for ours, theirs in zip(encoded["data"], wire["data"], strict=True):
        assert ours[:6] == theirs[:6]
        assert ours[8] == theirs[8]
        # The quote volume is volume at the bar's mean price: the market tables have none.
        assert ours[6] == ours[7]
        assert float(ours[7]) == pytest.approx(float(theirs[7]), rel=0.01)


def test_open_interest_is_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire = json.loads((real / "fixtures" / "okx" / "public_open_interest_BTC-USDT-SWAP.json").read_bytes())
    row = wire["data"][0]
    seen = datetime(2024, 10, 12, 10, 18, 34, 766000)
    reading = ("okx", seen, float(row["oiCcy"]), float(row["oiUsd"]))
    path = folder(tmp_path / "market", {"open_interest": [reading]})
    answer = json.loads(INTEREST(question(path, seen, instType="SWAP", instId=SWAP)).body)
    encoded = answer["data"][0]
    assert answer.keys() == wire.keys()
    assert encoded.keys() == row.keys()
    for key in ("instId", "instType", "ts"):
        assert encoded[key] == row[key]
    for key in ("oi", "oiCcy", "oiUsd"):
        assert float(encoded[key]) == pytest.approx(float(row[key]), rel=1e-12)


def test_a_swap_counts_contracts_and_then_bitcoin(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1d": bars("okx", "perp", T0, DAY, 1)})
    answer = json.loads(OLD(question(path, T0 + DAY, instId=SWAP, bar="1Dutc")).body)
    assert answer["data"] == [
        ["1767225600000", "70000", "70002.5", "69999.25", "70001", "1050", "10.5", "735007.21875", "1"]
    ]


def test_the_running_day_is_not_confirmed(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1h": bars("okx", "perp", T0, HOUR, 48)})
    clock = T0 + DAY + timedelta(hours=2, minutes=30)
    answer = json.loads(RECENT(question(path, clock, instId=SWAP, bar="1Dutc")).body)
    assert [(bar[0], bar[4], bar[8]) for bar in answer["data"]] == [
        ("1767312000000", "70026", "0"),
        ("1767225600000", "70024", "1"),
    ]


def test_recent_bars_end_after_1440_and_history_does_not(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1h": bars("okx", "perp", T0, HOUR, 1600)})
    asked = question(path, T0 + 1600 * HOUR, instId=SWAP, bar="1H", after="1767268800000")  # twelve hours in
    assert json.loads(RECENT(asked).body)["data"] == []
    assert len(json.loads(OLD(asked).body)["data"]) == 12


def test_settlements_carry_the_prediction_and_the_charge(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"funding": [("okx", T0, -0.000125, 8)]})
    row = json.loads(FUNDING(question(path, T0 + HOUR, instId=SWAP)).body)["data"][0]
    assert set(row) == {
        "instType",
        "instId",
        "formulaType",
        "fundingRate",
        "realizedRate",
        "fundingTime",
        "method",
    }
    assert row["realizedRate"] == "-0.0001250000000000"


@pytest.mark.parametrize("handler", [RECENT, OLD, FUNDING, INTEREST])
def test_an_unknown_instrument_is_error_51001(tmp_path: Path, handler: object) -> None:
    path = folder(tmp_path / "market", {"funding": []})
    answer = handler(question(path, T0, instId="BTC-NOSUCH", bar="1H"))  # type: ignore[operator]  # a Handler
    assert answer.status_code == 200
    assert json.loads(answer.body)["code"] == "51001"


def test_an_unknown_bar_is_error_51000(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"funding": []})
    assert json.loads(RECENT(question(path, T0, instId=SWAP, bar="7H")).body)["code"] == "51000"


def test_forced_orders_come_back_as_they_were_read(samples: Path, tmp_path: Path) -> None:
    liquidation = {dataset.name: dataset for dataset in DATASETS}["liquidation"]
    sent = json.loads((samples / "okx" / "liquidation.json").read_bytes())
    rows = liquidation.read(payload(sent)).rows.filter(position_side="long").head(1)
    [(_, time, _, amount, price)] = rows.iter_rows()
    hour = time.replace(minute=0, second=0)
    bar = ("okx", "perp", hour, price, price, price, price, 1.0, None)
    told = {"liquidations_1h": [("okx", hour, amount * price, 0.0)], "price_1h": [bar]}
    answer = ROUTES["GET www.okx.com/api/v5/public/liquidation-orders"](
        question(folder(tmp_path / "market", told), hour + timedelta(hours=2))
    )
    encoded = json.loads(answer.body)
    assert encoded.keys() == sent.keys()
    [ours], [theirs] = encoded["data"], sent["data"]
    assert ours.keys() | {"totalLoss"} == theirs.keys()
    assert ours["details"] == [{**theirs["details"][0], "ts": ours["details"][0]["ts"]}]
    again = liquidation.read(payload(encoded)).rows
    assert again["amount_btc"].to_list() == pytest.approx([amount])
