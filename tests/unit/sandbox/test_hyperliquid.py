"""The stand-in's Hyperliquid against a recording: keys, types and formats; one address, told apart by the body."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sandbox.hyperliquid import info
from sources.hyperliquid import DATASETS
from tests.unit.venue_market import folder, payload, question

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
CLOCK = datetime(2026, 9, 10)


def asked(path: Path, **body: object) -> object:
    answer = info(replace(question(path, CLOCK), body=json.dumps(body).encode()))
    return json.loads(answer.body) if answer.status_code == 200 else answer.status_code


def test_contexts_are_encoded_as_recorded(real: Path, tmp_path: Path) -> None:
    body = (real / "fixtures" / "hyperliquid" / "metaAndAssetCtxs_BTC.json").read_bytes()
    rows = BY_NAME["open_interest"].read(payload(body)).rows
    told = [("hyperliquid", datetime(2026, 9, 9), btc, usd) for _, _, btc, usd in rows.iter_rows()]
    path = folder(tmp_path / "market", {"open_interest": told})
    names, contexts = asked(path, type="metaAndAssetCtxs")
    wire_names, wire_contexts = json.loads(body)
    assert names == wire_names
    [ours], [theirs] = contexts, wire_contexts
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in theirs.items()}
    assert (ours["openInterest"], ours["markPx"]) == (theirs["openInterest"], theirs["markPx"])
    again = BY_NAME["open_interest"].read(payload(json.dumps([names, contexts]).encode())).rows
    assert again.equals(rows)


def test_rates_come_back_as_they_were_read(samples: Path, tmp_path: Path) -> None:
    rows = BY_NAME["funding_rate"].read(payload((samples / "hyperliquid" / "funding_rate.json").read_bytes())).rows
    told = [("hyperliquid", time, rate, 1) for _, time, rate, _ in rows.iter_rows()]
    path = folder(tmp_path / "market", {"funding": told})
    answer = asked(path, type="fundingHistory", coin="BTC", startTime=1767571200000)
    assert BY_NAME["funding_rate"].read(payload(answer)).rows.equals(rows)


def test_another_question_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "market", {"funding": []})
    assert asked(path, type="nothing known") == 422
    assert asked(path, type="fundingHistory", coin="ETH") == 422
