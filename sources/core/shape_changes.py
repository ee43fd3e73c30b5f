"""How an answer differs from the shape that a reader expects: what is new, missing, of another type or unit.

What readers expect is written down in `expected_shapes.json`, made from our own samples by `make sources`: the fields
of each, and which of them the reader needs (without it other rows are read, or none).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sources.core.shape import FieldShape, Kind, Shape

EXPECTED = Path(__file__).with_name("expected_shapes.json")
# How far the middle of a field may lie beyond the sizes that are known: a sample is a few rows of one day, a former
# answer or the stored rows are the market of the last weeks. Units differ by a hundred or more.
BEYOND_SAMPLE, BEYOND_FORMER = 100.0, 10.0
READ = "read "  # paths of columns that were read, in place of fields that were sent
PAGE = ("class ", "heading ")


@dataclass(frozen=True)
class ExpectedShape:
    """The fields of a sample, and the paths of those that the reader needs."""

    fields: Shape
    needed: frozenset[str]


@dataclass(frozen=True)
class ShapeChange:
    """One difference: `missing`, `new`, `type`, `unit` or `empty` of the field at `path`, and what was seen.

    `refused` is the answer as a whole.

    `matters` says that rows are lost or wrong by it.
    """

    what: str
    path: str
    said: str
    matters: bool

    def __str__(self) -> str:
        return f"{self.path}: {self.said}"


def shape_changes(live: Shape, expected: Sequence[ExpectedShape], former: Shape | None = None) -> list[ShapeChange]:
    """How a live shape differs from the nearest of those that a reader takes; what matters comes first.

    `former` has sizes that are better known than those of a sample: of the last answer that was as expected, and of the
    stored rows.
    """
    found = [_changes(live, one, former) for one in expected]
    return min(found, key=lambda changes: sum(change.matters for change in changes), default=[])


def _changes(live: Shape, expected: ExpectedShape, former: Shape | None) -> list[ShapeChange]:
    found = [*_missing(live, expected), *_new(live, expected), *_changed(live, expected, former or {})]
    if any(path.startswith(PAGE) for path in expected.fields):  # pages get and lose classes all the time
        found = [change for change in found if change.matters]
    return sorted(found, key=lambda change: not change.matters)


def _missing(live: Shape, expected: ExpectedShape) -> Iterator[ShapeChange]:
    for path in expected.fields:
        if path not in live and not path.startswith(READ):
            yield ShapeChange("missing", path, "not there any more", matters=path in expected.needed)


def _new(live: Shape, expected: ExpectedShape) -> Iterator[ShapeChange]:
    for path, shape in live.items():
        if path not in expected.fields and not path.startswith(READ):
            yield ShapeChange("new", path, str(shape.kinds[0]), matters=False)


def _changed(live: Shape, expected: ExpectedShape, former: Shape) -> Iterator[ShapeChange]:
    for path in [path for path in live if path in expected.fields]:
        before, now = expected.fields[path], live[path]
        needed = path in expected.needed or path.startswith(READ)
        usual, kind = _main(before), _main(now)
        if usual is not None and kind is None:
            yield ShapeChange("empty", path, f"only null, where {usual} was expected", matters=False)
        elif usual is not None and kind is not usual:
            yield ShapeChange("type", path, f"{kind}, where {usual} was expected", needed)
        elif needed and (said := _other_unit(now, before, former.get(path))):
            yield ShapeChange("unit", path, said, matters=True)


def _main(shape: FieldShape) -> Kind | None:
    """The commonest type; None where nothing but null was seen."""
    return next((kind for kind in shape.kinds if kind is not Kind.NULL), None)


def _other_unit(now: FieldShape, sample: FieldShape, former: FieldShape | None) -> str:
    """Why a field seems to be of another unit; empty when its size is known. Rates and flows pass through zero, so of
    what may be negative only a growth counts."""
    before, beyond = (former, BEYOND_FORMER) if former and former.middle else (sample, BEYOND_SAMPLE)
    if now.middle is None or before.low is None or before.high is None or before.middle is None:
        return ""
    is_large = now.middle > before.high * beyond
    is_small = now.middle < before.low / beyond and not (now.signed or before.signed or sample.signed)
    if not (is_large or is_small):
        return ""
    factor = now.middle / before.middle
    return f"about {factor:.3g} times its usual size ({now.middle:.6g} against {before.middle:.6g}): another unit?"


@cache
def expected_shapes() -> Mapping[str, Sequence[ExpectedShape]]:
    """The shapes that the reader of each dataset takes, by its id."""
    written = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return {dataset: [_expected(one) for one in shapes] for dataset, shapes in written.items()}


def _expected(written: Mapping[str, Any]) -> ExpectedShape:
    return ExpectedShape(shape_from(written["fields"]), frozenset(written["needed"]))


def shape_from(written: Mapping[str, Mapping[str, Any]]) -> Shape:
    """A shape from its JSON form."""
    return {
        path: FieldShape(tuple(map(Kind, one["kinds"])), **{name: one[name] for name in one if name != "kinds"})
        for path, one in written.items()
    }


def as_json(shape: Shape) -> dict[str, dict[str, Any]]:
    """A shape in its JSON form; what says nothing is left out."""
    return {
        path: {name: value for name, value in asdict(one).items() if value not in (None, False)}
        for path, one in shape.items()
    }
