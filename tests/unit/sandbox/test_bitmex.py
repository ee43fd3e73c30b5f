"""The stand-in's BitMEX against recordings: keys, types and formats."""

import json
from datetime import datetime
from pathlib import Path

from sandbox.bitmex import ROUTES
from sources.bitmex import DATASETS, INSTRUMENT_FIELDS, MORE_FIELDS
from tests.unit.venue_market import folder, payload, question

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
FUNDING = ROUTES["GET www.bitmex.com/api/v1/funding"]
INSTRUMENT = ROUTES["GET www.bitmex.com/api/v1/instrument"]
CLOCK = datetime(2026, 9, 10)


def test_settlements_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire = (real / "fixtures" / "bitmex" / "funding_XBTUSDT.json").read_bytes()
    rows = BY_NAME["funding_rate"].read(payload(wire)).rows
    path = folder(
        tmp_path / "market", {"funding": [("bitmex", time, rate, 8) for _, time, rate, _ in rows.iter_rows()]}
    )
    ours = json.loads(FUNDING(question(path, CLOCK, symbol="XBTUSD")).body)
    # Of a contract without rows in the tables; newest first; its numbers were turned into text by who recorded it.
    theirs = [
        {**row, "symbol": "XBTUSD", **{key: float(row[key]) for key in ("fundingRate", "fundingRateDaily")}}
        for row in reversed(json.loads(wire))
    ]
    assert ours == theirs
    assert json.loads(FUNDING(question(path, CLOCK, symbol="XBTUSDT")).body) == []


def test_an_instrument_is_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire = json.loads((real / "fixtures" / "bitmex" / "instrument_XBTUSD.json").read_bytes())
    rows = BY_NAME["open_interest"].read(payload([wire])).rows
    told = [("bitmex", datetime(2024, 11, 24, 23, 33, 19, 34_000), btc, usd) for _, _, btc, usd in rows.iter_rows()]
    path = folder(tmp_path / "market", {"open_interest": told})
    [ours] = json.loads(INSTRUMENT(question(path, CLOCK, columns=",".join((*INSTRUMENT_FIELDS, *MORE_FIELDS)))).body)
    assert ours == {"underlyingToPositionMultiplier": None} | {name: wire[name] for name in ours if name in wire}
    assert BY_NAME["open_interest"].read(payload([ours])).rows.equals(rows)
