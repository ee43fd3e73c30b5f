"""What is named as evidence is there, and the reader takes every recording that it names: it needs no other field."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sources.core.dataset import Dataset
from sources.core.errors import SourceError
from sources.core.evidence import EvidenceKind
from sources.core.payload import Payload
from sources.registry import DATASETS, MODULES

AFTER = datetime(2026, 11, 28, tzinfo=UTC)
RECORDED = [dataset for dataset in DATASETS if dataset.evidence.is_shape_verified]


def enveloped(body: bytes) -> bytes:
    """Deribit's recordings of lists were kept without the envelope that every answer has."""
    return json.dumps({"jsonrpc": "2.0", "result": json.loads(body), "testnet": False, "usOut": 1}).encode()


def zipped(body: bytes, interval: str) -> bytes:
    """The recorded head of an archive's member, packed as the archive packs it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"BTCUSDT-{interval}-2023-10-27.csv", body)
    return packed.getvalue()


# Recordings that were kept in another wrapping than the answer's.
UNWRAPPED: Mapping[str, Callable[[bytes], bytes]] = {
    "deribit.funding_rate": enveloped,
    "deribit.dvol": enveloped,
    "deribit.future_summary": enveloped,
    "deribit.option_trade": enveloped,
    "braiins.hashrate_stat": lambda body: json.dumps(json.loads(body)["response"]["body"]).encode(),
    "binance_vision.spot_candle_1h": lambda body: zipped(body, "1h"),
    "binance_vision.spot_candle_1d": lambda body: zipped(body, "1d"),
    "bitmex.open_interest": lambda body: b"[" + body + b"]",
    "kraken.spot_candle_1d": lambda body: body.replace(b"XBTUSDT", b"XXBTZUSD"),
}
# Recorded with bars of another length, which the reader refuses by their stamps: no field may be what it misses.
OTHER_BARS = {
    "binance.spot_candle_1h",
    "binance_vision.spot_candle_1d",
    "coinbase.spot_candle_1d",
    "coinbase.spot_candle_1h",
    "kraken.spot_candle_1d",
    "okx.spot_candle_1d",
    "okx.perp_candle_1d",
    "deribit.dvol",
}


def recorded(real: Path, name: str) -> bytes:
    for folder in ("fixtures", "cases/recordings"):
        if (file := real / folder / name).is_file():
            return file.read_bytes()
    raise AssertionError(f"the recording {name} is nowhere")


def payload(dataset: Dataset, body: bytes) -> Payload:
    name = dataset.evidence.shape.source.rpartition("/")[2]
    series = {"series_id": "DFII10"} if dataset.id == "fred_api.observation" else {}
    return Payload(f"{dataset.provider.home}#saved-by-hand/{name}", series, 200, {}, body, AFTER)


def refusal(dataset: Dataset, body: bytes) -> str:
    """Why bars of another length are not read, or that their rows are not of this length; never nothing."""
    try:
        parsed = dataset.read(payload(dataset, body))
    except SourceError as error:
        return error.what
    reasons = [reject.reason for reject in parsed.rejects]
    said = "; ".join([*reasons, *parsed.left_out, *(["read"] if parsed.rows.height else [])])
    assert said, "nothing was read and nothing was said"
    return said


@pytest.mark.parametrize("dataset", RECORDED, ids=lambda dataset: dataset.id)
def test_no_field_is_required_that_its_recording_lacks(dataset: Dataset, real: Path) -> None:
    body = UNWRAPPED.get(dataset.id, bytes)(recorded(real, dataset.evidence.shape.source))
    if dataset.id in OTHER_BARS:
        assert "missing" not in refusal(dataset, body)
        return
    assert dataset.read(payload(dataset, body)).rows.height > 0


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_evidence_is_named_for_datasets_that_exist(module) -> None:
    names = {dataset.name for dataset in module.DATASETS}
    assert set(module.PROVIDER.recorded) | set(module.PROVIDER.unproven) <= names


def test_what_no_recording_shows_is_unverified() -> None:
    unverified = {dataset.provider.name for dataset in DATASETS if not dataset.evidence.is_shape_verified}
    assert {"bgeometrics", "luxor", "blockchain", "bitview", "twelvedata"} <= unverified
    assert all(
        dataset.evidence.unproven == "the XML feed" for dataset in DATASETS if dataset.provider.name == "treasury"
    )
    described = [dataset.evidence.question for dataset in DATASETS if dataset.provider.name == "bitview"]
    assert all(proof.kind is EvidenceKind.CLIENT and "0.12.2" in proof.source for proof in described)
