"""Reading what providers send, strictly: bytes to JSON or CSV, records to a frame of the declared schema.

Two kinds of trouble are told apart. A body that is not what the provider used to send raises `SourceError`, and
nothing of it is used. A single record that cannot be believed becomes a `Reject`, and the others load. Nothing is
guessed, filled or corrected here.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import polars as pl
from lxml import etree

from sources.core.casting import cast_to, refused, shown, whole
from sources.core.column import Column
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed, Payload, Reject

GENESIS = datetime(2009, 1, 3)  # no Bitcoin, hence no Bitcoin market, before it
FUTURE_TOLERANCE = timedelta(days=1)
LONGEST_REJECT = 2_000  # characters of a refused record that are kept
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)


def strict_json(payload: Payload) -> Any:
    """The decoded JSON body.

    A name given twice in one object loses both values: it holds a text with a NUL byte instead, and NaN or Infinity
    stay as they are, so that `typed` refuses exactly the records they are in; so does a whole number of more digits
    than any count has, which becomes infinity. Raises SourceError: BLOCKED for an HTML
    page, NOT_DATA for anything else that is no JSON (cut short, empty, wrong encoding, nested beyond reason) and
    NO_DATA for `null` and `{}`.
    """
    text = strict_text(payload)
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_int=_integer)
    except RecursionError:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent JSON nested beyond reason.") from None
    except ValueError as error:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent no whole JSON: {shown(error)}.") from None
    if content is None or content == {}:
        raise SourceError(Failure.NO_DATA, f"{payload.url} sent {text.strip()[:10]!r} and nothing else.")
    return content


def strict_text(payload: Payload, *, html: bool = False) -> str:
    """The body as text: UTF-8 only, a byte order mark stripped.

    Raises SourceError: NOT_DATA when empty or in another encoding, BLOCKED for an HTML page unless `html` is asked for.
    """
    if not payload.body.strip():
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent an empty body.")
    if not html and looks_like_html(payload.body):
        raise SourceError(Failure.BLOCKED, f"{payload.url} sent a web page where data was expected.")
    try:
        return payload.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent bytes that are no UTF-8 text.") from None


def looks_like_html(body: bytes) -> bool:
    """Whether a body begins like a web page."""
    return _HTML.match(body[:2_000]) is not None


def strict_xml(payload: Payload) -> etree._Element:
    """The root element of an XML body. A document type is refused before anything is parsed: it could name other files
    or grow without end. Raises NOT_DATA for that and for broken XML, and as `strict_text`.
    """
    text = strict_text(payload)
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent XML with a document type, which is refused.")
    try:
        return etree.fromstring(payload.body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent broken XML: {shown(error)}.") from None


@dataclass(frozen=True)
class CsvTable:
    """The lines of a CSV body as records by column name, in order, and the lines that were refused."""

    records: list[dict[str, str]]
    rejects: tuple[Reject, ...]


def strict_csv(
    payload: Payload,
    *,
    header: Sequence[str],
    title_lines: int = 0,
    footer: str | None = None,
    delimiter: str = ",",
) -> CsvTable:
    """The lines of a CSV body.

    Columns are found by name, so their order may change and new ones are let through; names and values lose outer
    blanks. `title_lines` stand above the header; lines that match the pattern `footer` are left out. A line with more
    or fewer cells than the header, or a repeated header, is refused. Raises SourceError: CHANGED_LAYOUT with the
    difference when a name of `header` is missing, NOT_DATA for an unclosed quote, and as `strict_text`.
    """
    text = strict_text(payload)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent a broken CSV: {shown(error)}.") from None
    lines = lines[title_lines:]
    names = [name.strip() for name in lines[0]] if lines else []
    require_names(names, header, payload.url)
    if len(set(names)) != len(names):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sent a column twice: {', '.join(names)}.")
    records: list[dict[str, str]] = []
    rejects: list[Reject] = []
    for line in lines[1:]:
        row = delimiter.join(line)
        cells = [cell.strip() for cell in line]
        if footer is not None and re.search(footer, row):
            continue
        if cells == names:
            rejects.append(_reject("the header again", row))
        elif len(cells) != len(names):
            rejects.append(_reject(f"{len(cells)} cells where the header has {len(names)}", row))
        else:
            records.append(dict(zip(names, cells, strict=True)))
    return CsvTable(records, tuple(rejects))


def require(condition: bool, what: str) -> None:
    """Raise CHANGED_LAYOUT saying `what` unless the condition holds."""
    if not condition:
        _changed(what)


def require_names(actual: Collection[str], expected: Collection[str], where: str) -> None:
    """Raise CHANGED_LAYOUT with the difference unless every expected name is there; new names are let through."""
    missing = [name for name in expected if name not in actual]
    if missing:
        new = [name for name in actual if name not in expected]
        _changed(f"{where}: missing {', '.join(missing)}; new: {', '.join(map(str, new[:20])) or 'nothing'}.")


def require_in_some(rows: Sequence[object], names: Collection[str], where: str) -> None:
    """Raise CHANGED_LAYOUT with the difference when there are rows and one of the names is in none of them.

    A row that lacks a name costs that row at most; a name that all rows lack was renamed.
    """
    if rows:
        require_names({name for row in rows if isinstance(row, dict) for name in row}, names, where)


def own_rows(rows: Sequence[Any], name: str, ours: Collection[object], where: str) -> tuple[list[Any], dict[str, int]]:
    """The rows of the contracts that are asked about, by the field `name`, and how many of others were left out.

    A row without the field is kept, for `typed` to refuse. Raises CHANGED_LAYOUT when there are rows and none is ours.
    """
    kept = [row for row in rows if not isinstance(row, dict) or row.get(name) is None or row[name] in ours]
    others = sorted(
        {f"{row[name]!s:.40}" for row in rows if isinstance(row, dict) and row.get(name) not in (None, *ours)}
    )
    wanted = ", ".join(map(str, ours))
    require(not rows or bool(kept), f"{where} sent {', '.join(others[:5])} where {wanted} was expected.")
    return kept, {f"not {wanted}": len(rows) - len(kept)} if others else {}


def named_in(url: str, names: Collection[str]) -> str:
    """Which of several series an answer is, by its address or by the name of a file saved by hand.

    The longest name counts where one is part of another. Raises CHANGED_LAYOUT when none or several are named.
    """
    named = [name for name in names if name in url]
    named = [name for name in named if not any(name in other for other in named if other != name)]
    require(len(named) == 1, f"{url} names no series; a file saved by hand is named after one: {', '.join(names)}.")
    return named[0]


def part(content: object, *path: str | int, kind: type | tuple[type, ...] = list, where: str = "the answer") -> Any:
    """The value at `path` inside decoded JSON, such as `part(content, "result", "list")`.

    Raises CHANGED_LAYOUT when a name on the way is missing or the value is not of the expected kind.
    """
    value: Any = content
    for depth, step in enumerate(path):
        here = ".".join(map(str, path[:depth])) or "its top level"
        if isinstance(step, str):
            if not isinstance(value, dict):
                _changed(f"{where}: {here} is {_kind(value)} where an object with {step!r} was expected.")
            require_names(value, (step,), f"{where}, {here}")
        elif not isinstance(value, list) or len(value) <= step:
            _changed(f"{where}: {here} is {_kind(value)} where a list of more than {step} was expected.")
        value = value[step]
    if not isinstance(value, kind):
        _changed(f"{where}: {'.'.join(map(str, path)) or 'its top level'} is {_kind(value)}.")
    return value


def or_null(value: object, *marks: str) -> object:
    """None when the value is one of the provider's marks for "no value" (outer blanks aside), else the value itself."""
    return None if isinstance(value, str) and value.strip() in marks else value


def from_s(value: object) -> object:
    """Seconds since 1970 (a number, or text of digits) as a naive UTC instant; anything else comes back unchanged."""
    return _from_epoch(value, 1)


def from_ms(value: object) -> object:
    """Milliseconds since 1970 as a naive UTC instant; anything else comes back unchanged, for `typed` to refuse."""
    return _from_epoch(value, 1_000)


def from_iso(value: object) -> object:
    """An ISO text as a naive UTC instant (without a zone it is UTC); anything else comes back unchanged."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return value
    if instant is None:
        return value
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def typed(
    records: Iterable[Mapping[str, object]],
    columns: Mapping[str, Column],
    *,
    fetched_at: datetime,
    observed: str,
    sent: Sequence[object] | None = None,
    rejects: Iterable[Reject] = (),
    left_out: Mapping[str, int] | None = None,
) -> Parsed:
    """Records as a frame with exactly the declared columns and types; what does not fit is refused, the rest loads.

    Numbers may be numbers or plain decimal text. Instants may be aware or naive UTC datetimes or ISO text, dates may
    be dates or ISO text. Refused are: no number, NaN and infinity, null or absent where not nullable, outside the
    declared bounds, a NUL byte, a time before 2009-01-03, and an `observed` time later than a day after `fetched_at`.
    `sent` gives the records as the provider wrote them, for the rejects; `rejects` are passed on in front, `left_out`
    as it is. A date before Bitcoin began is left out where others come after it: a file of all history is no error.
    Raises CHANGED_LAYOUT when no record has a declared column.
    """
    listed = records if isinstance(records, list) else list(records)
    reasons: dict[int, str] = {}
    series = []
    for name, column in columns.items():
        if listed and name not in listed[0] and not any(name in record for record in listed):
            names = ", ".join(map(str, listed[0])) or "nothing"
            _changed(f"the column {name} is missing from every record; it has {names}.")
        values = [record.get(name) for record in listed]
        cast = cast_to(name, values, column.dtype)
        series.append(cast)
        latest = fetched_at.astimezone(UTC).replace(tzinfo=None) + FUTURE_TOLERANCE if name == observed else None
        for index, reason in refused(cast, values, column, GENESIS, latest):
            reasons.setdefault(index, f"{name}: {reason}")
    frame = pl.DataFrame(series)
    if not reasons:
        return Parsed(frame, tuple(rejects), left_out or {})
    keep = pl.Series([index not in reasons for index in range(len(listed))], dtype=pl.Boolean)
    too_early: dict[str, int] = {}
    if columns[observed].dtype == pl.Date and keep.any():
        is_early = f"is before {GENESIS.date()}"
        early = [
            index
            for index, reason in reasons.items()
            if reason.startswith(f"{observed}: ") and reason.endswith(is_early)
        ]
        too_early = {is_early: len(early)} if early else {}
        reasons = {index: reason for index, reason in reasons.items() if index not in set(early)}
    unfit = [_reject(reason, (sent or listed)[index]) for index, reason in sorted(reasons.items())]
    return Parsed(frame.filter(keep), (*rejects, *unfit), {**(left_out or {}), **too_early})


def _from_epoch(value: object, per_second: int) -> object:
    number = whole(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        return value
    try:
        return datetime.fromtimestamp(number / per_second, UTC).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return value


def _integer(digits: str) -> int | float:
    # Two unsigned 64-bit numbers multiplied have 39 digits; more are an attack on whoever computes with them.
    return int(digits) if len(digits) < 40 else float(digits)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object from its pairs; a name given twice gets a value that `typed` refuses wherever it is carried."""
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        content |= {name: f"\0{name} was given twice" for name in names if names.count(name) > 1}
    return content


def _changed(what: str) -> NoReturn:
    raise SourceError(Failure.CHANGED_LAYOUT, what)


def _reject(reason: str, sent: object) -> Reject:
    text = sent if isinstance(sent, str) else json.dumps(sent, default=str, ensure_ascii=False)
    return Reject(reason, text[:LONGEST_REJECT])


def _kind(value: object) -> str:
    return {dict: "an object", list: "a list", str: "text", type(None): "null"}.get(type(value), type(value).__name__)
