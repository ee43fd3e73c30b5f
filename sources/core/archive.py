"""Zipped CSV files of an archive: opened in memory, checked, put under one another and read at once.

Reading each of many small files costs far more than the same lines in one piece, so the bodies are joined before they
are parsed. A zip is taken for what it may be, an attack: exactly one member of the expected name is read, up to a
limit counted while inflating, and nothing is ever written to disk.
"""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import polars as pl

from sources.core.casting import refused
from sources.core.column import INSTANT, Column
from sources.core.errors import Failure, SourceError
from sources.core.parsing import FUTURE_TOLERANCE, GENESIS, LONGEST_REJECT, looks_like_html, require_names
from sources.core.payload import Parsed, Payload, Reject

MOST_BYTES = 32 * 1024 * 1024  # a month of one-minute bars has 6 MB
MOST_RATIO = 200  # lines of prices deflate three to ten times; a bomb a thousand times
RATIO_COUNTS_FROM_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_PACKED_AS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """The lines of one zipped CSV without its header; `columns` in the order of the lines."""

    name: str
    start: date  # the first day that the file is of, and the first that it is no longer of
    end: date
    columns: tuple[str, ...]
    lines: tuple[bytes, ...]
    rejects: tuple[Reject, ...]


@dataclass(frozen=True)
class CsvField:
    """How a declared column comes out of the lines: the name of its cells, and those cells in the declared type.

    The expression gives null for a cell that is none of that type; a blank cell of a nullable column is no value.
    """

    cell: str
    value: pl.Expr


@dataclass(frozen=True)
class CsvRules:
    """How the lines of one kind of file become rows.

    `fields` has every declared column. `refusals` gives reasons to refuse a line, each an expression over the declared
    columns and over `_file`, `_start` and `_end`; `absent` says where a value that was sent means that there is none.
    """

    fields: Mapping[str, CsvField]
    refusals: Mapping[str, pl.Expr]
    absent: Mapping[str, pl.Expr] = field(default_factory=dict)


def open_member(payload: Payload, name: re.Pattern[str], header: Sequence[str]) -> Member:
    """The one CSV in a zip. `name` is the pattern of its name, with the groups `year`, `month` and perhaps `day`.

    Files with and without a header line are read; a header may name its columns in another order and have more of
    them. Lines with another number of cells are refused. Raises SourceError: NOT_DATA for what is no whole zip (also
    an encrypted one, or one with other members), TOO_LARGE for one that opens to more than any such file has,
    CHANGED_LAYOUT for another file than expected or other columns, NO_DATA for a file without lines.
    """
    member, body = _inflated(payload, name)
    asked = PurePosixPath(urlsplit(payload.url).path)
    if asked.suffix == ".zip" and asked.stem != PurePosixPath(member).stem:
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} holds {member}, another file than was asked for.")
    if b"\0" in body or not body.isascii():
        raise SourceError(Failure.NOT_DATA, f"{payload.url}: {member} holds bytes that are no plain text.")
    lines = [line for line in body.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
    columns = tuple(header)
    if lines and not _is_data(lines[0]):
        columns = tuple(cell.strip() for cell in lines.pop(0).decode().split(","))
        require_names(columns, header, f"{payload.url}: {member}")
        if len(set(columns)) != len(columns):
            raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url}: {member} has a column twice.")
    if not lines:
        raise SourceError(Failure.NO_DATA, f"{payload.url}: {member} has no lines.")
    commas = len(columns) - 1
    whole = [line for line in lines if line.count(b",") == commas]
    if not whole and len({line.count(b",") for line in lines}) == 1:
        found = lines[0].count(b",") + 1
        raise SourceError(
            Failure.CHANGED_LAYOUT, f"{payload.url}: {member} has {found} columns where {len(columns)} were expected."
        )
    rejects: list[Reject] = []
    if len(whole) != len(lines):
        ragged = (line for line in lines if line.count(b",") != commas)
        reason = "{} cells where {} were expected"
        rejects = [_reject(reason.format(line.count(b",") + 1, commas + 1), line.decode()) for line in ragged]
    start, end = _period(name, member)
    return Member(member, start, end, columns, tuple(whole), tuple(rejects))


def joined(members: Sequence[Member], header: Sequence[str]) -> pl.DataFrame:
    """The lines of all members as text columns, with the position of their `_file`, and its `_start` and `_end`."""
    same = {member.columns for member in members}
    frames = [_cells([member for member in members if member.columns == columns], columns) for columns in same]
    order = [[at for at, member in enumerate(members) if member.columns == columns] for columns in same]
    numbered = [
        frame.select(*header, pl.lit(pl.Series(places, dtype=pl.Int32)).gather(pl.col("_file")).alias("_file"))
        for frame, places in zip(frames, order, strict=True)
    ]
    lines = pl.concat(numbered) if len(numbered) > 1 else numbered[0]
    starts = pl.Series([member.start for member in members], dtype=pl.Date).cast(INSTANT)
    ends = pl.Series([member.end for member in members], dtype=pl.Date).cast(INSTANT)
    return lines.sort("_file", maintain_order=True).with_columns(
        pl.lit(starts).gather(pl.col("_file")).alias("_start"), pl.lit(ends).gather(pl.col("_file")).alias("_end")
    )


def typed_lines(
    payloads: Sequence[Payload],
    members: Sequence[Member],
    lines: pl.DataFrame,
    rules: CsvRules,
    columns: Mapping[str, Column],
    *,
    observed: str,
) -> list[Parsed]:
    """What each file holds, in the declared columns and types; lines that do not fit are refused.

    `lines` are `joined` from the members. Bounds, finite numbers and times are held as in `sources.core.parsing.typed`.
    """
    fields = rules.fields
    frame = lines.select(*(fields[name].value.alias(name) for name in columns), "_file", "_start", "_end")
    reasons: dict[int, str] = {}
    for name, column in columns.items():
        for index, reason in _unfit(frame[name], lines[fields[name].cell], column):
            reasons.setdefault(index, f"{name}: {reason}")
    latest = pl.Series([_naive(payload.fetched_at) + FUTURE_TOLERANCE for payload in payloads], dtype=INSTANT)
    further = {
        f"{observed}: lies in the future": pl.col(observed) > pl.lit(latest).gather(pl.col("_file")),
        **rules.refusals,
    }
    wrong = frame.select(test.fill_null(False).alias(str(at)) for at, test in enumerate(further.values()))
    for at, reason in enumerate(further):
        for index in wrong[str(at)].arg_true().to_list():
            reasons.setdefault(index, reason)
    rejects: list[list[Reject]] = [list(member.rejects) for member in members]
    if reasons:
        texts = lines.drop("_file", "_start", "_end")
        for index, reason in sorted(reasons.items()):
            rejects[frame["_file"][index]].append(_reject(reason, ",".join(cell or "" for cell in texts.row(index))))
        keep = pl.Series([index not in reasons for index in range(frame.height)], dtype=pl.Boolean)
        frame = frame.filter(keep)
    if rules.absent:
        frame = frame.with_columns(pl.when(~none).then(pl.col(name)).alias(name) for name, none in rules.absent.items())
    counts = dict(frame["_file"].value_counts().iter_rows())
    rows, offset, parsed = frame.select(*columns), 0, []
    for at in range(len(members)):
        count = counts.get(at, 0)
        parsed.append(Parsed(rows.slice(offset, count), tuple(rejects[at])))
        offset += count
    return parsed


def number(cell: str) -> CsvField:
    """A decimal."""
    return CsvField(cell, pl.col(cell).str.strip_chars().cast(pl.Float64, strict=False))


def text(cell: str) -> CsvField:
    """A text."""
    return CsvField(cell, pl.col(cell).str.strip_chars())


def epoch(cell: str) -> CsvField:
    """Milliseconds or microseconds since 1970, told apart by their size: 13 digits or 16 (until the year 2286)."""
    stamp = pl.col(cell).str.strip_chars().cast(pl.Int64, strict=False)
    in_us = pl.when(stamp >= 10**15).then(stamp).when(stamp.is_between(10**11, 10**14)).then(stamp * 1000)
    return CsvField(cell, in_us.cast(INSTANT))


def _inflated(payload: Payload, name: re.Pattern[str]) -> tuple[str, bytes]:
    """Name and content of the only member."""
    if not payload.body.startswith(b"PK"):
        raise _no_zip(payload)
    try:
        with zipfile.ZipFile(io.BytesIO(payload.body)) as archive:
            entries = archive.infolist()
            entry = entries[0] if len(entries) == 1 else None
            if entry is None or entry.filename != entry.orig_filename or not name.fullmatch(entry.filename):
                listed = ", ".join(ascii(each.orig_filename)[1:-1][:80] for each in entries[:3]) or "nothing"
                what = f"{payload.url} holds {listed}; expected is one file like {_plain(name)}."
                raise SourceError(Failure.CHANGED_LAYOUT, what)
            if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _PACKED_AS:
                raise SourceError(Failure.NOT_DATA, f"{payload.url} is encrypted or packed in an unusual way.")
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise SourceError(Failure.NOT_DATA, f"{payload.url} holds a link where a file was expected.")
            with archive.open(entry) as opened:
                body = bytearray()
                while chunk := opened.read(_CHUNK_BYTES):
                    body += chunk
                    limit = min(MOST_BYTES, max(RATIO_COUNTS_FROM_BYTES, MOST_RATIO * len(payload.body)))
                    if len(body) > limit:
                        what = f"{payload.url}: {len(payload.body)} bytes open to more than {limit}."
                        raise SourceError(Failure.TOO_LARGE, what)
    except SourceError:
        raise
    except _BROKEN as error:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} is no whole zip file: {error!s:.120}.") from None
    return entry.filename, bytes(body)


def _no_zip(payload: Payload) -> SourceError:
    if looks_like_html(payload.body):
        return SourceError(Failure.BLOCKED, f"{payload.url} sent a web page where a zip file was expected.")
    if payload.body.strip() and payload.body.isascii() and b"\0" not in payload.body:
        return SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sent text where a zip file was expected.")
    return SourceError(Failure.NOT_DATA, f"{payload.url} sent no zip file.")


def _is_data(line: bytes) -> bool:
    """Whether a first line holds values: a header's first cell is a word, a value's begins with a digit."""
    return line.lstrip()[:1].isdigit()


def _period(name: re.Pattern[str], member: str) -> tuple[date, date]:
    match = name.fullmatch(member)
    parts = match.groupdict() if match else {}
    try:
        start = date(int(parts["year"]), int(parts["month"]), int(parts.get("day") or 1))
    except (KeyError, ValueError):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{member} is named after no day and no month.") from None
    if parts.get("day"):
        return start, start + timedelta(days=1)
    return start, (start + timedelta(days=31)).replace(day=1)


def _cells(members: Sequence[Member], columns: Sequence[str]) -> pl.DataFrame:
    body = b"\n".join(line for member in members for line in member.lines)
    if not body:
        return pl.DataFrame(schema={**dict.fromkeys(columns, pl.String), "_file": pl.Int32})
    counts = pl.Series([len(member.lines) for member in members], dtype=pl.Int64)
    places = pl.select(pl.int_range(len(members), dtype=pl.Int32).repeat_by(pl.lit(counts)).explode()).to_series()
    frame = pl.read_csv(
        body,
        has_header=False,
        new_columns=list(columns),
        infer_schema=False,
        quote_char=None,
    )
    return frame.with_columns(places.alias("_file"))


def _unfit(cast: pl.Series, cells: pl.Series, column: Column) -> list[tuple[int, str]]:
    """Positions whose cell (null where blank) does not fit the column, with the reason; usually none, after scans."""
    values = cells.to_list() if cast.null_count() else _Lazy(cells)
    return list(refused(cast, values, column, GENESIS, None))


class _Lazy(Sequence[object]):
    """Cells that are looked at only where one is refused."""

    def __init__(self, cells: pl.Series) -> None:
        self._cells = cells

    def __len__(self) -> int:
        return self._cells.len()

    def __getitem__(self, index: int) -> object:  # type: ignore[override]  # never sliced
        return self._cells[index]


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def _plain(name: re.Pattern[str]) -> str:
    """A pattern as people write a name: BTCUSDT-1h-YYYY-MM-DD.csv."""
    shown = re.sub(r"\(\?:-\(\?P<day>[^)]*\)\)\??", "[-DD]", name.pattern)
    for group, letters in (("year", "YYYY"), ("month", "MM"), ("day", "DD")):
        shown = re.sub(rf"\(\?P<{group}>[^)]*\)", letters, shown)
    return shown.replace("\\", "")


def _reject(reason: str, line: str) -> Reject:
    return Reject(reason, line[:LONGEST_REJECT])
