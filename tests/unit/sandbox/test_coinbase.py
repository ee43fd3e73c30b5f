"""The stand-in's Coinbase against the recording: order of columns, kinds of numbers, limits."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.coinbase import ROUTES
from sources.coinbase import DATASETS
from tests.unit.venue_market import DAY, HOUR, bars, folder, payload, question

CANDLES = ROUTES["GET api.exchange.coinbase.com/products/{product}/candles"]
PRODUCT = {"product": "BTC-USD"}
T0 = datetime(2026, 1, 1)


def test_bars_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    body = (real / "fixtures" / "coinbase" / "products_BTC-USD_candles_60.json").read_bytes()
    read = DATASETS[0].read.func  # type: ignore[attr-defined]  # it is a partial
    rows = read(payload(body), period=timedelta(minutes=1)).rows
    # Minutes are not served; the recorded ones stand at whole hours instead.
    hours = [("coinbase", "spot", T0 - i * HOUR, *row[2:], None) for i, row in enumerate(rows.iter_rows())]
    path = folder(tmp_path / "market", {"price_1h": hours})
    encoded = json.loads(CANDLES(question(path, T0 + HOUR, PRODUCT, granularity="3600")).body)
    # Compared as text: 10106 stays without a point, 10106.01 keeps it.
    assert [json.dumps(bar[1:]) for bar in encoded] == [json.dumps(bar[1:]) for bar in json.loads(body)]


def test_both_ends_of_a_range_are_included(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1d": bars("coinbase", "spot", T0, DAY, 10)})
    asked = {"granularity": "86400", "start": "2026-01-03T00:00:00Z", "end": "2026-01-05T00:00:00Z"}
    answer = json.loads(CANDLES(question(path, T0 + 10 * DAY, PRODUCT, **asked)).body)
    assert [bar[0] for bar in answer] == [1767571200, 1767484800, 1767398400]


def test_more_than_300_buckets_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1h": bars("coinbase", "spot", T0, HOUR, 400)})
    asked = {"granularity": "3600", "start": "2026-01-01T00:00:00Z", "end": "2026-01-14T00:00:00Z"}
    answer = CANDLES(question(path, T0 + 400 * HOUR, PRODUCT, **asked))
    assert answer.status_code == 400
    assert "exceeds 300" in json.loads(answer.body)["message"]


def test_another_granularity_or_product_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1h": bars("coinbase", "spot", T0, HOUR, 1)})
    assert CANDLES(question(path, T0, PRODUCT, granularity="7")).status_code == 400
    answer = CANDLES(question(path, T0, {"product": "BTC-NOSUCH"}, granularity="3600"))
    assert (answer.status_code, json.loads(answer.body)) == (404, {"message": "NotFound"})
