"""Keeps one answer of a provider in the home and says how its shape differs from what the reader expects.

`probes/<provider>.<dataset>.json` holds the request, the answer cut to a size that can be sent with a report of a
fault, and the differences; no key. Answers of a stand-in are kept apart in `probes/stand-in/` and prove nothing.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import polars as pl

from pipeline.probe import ANSWERED, WORDS, ProbeResult
from pipeline.settings import Settings
from sources.core.dataset import Dataset
from sources.core.errors import Failure
from sources.core.payload import Parsed
from sources.core.shape import FieldShape, Kind, Shape, shape_of, shape_of_columns, unpacked
from sources.core.shape_changes import ShapeChange, as_json, expected_shapes, shape_changes, shape_from
from warehouse.database import connect
from warehouse.files import write_durably
from warehouse.home import Home
from warehouse.tables import RAW, columns_of, quoted, raw_table

MOST_BODY_BYTES = 64 * 1024  # of one kept answer; all providers together make about a megabyte
ENTRIES = (200, 50, 20, 8, 3, 1)  # of each list, as many as fit
TAIL = 0.2  # of a text that is cut, the share that is kept of its end
SHORTEST_KEY = 4  # characters; what is shorter is no key
HIDDEN = "***"
# An answer in these words may hold data of another shape; any other is an error page or nothing.
COMPARED = frozenset({ANSWERED, WORDS[Failure.CHANGED_LAYOUT], WORDS[Failure.NOT_DATA], "failed"})


@dataclass(frozen=True)
class ShapeReport:
    """How the answer of a dataset compares with what its reader expects. `why_not` says why it was not compared."""

    dataset: Dataset
    changes: Sequence[ShapeChange] = field(default=())
    why_not: str = ""
    file: Path | None = None

    @property
    def differs(self) -> bool:
        """Whether something that the reader needs is missing or other than expected."""
        return any(change.matters for change in self.changes)

    def __str__(self) -> str:
        if self.why_not:
            return f"not compared: {self.why_not}"
        said = "; ".join(f"{change.what}: {change}" for change in self.changes if change.matters)
        notes = sum(not change.matters for change in self.changes)
        others = f"{notes} other differences that the reader does not mind" if notes else ""
        return "; ".join(part for part in (said or "as expected", others) if part)


def record_shape(home: Home, result: ProbeResult, settings: Settings) -> ShapeReport:
    """Keep the answer and compare it. An answer without rows of ours is not compared, and an error is not kept."""
    dataset, payload = result.dataset, result.payload
    if payload is None or payload.status != 200 or result.words not in COMPARED:
        return ShapeReport(dataset, why_not=f"{result.words}: {result.detail}")
    if result.words == ANSWERED and (result.parsed is None or result.parsed.rows.is_empty()):
        return ShapeReport(dataset, why_not="it answered without rows")
    file = folder(home, settings) / f"{dataset.id}.json"
    live = _shape(payload.body, result.parsed)
    before = _read(file)
    former = {**shape_from(before.get("sizes", {})), **_stored(home, dataset)}
    changes = shape_changes(live, expected_shapes()[dataset.id], former)
    if result.words != ANSWERED:
        changes = [*changes, ShapeChange("refused", dataset.id, result.detail, matters=True)]
    report = ShapeReport(dataset, changes, file=file)
    is_sound = result.words == ANSWERED and not report.differs
    told = {
        "dataset": dataset.id,
        "url": payload.url,
        "params": dict(payload.params),
        "status": payload.status,
        "headers": dict(payload.headers),
        "fetched_at": payload.fetched_at.isoformat(),
        "answer": result.words,
        "detail": result.detail,
        "differences": [f"{change.what}: {change}" for change in changes],
        # Of the last answer that was as expected: what later ones are measured with.
        "settled_at": payload.fetched_at.isoformat() if is_sound else before.get("settled_at"),
        "sizes": as_json(live) if is_sound else before.get("sizes", {}),
        "bytes": len(payload.body),
        "body": cut(unpacked(payload.body)),
    }
    text = without_keys(json.dumps(told, indent=1, ensure_ascii=False), _secrets(settings))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, text.encode())
    return report


def folder(home: Home, settings: Settings) -> Path:
    """Where answers are kept: those of a stand-in apart."""
    return home.probes if settings.upstream is None else home.probes / "stand-in"


def settled(home: Home) -> Mapping[str, str]:
    """When a live answer last had the shape that is expected, by dataset id: an ISO instant."""
    found = {file.stem: _read(file).get("settled_at") for file in sorted(home.probes.glob("*.json"))}
    return {dataset_id: at for dataset_id, at in found.items() if at}


def cut(body: bytes) -> str:
    """The answer as text of at most `MOST_BODY_BYTES`: fewer entries of each list, or the beginning and the end."""
    text = body.decode("utf-8", "replace")
    if len(body) <= MOST_BODY_BYTES:
        return text
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if content is not None:
        for entries in ENTRIES:
            shorter = json.dumps(_shorter(content, entries), ensure_ascii=False)
            if len(shorter.encode()) <= MOST_BODY_BYTES:
                return shorter
    end = int(MOST_BODY_BYTES * TAIL)
    kept = [body[: MOST_BODY_BYTES - end - 100], f"\n… {len(body) - MOST_BODY_BYTES:,} bytes left out …\n".encode()]
    return b"".join([*kept, body[-end:]]).decode("utf-8", "replace")


def _shorter(content: Any, entries: int) -> Any:
    if isinstance(content, list):
        kept = content if len(content) <= entries + 1 else [*content[:entries], content[-1]]
        return [_shorter(entry, entries) for entry in kept]
    if isinstance(content, dict):
        return {name: _shorter(value, entries) for name, value in content.items()}
    return content


def without_keys(text: str, secrets: Iterable[str]) -> str:
    """A text without any of the secrets, as they are or in the ways that addresses and messages write them."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        encoded = base64.b64encode(secret.encode()).decode()
        spelled = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], encoded}
        for spelling in sorted(spelled, key=len, reverse=True):
            text = text.replace(spelling, HIDDEN)
    return text


def _secrets(settings: Settings) -> list[str]:
    """Everything that a person configured and nobody else may see."""
    others = (settings.alert_url, settings.ping_url, settings.bitcoin_password)
    held = [secret.get_secret_value() for secret in (*settings.keys.values(), *others) if secret is not None]
    return [secret for secret in held if len(secret) >= SHORTEST_KEY]


def _stored(home: Home, dataset: Dataset) -> Shape:
    """The sizes of the rows that are published, of the last quarter; empty before there are any."""
    numbers = _numbers(dataset.schema)
    if not (numbers and home.published.exists()):
        return {}
    with connect(home.published, read_only=True) as connection:
        if not columns_of(connection, RAW, dataset.table):
            return {}
        observed = f"{quoted(dataset.observed)}::timestamp"
        sizes = ", ".join(
            f"[quantile_cont({size}, 0.01), median({size}), quantile_cont({size}, 0.99)], bool_or({quoted(name)} < 0)"
            for name in numbers
            for size in (f"nullif(abs({quoted(name)}), 0)::double",)
        )
        [row] = connection.execute(
            f"select {sizes} from {raw_table(dataset)} "
            f"where {observed} > (select max({observed}) from {raw_table(dataset)}) - interval 90 days"
        ).fetchall()
    known = zip(numbers, row[::2], row[1::2], strict=True)
    return {
        f"read {name}": FieldShape((Kind.NUMBER,), low, middle, high, bool(signed))
        for name, (low, middle, high), signed in known
        if middle is not None
    }


def _numbers(schema: Mapping[str, Any]) -> list[str]:
    return [name for name, dtype in schema.items() if dtype in (pl.Float64, pl.Int64, pl.Int32)]


def _shape(body: bytes, parsed: Parsed | None) -> Shape:
    if parsed is None:
        return shape_of(body)
    read = parsed.rows.select(_numbers(parsed.rows.schema)).to_dict(as_series=False)
    return {**shape_of(body), **shape_of_columns(read)}


def _read(file: Path) -> Mapping[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
