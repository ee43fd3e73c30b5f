"""The stand-in's Kraken against a recording: keys, types and formats, the running bar last."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.kraken import ROUTES
from sources.kraken import DATASETS
from tests.unit.venue_market import DAY, HOUR, bars, folder, payload, question

[CANDLES] = DATASETS
OHLC = ROUTES["GET api.kraken.com/0/public/OHLC"]
ASKED = {"pair": "XBTUSD", "interval": "1440"}
T0 = datetime(2026, 1, 1)


def test_bars_are_encoded_in_the_form_of_the_recording(real: Path, samples: Path, tmp_path: Path) -> None:
    wire = json.loads((real / "fixtures" / "kraken" / "public_OHLC_XBTUSDT_1m.json").read_bytes())
    rows = CANDLES.read(payload((samples / "kraken" / "spot_candle_1d.json").read_bytes())).rows
    told = [("kraken", "spot", *row[1:], None) for row in rows.iter_rows()]
    path = folder(tmp_path / "market", {"price_1d": told})
    answer = json.loads(OHLC(question(path, datetime(2026, 2, 1), **ASKED)).body)
    assert answer.keys() == wire.keys()
    ours, theirs = answer["result"]["XXBTZUSD"], wire["result"]["XBTUSDT"]
    assert [type(cell) for cell in ours[0]] == [type(cell) for cell in theirs[0]]
    assert [str(cell)[::-1].find(".") for cell in ours[0]] == [str(cell)[::-1].find(".") for cell in theirs[0]]
    assert CANDLES.read(payload(answer)).rows.equals(rows)


def test_last_points_to_the_newest_finished_bar(tmp_path: Path) -> None:
    told = {"price_1d": bars("kraken", "spot", T0, DAY, 3), "price_1h": bars("kraken", "spot", T0, HOUR, 80)}
    path = folder(tmp_path / "market", told)
    result = json.loads(OHLC(question(path, T0 + timedelta(days=2, hours=5), **ASKED)).body)["result"]
    assert len(result["XXBTZUSD"]) == 3
    assert result["last"] == result["XXBTZUSD"][1][0]


def test_a_bad_request_is_an_error_with_status_200(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"price_1d": []})
    for params in ({"pair": "NOSUCH"}, {"pair": "XBTUSD", "interval": "7"}):
        answer = OHLC(question(path, T0, **params))
        assert (answer.status_code, list(json.loads(answer.body))) == (200, ["error"])
