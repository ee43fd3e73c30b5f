"""A profile of a table: number of rows, time range, latest row, and one curve of values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from warehouse.tables import quoted, types_of

CURVE_DAYS = 180


@dataclass(frozen=True)
class TableProfile:
    """A table in a few facts. `curve` is the last value of a day, oldest first, of the rows that share the latest row's
    key; `curve_of` says of which column and key. Dates and curve are empty for a table without a day or a number.
    """

    rows: int
    first: date | datetime | None
    last: date | datetime | None
    latest: Mapping[str, Any]
    curve_of: str
    curve: Sequence[tuple[date, float]]


def profile_table(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str, *, day: str | None, key: Sequence[str]
) -> TableProfile:
    """Look at a table. `day` is its column of time, None for a table without; `key` names what tells its rows apart."""
    relation = f"{quoted(schema)}.{quoted(table)}"
    columns = types_of(connection, schema, table)
    [[rows]] = connection.execute(f"select count(*) from {relation}").fetchall()
    if day is None or not rows:
        return TableProfile(rows, None, None, {}, "", ())
    when = quoted(day)
    [(first, last)] = connection.execute(f"select min({when}), max({when}) from {relation}").fetchall()
    others = [name for name in key if name != day]
    order = ", ".join([f"{when} desc nulls last", *map(quoted, others)])
    newest = connection.execute(f"select * from {relation} order by {order} limit 1").fetchall()
    latest = dict(zip(columns, newest[0], strict=True))
    numbers = [name for name, kind in columns.items() if kind == "DOUBLE" and name not in key]
    if not numbers:
        return TableProfile(rows, first, last, latest, "", ())
    # Of a bar the close, of anything else the first number that there is.
    drawn = min(numbers, key=lambda name: (latest[name] is None, not name.startswith("close")))
    same = " and ".join([f"{quoted(name)} = ?" for name in others] or ["true"])
    curve = connection.execute(
        f"""
        select cast({when} as date) as day, arg_max({quoted(drawn)}, {when})
        from {relation}
        where {same} and {when} > cast(? as timestamp) - interval {CURVE_DAYS} day
        group by all
        having arg_max({quoted(drawn)}, {when}) is not null
        order by day
        """,
        [*(latest[name] for name in others), last],
    ).fetchall()
    whose = ", ".join(str(latest[name]) for name in others)
    return TableProfile(rows, first, last, latest, f"{drawn} of {whose}" if whose else drawn, curve)


def day_column(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str | None:
    """The first column of dates or times of a table; None when there is none."""
    columns = types_of(connection, schema, table)
    return next((name for name, kind in columns.items() if kind in {"DATE", "TIMESTAMP"}), None)
