"""The stand-in's Bitfinex against recordings: places and types, newest first."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from sandbox.bitfinex import ROUTES
from sources.bitfinex import DATASETS
from tests.unit.venue_market import HOUR, bars, folder, payload, question

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
API = "GET api-pub.bitfinex.com/v2"
T0 = datetime(2024, 12, 20)


def test_a_status_is_encoded_in_the_places_of_the_recording(real: Path, tmp_path: Path) -> None:
    wire = (real / "fixtures" / "bitfinex" / "status_deriv.json").read_bytes()
    rows = BY_NAME["open_interest"].read(payload(wire)).rows
    path = folder(tmp_path / "market", {"open_interest": [("bitfinex", *row[1:4]) for row in rows.iter_rows()]})
    answer = ROUTES[f"{API}/status/deriv/{{key}}/hist"](question(path, datetime(2025, 1, 1), limit="1", sort="-1"))
    [ours], [theirs] = json.loads(answer.body), json.loads(wire)
    assert len(ours) == len(theirs) - 1
    filled = [place for place, value in enumerate(ours) if value is not None]
    assert {type(ours[place]) for place in filled} <= {int, float}
    assert all(theirs[place + 1] is not None for place in filled)
    again = BY_NAME["open_interest"].read(payload([ours])).rows
    columns = ("symbol", "observed_at", "open_interest_btc")
    assert again.select(columns).equals(rows.select(columns))
    assert again["open_interest_usd"].to_list() == pytest.approx(rows["open_interest_usd"].to_list())


def test_a_liquidation_is_encoded_in_the_places_of_the_recording(real: Path, tmp_path: Path) -> None:
    told = json.loads((real / "fixtures" / "liquidations" / "ws_messages.json").read_bytes())
    [theirs, *_] = [each["message"][1] for each in told if each["venue"] == "bitfinex"]
    tables = {"liquidations_1h": [("bitfinex", T0, 1e5, 5e4)], "price_1h": bars("okx", "perp", T0, HOUR, 2)}
    path = folder(tmp_path / "market", tables)
    answer = ROUTES[f"{API}/liquidations/hist"](question(path, datetime(2025, 1, 1)))
    page = json.loads(answer.body)
    assert [len(wrapped) for wrapped in page] == [1, 1]
    for ours in page:
        assert [value is None for value in ours[0]] == [value is None for value in theirs[0]]
        assert isinstance(ours[0][0], str)
    rows = BY_NAME["liquidation"].read(payload(page)).rows
    values = sorted((rows["amount_btc"] * rows["price_usd"]).to_list())
    assert values == pytest.approx([-5e4, 1e5])
