"""Values as sent to a column of the declared type, and the positions of those that do not fit."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import polars as pl

from sources.core.column import INSTANT, Column
from sources.core.payload import NO_VALUE

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DIGITS = re.compile(r"[+-]?\d{1,19}")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def cast_to(name: str, values: Sequence[object], dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """The values in the declared type; null where one does not fit.

    Whole columns of one Python type go through Polars at once, mixed ones value by value.
    """
    present = set(map(type, values)) - {type(None)}
    if dtype == pl.Float64:
        return _numbers(name, values, present)
    if dtype == pl.Int64:
        return pl.Series(name, [whole(value) for value in values], dtype=pl.Int64)
    if dtype == INSTANT:
        return pl.Series(name, _instants(values), dtype=INSTANT)
    if dtype == pl.Date:
        return pl.Series(name, [_date(value) for value in values], dtype=pl.Date)
    kind = str if dtype == pl.String else bool
    return pl.Series(name, [value if isinstance(value, kind) else None for value in values], dtype=dtype)


def refused(
    cast: pl.Series, values: Sequence[object], column: Column, earliest: datetime, latest: datetime | None
) -> Iterable[tuple[int, str]]:
    """Positions that do not fit the declaration, with the reason; `latest` is None where the future is allowed.

    A column without any, the usual case, costs a few scans.
    """
    nulls = cast.null_count()
    if nulls and not (column.nullable and nulls == values.count(None)):
        for index in cast.is_null().arg_true().to_list():
            if values[index] is not None:
                yield index, f"{shown(values[index])} is no {_named(column.dtype)}"
            elif not column.nullable:
                yield index, "no value"
    if cast.dtype == pl.Float64:
        yield from _each(~cast.is_finite(), values, "is not finite")
    if cast.dtype == pl.String:
        yield from _each(cast.str.contains("\0", literal=True), values, "has a NUL byte or was given twice")
    if not column.may_be_zero:
        yield from _each(cast == 0, values, NO_VALUE)
    if column.minimum is not None:
        yield from _each(cast < column.minimum, values, f"is below {column.minimum:g}")
    if column.maximum is not None:
        yield from _each(cast > column.maximum, values, f"is above {column.maximum:g}")
    if cast.dtype in (pl.Date, INSTANT):
        yield from _each(cast < _as_bound(earliest, cast), values, f"is before {earliest.date()}")
        if latest is not None:
            yield from _each(cast > _as_bound(latest, cast), values, "lies in the future")


def whole(value: object) -> int | None:
    """A whole number of at most 64 bits from a number or a text of digits, kept exact; None for anything else."""
    if isinstance(value, str):
        value = int(value) if _DIGITS.fullmatch(value) else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def shown(value: object) -> str:
    """A value inside a message: short, on one line, without control characters."""
    text = repr(value) if isinstance(value, str) else ascii(str(value))[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."


def _numbers(name: str, values: Sequence[object], present: set[type]) -> pl.Series:
    if present <= {float}:
        return pl.Series(name, values, dtype=pl.Float64)
    if present == {str}:
        return pl.Series(name, values, dtype=pl.String).cast(pl.Float64, strict=False)
    return pl.Series(name, [_float(value) for value in values], dtype=pl.Float64)


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, float | int | str):
        return None
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _instants(values: Sequence[object]) -> list[datetime | None]:
    """Naive UTC instants. A chain repeats its few expiries a thousand times, so each is worked out once."""
    try:
        known = {value: _instant(value) for value in set(values)}
    except TypeError:  # a list or an object where a time should be
        return [_instant(value) for value in values]
    return [known[value] for value in values]


def _instant(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value


def _date(value: object) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if _ISO_DATE.fullmatch(value) else None
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _each(wrong: pl.Series, values: Sequence[object], reason: str) -> Iterable[tuple[int, str]]:
    if wrong.any():
        for index in wrong.arg_true().to_list():
            yield index, f"{shown(values[index])} {reason}"


def _as_bound(instant: datetime, cast: pl.Series) -> datetime | date:
    return instant.date() if cast.dtype == pl.Date else instant


def _named(dtype: pl.DataType | type[pl.DataType]) -> str:
    for known, name in ((pl.Float64, "number"), (pl.Int64, "whole number"), (pl.String, "text"), (pl.Date, "date")):
        if dtype == known:
            return name
    return "truth value" if dtype == pl.Boolean else "time"
