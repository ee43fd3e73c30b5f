"""The shape of an answer: which fields it has, of which type, and how large their numbers are.

A field has the path that leads to it: `result[].open_interest` in JSON (`[]` is any entry of a list, `[3]` the fourth
cell of a row), `column DATE` in CSV, `entry/content/@type` in XML, `DTSTART` in a calendar, `class etf` and
`heading IBIT` in a web page. Nothing here knows a provider.
"""

import csv
import gzip
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from lxml import etree, html

from sources.core.parsing import looks_like_html

MOST_BYTES = 64 * 1024 * 1024  # of a member of a zip file
MOST_CELLS = 60  # of a row; a longer list of values is a list and no row
Value = tuple[str, object]  # path and value


class Kind(StrEnum):
    """Of what type a value is; a number written as text is told from other text."""

    NUMBER = "number"
    NUMERIC_TEXT = "number as text"
    TEXT = "text"
    BOOLEAN = "true or false"
    NULL = "null"


@dataclass(frozen=True)
class FieldShape:
    """What one field holds: the types seen, the commonest first, and its numbers.

    `low` and `high` bound the sizes of the numbers without sign and zeros aside, `middle` is their median; all None
    where there are none. `signed` says that some are negative.
    """

    kinds: tuple[Kind, ...]
    low: float | None = None
    middle: float | None = None
    high: float | None = None
    signed: bool = False


Shape = Mapping[str, FieldShape]


@dataclass
class _Seen:
    kinds: Counter[Kind] = field(default_factory=Counter)
    sizes: list[float] = field(default_factory=list)
    signed: bool = False

    def add(self, value: object) -> None:
        kind, number = _told(value)
        self.kinds[kind] += 1
        if number:
            self.sizes.append(abs(number))
            self.signed = self.signed or number < 0

    def shape(self) -> FieldShape:
        kinds = tuple(kind for kind, _ in self.kinds.most_common())
        if not self.sizes:
            return FieldShape(kinds, signed=self.signed)
        return FieldShape(kinds, min(self.sizes), median(self.sizes), max(self.sizes), self.signed)


def shape_of(body: bytes) -> Shape:
    """The fields of an answer, in order of appearance. Empty for a body that cannot be taken apart."""
    seen: dict[str, _Seen] = {}
    for path, value in values(unpacked(body)):
        seen.setdefault(path, _Seen()).add(value)
    return {path: found.shape() for path, found in seen.items()}


def shape_of_columns(columns: Mapping[str, list[object]]) -> Shape:
    """The shape of rows that were read: each column's numbers, under `read <column>`."""
    seen = {f"read {name}": _Seen() for name in columns}
    for name, held in columns.items():
        for value in held:
            if isinstance(value, int | float) and not isinstance(value, bool):
                seen[f"read {name}"].add(value)
    return {path: found.shape() for path, found in seen.items() if found.sizes}


def unpacked(body: bytes) -> bytes:
    """The content of a gzip file or of the first member of a zip file; any other body as it is."""
    try:
        if body.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
                return file.read(MOST_BYTES)
        if body.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open(archive.infolist()[0]) as member:
                return member.read(MOST_BYTES)
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        # Damaged, encrypted (RuntimeError) or of an unknown method: nothing to compare. The reader names what is wrong.
        return b""
    return body


def values(body: bytes) -> Iterator[Value]:
    """Every value of an answer with its path."""
    text = body.decode("utf-8-sig", "replace")
    start = text.lstrip()[:200]
    if start.startswith(("{", "[")):
        try:
            yield from _json("", json.loads(text))
        except (ValueError, RecursionError):
            return
    elif looks_like_html(body) or re.match(r"<(?:table|div|section)\b", start, re.IGNORECASE):
        yield from _page(text)
    elif start.startswith("<"):
        yield from _xml(body)
    elif start.startswith("BEGIN:VCALENDAR"):
        yield from _calendar(text)
    else:
        yield from _csv(text)


def _json(path: str, value: object, *, in_list: bool = False) -> Iterator[Value]:
    if isinstance(value, dict):
        for name, inner in value.items():
            # Keys that are values themselves (dates, stamps, heights) stand for one field.
            key = "*" if str(name)[:1].isdigit() else name
            yield from _json(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        scalars = sum(not isinstance(inner, dict | list) for inner in value)
        is_row = in_list and scalars > 0 and len(value) <= MOST_CELLS
        for place, inner in enumerate(value):
            yield from _json(f"{path}[{place}]" if is_row else f"{path}[]", inner, in_list=True)
    else:
        yield path, value


def _csv(text: str) -> Iterator[Value]:
    rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if not rows:
        return
    has_header = not any(_number(cell) is not None for cell in rows[0])
    names = [f"column {name.strip()}" for name in rows[0]] if has_header else [f"[{n}]" for n in range(len(rows[0]))]
    for row in rows[1:] if has_header else rows:
        yield from zip(names, row, strict=False)


def _xml(body: bytes) -> Iterator[Value]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        return
    if root is None:
        return
    for element in root.iter(etree.Element):
        names = [etree.QName(above).localname for above in element.iterancestors()]
        path = "/".join([*reversed(names), etree.QName(element).localname])
        for name, value in element.attrib.items():
            yield f"{path}/@{etree.QName(name).localname}", value
        if len(element) == 0:
            yield path, element.text or None


def _calendar(text: str) -> Iterator[Value]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[A-Z-]+(?:;.*)?", name):
            yield name.partition(";")[0], value


def _page(text: str) -> Iterator[Value]:
    """Classes and the headings of tables: what a reader of a page can hold on to."""
    root = html.fromstring(text)
    for element in root.iter(etree.Element):
        for name in (element.get("class") or "").split():
            yield f"class {name}", "used"
        if element.tag == "th" and (heading := " ".join("".join(map(str, element.itertext())).split())):
            yield f"heading {heading[:60]}", "used"


def _told(value: object) -> tuple[Kind, float | None]:
    if value is None or value == "":
        return Kind.NULL, None
    if isinstance(value, bool):
        return Kind.BOOLEAN, None
    if isinstance(value, int | float):
        return Kind.NUMBER, float(value)
    number = _number(str(value))
    return (Kind.TEXT, None) if number is None else (Kind.NUMERIC_TEXT, number)


def _number(text: str) -> float | None:
    try:
        return float(text) if len(text) < 40 else None
    except ValueError:
        return None
