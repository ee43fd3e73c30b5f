"""The stand-in's Bitstamp against a recording: keys, types and formats, the limit that wins over the start."""

import json
from datetime import datetime
from pathlib import Path

from sandbox.bitstamp import ROUTES
from sources.bitstamp import DATASETS
from tests.unit.venue_market import folder, payload, question

CANDLES, HISTORY = DATASETS
OHLC = ROUTES["GET www.bitstamp.net/api/v2/ohlc/btcusd/"]


def test_bars_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    wire = (real / "fixtures" / "bitstamp" / "ohlc_btcusd_86400.json").read_bytes()
    rows = CANDLES.read(payload(wire)).rows
    path = folder(tmp_path / "market", {"price_1d": [("bitstamp", "spot", *row[1:], None) for row in rows.iter_rows()]})
    asked = {"step": "86400", "limit": "1000", "start": "1546300800", "end": "1577836799"}
    answer = OHLC(question(path, datetime(2026, 2, 1), **asked))
    assert json.loads(answer.body) == json.loads(wire)


def test_more_than_a_thousand_bars_are_an_error(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1d": []})
    answer = OHLC(question(path, datetime(2026, 2, 1), step="86400", limit="1001"))
    assert answer.status_code == 400
    assert json.loads(answer.body)["status"] == "error"


def test_bars_of_years_before_are_served_and_recent_ones_count(tmp_path: Path) -> None:
    past = [("bitstamp", "spot", datetime(2014, 4, day), 1.0, 2.0, 1.0, 1.5, 3.0, None) for day in (1, 2, 3)]
    recent = [("bitstamp", "spot", datetime(2014, 4, 3), 7.0, 8.0, 6.0, 7.5, 3.0, None)]
    path = folder(tmp_path / "market", {"price_1d": recent, "price_history_1d": past})
    asked = {"step": "86400", "limit": "10", "start": "0", "end": "1577836799"}
    rows = HISTORY.read(payload(OHLC(question(path, datetime(2014, 4, 5), **asked)).body)).rows
    assert rows["close_usd"].to_list() == [1.5, 1.5, 7.5]
