"""What differs between an answer and the shape that its reader expects, found for every dataset by its own sample."""

import json
from pathlib import Path

import pytest

from sources.core.dataset import Dataset
from sources.core.shape import shape_of, unpacked
from sources.core.shape_changes import EXPECTED, expected_shapes, shape_changes
from sources.registry import DATASETS
from tests.expected_shapes import samples_of, without, written

BARS = "binance.spot_candle_1d"


def changes(dataset_id: str, body: bytes) -> dict[str, list[str]]:
    """The paths of what matters, by the kind of change."""
    found: dict[str, list[str]] = {}
    for change in shape_changes(shape_of(body), expected_shapes()[dataset_id]):
        if change.matters:
            found.setdefault(change.what, []).append(change.path)
    return found


def test_the_written_shapes_are_those_of_the_samples_and_readers_of_today() -> None:
    assert EXPECTED.read_text(encoding="utf-8") == written(), "run `make sources`"


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.id)
def test_a_sample_is_as_expected_and_each_needed_field_is_missed_by_name(dataset: Dataset) -> None:
    for body, expected in zip(samples_of(dataset), expected_shapes()[dataset.id], strict=True):
        assert changes(dataset.id, body) == {}
        assert expected.needed, f"{dataset.id} needs no field of its sample"
        for path in expected.needed:
            found = shape_changes(shape_of(without(body, path)), [expected])
            named = {change.path for change in found if change.what in ("missing", "empty")}
            is_list = path.endswith("[]") and not any(other.startswith(path + ".") for other in expected.fields)
            assert path in named or is_list, (path, found)


def test_a_renamed_field_is_missing_under_its_old_name_and_new_under_the_other(samples: Path) -> None:
    body = (samples / "mempool" / "hashrate.json").read_bytes().replace(b"avgHashrate", b"meanHashrate")
    assert changes("mempool.hashrate", body) == {"missing": ["hashrates[].avgHashrate"]}
    found = shape_changes(shape_of(body), expected_shapes()["mempool.hashrate"])
    assert ("new", "hashrates[].meanHashrate") in [(change.what, change.path) for change in found]


def test_a_number_that_became_text_is_another_type(samples: Path) -> None:
    answer = json.loads((samples / "deribit" / "dvol.json").read_bytes())
    answer["result"]["data"] = [[row[0], "n/a", *row[2:]] for row in answer["result"]["data"]]
    assert changes("deribit.dvol", json.dumps(answer).encode()) == {"type": ["result.data[][1]"]}


@pytest.mark.parametrize("factor", [1_000, 1e8, 1 / 1_000])
def test_another_unit_is_seen_by_its_size(samples: Path, factor: float) -> None:
    rows = json.loads((samples / "binance" / "spot_candle_1d.json").read_bytes())
    scaled = [[*row[:4], str(float(row[4]) * factor), *row[5:]] for row in rows]
    assert changes(BARS, json.dumps(scaled).encode()) == {"unit": ["[][4]"]}


def test_of_what_passes_through_zero_only_a_growth_is_another_unit(samples: Path) -> None:
    rows = json.loads((samples / "hyperliquid" / "funding_rate.json").read_bytes())

    def scaled(factor: float) -> bytes:
        quiet = [{**row, "fundingRate": str(-float(row["fundingRate"]) * factor)} for row in rows]
        return json.dumps(quiet).encode()

    assert changes("hyperliquid.funding_rate", scaled(1e-4)) == {}
    assert changes("hyperliquid.funding_rate", scaled(1e4)) == {"unit": ["[].fundingRate"]}


def test_a_former_answer_tells_a_unit_better_than_a_sample(samples: Path) -> None:
    body = (samples / "cboe" / "vix.csv").read_bytes()
    expected = expected_shapes()["cboe.vix"]
    lines = body.decode().splitlines()
    tenfold = "\n".join([lines[0], *(line.replace(".", "") for line in lines[1:])]).encode()  # hundreds of thousands
    assert {change.path for change in shape_changes(shape_of(tenfold), expected, shape_of(body)) if change.matters} == {
        "column OPEN",
        "column HIGH",
        "column LOW",
        "column CLOSE",
    }
    assert [change for change in shape_changes(shape_of(body), expected, shape_of(body)) if change.matters] == []


@pytest.mark.parametrize("body", [b"", b"\x1f\x8bbroken", b"PK\x03\x04broken", b"{", b"[[[[", b"<a", b"\x00\xff"])
def test_what_cannot_be_taken_apart_has_no_needed_field(body: bytes) -> None:
    assert isinstance(shape_of(body), dict)
    assert isinstance(unpacked(body), bytes)
    assert "missing" in changes(BARS, body)
