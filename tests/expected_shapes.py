"""Writes `sources/core/expected_shapes.json`: what each reader expects, found out by trying it on our own samples.

A field is needed when the reader gives other rows, or none, without it. `make sources` runs this as
`python -m tests.expected_shapes`.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from sources.core.dataset import Dataset
from sources.core.errors import SourceError
from sources.core.payload import Payload
from sources.core.shape import shape_of, shape_of_columns, unpacked
from sources.core.shape_changes import EXPECTED, as_json
from sources.registry import DATASETS

SAMPLES = Path(__file__).with_name("samples")
FETCHED_AT = datetime(2026, 11, 1, tzinfo=UTC)  # after every sample
# Where one dataset has several series and the answer does not say which it is.
NAMED_AFTER: Mapping[str, str] = {
    "bgeometrics.ratio": "sopr",
    "bitview.hashprice": "hash_price_phs",
    "bitview.realized_price": "sth_realized_price",
    "bitview.series": "realized_loss_sum_24h",
    "fred_api.observation": "DGS10",
    "glassnode.metric": "realized_loss",
    "glassnode.ratio": "sopr",
    "kraken_futures.funding_rate": "PF_XBTUSD",
    "stooq.daily_bar": "xauusd_d",
}
# Samples of a second shape that the same reader takes.
SECOND_SHAPES: Mapping[str, tuple[str, ...]] = {
    "bitview.urpd": ("urpd_columns",),
    "farside.etf_flow": ("etf_flow_all_data",),
}

# Read where they are there, and done without where they are not: real calendars have no stamp, tenors came and went,
# and the graph download names its column after the series.
OPTIONAL: Mapping[str, str] = {
    "bls.release": "LAST-MODIFIED",
    "fred.observation": "column DGS10",
    "treasury.par_yield": r"column .*(Mo|Yr|Month)",
    "treasury.real_yield": r"column .*YR",
}


def samples_of(dataset: Dataset) -> list[bytes]:
    """Our own samples of a dataset, one for each shape."""
    folder = SAMPLES / dataset.provider.name
    names = (dataset.name, *SECOND_SHAPES.get(dataset.id, ()))
    return [file.read_bytes() for name in names for file in sorted(folder.glob(f"{name}.*"))]


def expected(dataset: Dataset, body: bytes) -> dict[str, Any]:
    """What the reader expects of an answer like this sample."""
    rows = _read(dataset, body)
    assert rows is not None, f"{dataset.id}: its sample is not read"
    fields = shape_of(body)
    needed = [
        path
        for path in fields
        if not re.fullmatch(OPTIONAL.get(dataset.id, ""), path)
        and not _is_same(rows, _read(dataset, without(body, path)))
    ]
    read = shape_of_columns(rows.select(_numbers(dataset)).to_dict(as_series=False))
    return {"fields": as_json({**fields, **read}), "needed": needed}


def _numbers(dataset: Dataset) -> list[str]:
    return [name for name, column in dataset.columns.items() if column.dtype in (pl.Float64, pl.Int64, pl.Int32)]


def _read(dataset: Dataset, body: bytes) -> pl.DataFrame | None:
    name = NAMED_AFTER.get(dataset.id, dataset.name)
    try:
        return dataset.read(
            Payload(f"{dataset.provider.home}#saved-by-hand/{name}", {}, 200, {}, body, FETCHED_AT)
        ).rows
    except SourceError:
        return None


def _is_same(rows: pl.DataFrame, other: pl.DataFrame | None) -> bool:
    return other is not None and rows.equals(other)


def without(body: bytes, path: str) -> bytes:
    """The same answer without one field."""
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            name = archive.infolist()[0].filename
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, without(unpacked(body), path))
        return packed.getvalue()
    text = body.decode("utf-8-sig")
    if text.lstrip().startswith(("{", "[")):
        content = json.loads(text)
        _drop(content, list(_steps(path)))
        return json.dumps(content).encode()
    if path.startswith("column "):
        header, newline, rows = text.partition("\n")
        name = re.escape(path.removeprefix("column "))
        return (re.sub(rf'(?<![^",]){name}(?![^",\r])', "no_such_column", header) + newline + rows).encode()
    if (place := re.fullmatch(r"\[(\d+)\]", path)) is not None:
        lines = [line.split(",") for line in text.splitlines()]
        return "\n".join(",".join(_blanked(line, int(place[1]))) for line in lines).encode()
    if path.startswith("class "):
        name = re.escape(path.removeprefix("class "))
        return re.sub(rf"(class=[\"'][^\"']*)(?<![\w-]){name}(?![\w-])", r"\1no-such-class", text).encode()
    if path.startswith("heading "):
        return text.replace(f">{path.removeprefix('heading ')}<", ">No such heading<").encode()
    if text.startswith("BEGIN:VCALENDAR"):
        return re.sub(rf"^{re.escape(path)}(?=[;:])", "X-NO-SUCH", text, flags=re.MULTILINE).encode()
    return text.encode()


def _blanked(cells: list[str], place: int) -> list[str]:
    return ["" if nth == place else cell for nth, cell in enumerate(cells)]


def _steps(path: str) -> Iterator[str]:
    yield from re.findall(r"\[\d*\]|[^.\[\]]+", path)


def _drop(content: Any, steps: list[str]) -> None:
    """Take the field out of every object; a cell of a row or an entry of a list becomes null."""
    step, *rest = steps
    if isinstance(content, list) and step.startswith("["):
        places = [int(step[1:-1])] if step != "[]" else list(range(len(content)))
        for place in places:
            if place < len(content):
                if rest:
                    _drop(content[place], rest)
                elif not isinstance(content[place], dict | list):
                    content[place] = None
    elif isinstance(content, dict):
        names = [name for name in content if name[:1].isdigit()] if step == "*" else [step]
        for name in names:
            if name in content:
                if rest:
                    _drop(content[name], rest)
                else:
                    del content[name]


def written() -> str:
    """The text of the file, by the declarations and samples of today."""
    shapes = {dataset.id: [expected(dataset, body) for body in samples_of(dataset)] for dataset in DATASETS}
    lines = [f"{json.dumps(name)}: {json.dumps(shapes[name])}" for name in sorted(shapes)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    EXPECTED.write_text(written(), encoding="utf-8")
