"""The stand-in's Kraken Futures against a recording: keys, types and formats."""

import json
from datetime import datetime
from pathlib import Path

from sandbox.kraken_futures import ROUTES
from sources.core.payload import Payload
from sources.kraken_futures import DATASETS
from tests.unit.venue_market import folder, payload, question

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
API = "GET futures.kraken.com/derivatives/api/v3"
CLOCK = datetime(2026, 9, 20)


def test_tickers_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire = (real / "fixtures" / "kraken_futures" / "tickers_XBT.json").read_bytes()
    rows = BY_NAME["open_interest"].read(payload(wire)).rows.filter(symbol="PF_XBTUSD")
    told = [("kraken", datetime(2026, 9, 9), btc, usd) for _, _, btc, usd in rows.iter_rows()]
    path = folder(tmp_path / "market", {"open_interest": told})
    answer = json.loads(ROUTES[f"{API}/tickers"](question(path, CLOCK)).body)
    recorded = json.loads(wire)
    assert answer.keys() == recorded.keys() | {"serverTime"}  # which was dropped by who recorded it
    [ours] = answer["tickers"]
    theirs = recorded["tickers"][1]
    assert ours.keys() <= theirs.keys()
    assert {key: type(ours[key]) for key in ours} == {key: type(theirs[key]) for key in ours}
    assert ours["openInterest"] == theirs["openInterest"]
    assert BY_NAME["open_interest"].read(payload(answer)).rows.equals(rows)


def test_rates_come_back_as_they_were_read(samples: Path, tmp_path: Path) -> None:
    def read(body: bytes) -> list[tuple[object, ...]]:
        sent = payload(body)
        named = Payload(sent.url, {"symbol": "PF_XBTUSD"}, 200, {}, body, sent.fetched_at)
        return BY_NAME["funding_rate"].read(named).rows.rows()

    rows = read((samples / "kraken_futures" / "funding_rate.json").read_bytes())
    path = folder(tmp_path / "market", {"funding": [("kraken", time, rate, 1) for _, time, rate, _ in rows]})
    answer = ROUTES[f"{API}/historical-funding-rates"](question(path, CLOCK, symbol="PF_XBTUSD"))
    assert read(bytes(answer.body)) == rows
