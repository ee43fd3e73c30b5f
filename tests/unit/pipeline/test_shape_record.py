"""One kept answer of a provider: small, without keys, compared. A live one settles a shape, a stand-in's does not."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from pipeline.probe import ANSWERED, ProbeResult
from pipeline.settings import Settings
from pipeline.shape_record import MOST_BODY_BYTES, cut, record_shape, settled, without_keys
from sources.core.payload import Payload
from sources.registry import dataset
from warehouse.home import Home

AT = datetime(2026, 2, 7, 0, 20, tzinfo=UTC)
KEY = "canary+of/glassnode 6f1d=="
HASHRATE = dataset("mempool.hashrate")


def result(body: bytes, words: str = ANSWERED, of: str = HASHRATE.id, status: int = 200) -> ProbeResult:
    declared = dataset(of)
    payload = Payload(f"{declared.provider.home}/asked", {"a": "BTC"}, status, {"server": "nginx"}, body, AT)
    parsed = declared.read(payload) if words == ANSWERED else None
    return ProbeResult(declared, words, 12.0, "said", payload, parsed)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def live(home: Home) -> Settings:
    return Settings(home=home.path, keys={"glassnode": SecretStr(KEY)})


@pytest.fixture
def body(samples: Path) -> bytes:
    return (samples / "mempool" / "hashrate.json").read_bytes()


def test_the_first_live_answer_settles_the_shape_and_a_changed_one_does_not_unsettle_it(
    home: Home, live: Settings, body: bytes
) -> None:
    assert settled(home) == {}
    assert not record_shape(home, result(body), live).differs
    assert settled(home) == {HASHRATE.id: AT.isoformat()}
    renamed = record_shape(home, result(body.replace(b"avgHashrate", b"mean"), "changed layout"), live)
    assert renamed.differs
    assert "missing: hashrates[].avgHashrate" in str(renamed)
    assert settled(home) == {HASHRATE.id: AT.isoformat()}
    kept = json.loads(renamed.file.read_text())
    assert any("hashrates[].avgHashrate" in said for said in kept["differences"])
    assert "mean" in kept["body"]


def test_a_stand_in_settles_nothing_and_leaves_live_answers_alone(home: Home, live: Settings, body: bytes) -> None:
    record_shape(home, result(body), live)
    before = (home.probes / f"{HASHRATE.id}.json").read_bytes()
    stand_in = live.model_copy(update={"upstream": "http://127.0.0.1:1"})
    report = record_shape(home, result(body), stand_in)
    assert report.file == home.probes / "stand-in" / f"{HASHRATE.id}.json"
    assert (home.probes / f"{HASHRATE.id}.json").read_bytes() == before


def test_a_unit_is_measured_with_the_last_answer_that_was_as_expected(home: Home, live: Settings, body: bytes) -> None:
    record_shape(home, result(body), live)
    answer = json.loads(body)
    for row in answer["hashrates"]:
        row["avgHashrate"] *= 30  # within a hundred times the sample, beyond ten times the former answer
    report = record_shape(home, result(json.dumps(answer).encode()), live)
    assert {change.path for change in report.changes if change.what == "unit"} >= {"hashrates[].avgHashrate"}


def test_errors_are_not_kept(home: Home, live: Settings) -> None:
    report = record_shape(home, result(b"<html>Just a moment</html>", "blocked: bot wall", status=403), live)
    assert "blocked: bot wall" in report.why_not
    assert not home.probes.exists()


def test_a_key_is_in_no_part_of_what_is_kept(home: Home, live: Settings) -> None:
    spelled = [KEY, quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode()]
    echoed = json.dumps([{"t": 1_769_990_400, "v": 5.0, "for": spelled}]).encode()
    declared = dataset("glassnode.net_realized_pnl")
    payload = Payload("https://api.glassnode.com/x", {"said": KEY}, 200, {"etag": KEY}, echoed, AT)
    report = record_shape(home, ProbeResult(declared, ANSWERED, 1.0, KEY, payload, declared.read(payload)), live)
    text = report.file.read_text()
    assert "***" in text
    assert not any(spelling in text for spelling in spelled)
    assert all("canary" not in path.name for path in home.path.rglob("*"))
    assert json.loads(text)["body"].count("***") == len(spelled)


def test_keys_that_hold_each_other_are_all_removed() -> None:
    assert without_keys("abcdef abcd", ["abcd", "abcdef"]) == "*** ***"


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"rows": [{"n": n, "text": "é" * 50} for n in range(20_000)]}).encode(),
        json.dumps([[n] * 30 for n in range(20_000)]).encode(),
        b"DATE,CLOSE\n" + b"2026-02-06,1.5\n" * 20_000,
        ("<p>" + "漢" * 100_000).encode(),
        json.dumps({"one": "x" * 200_000}).encode(),
    ],
)
def test_what_is_kept_is_small_and_keeps_both_ends(body: bytes) -> None:
    kept = cut(body)
    assert len(kept.encode()) <= MOST_BODY_BYTES + 100
    assert kept[:3] == body.decode()[:3]


def test_a_short_answer_is_kept_whole(body: bytes) -> None:
    assert cut(body) == body.decode()
