"""Which days' pages must be written again: a fingerprint of everything that a day's page is made of.

Nothing is rendered to find out. The marts are hashed by date inside DuckDB; a page depends on its own date, on the
dates that it looks back to, on the calendar around it, on its neighbours, and on definitions, texts and templates.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Final

import duckdb

from reporting.context import ATTRIBUTION_DAYS, EARLIER_DAYS, EVENTS_BACK_DAYS, HISTORY_DAYS
from reporting.published import PublishedWarehouse

ROOM: Final = Path(__file__).parent.parent  # code, texts and templates
EVENTS_AHEAD_DAYS: Final = 45
# What the lines of the charts and their sentences are made of.
LINES: Final = "select signal_date, signal_id, value_as_known, observed_date, is_fresh from marts.fct_signal_daily"
DEFINITIONS: Final = ("dim_signal", "dim_rule", "dim_bucket", "dim_origin")


def fingerprints(warehouse: PublishedWarehouse) -> dict[date, str]:
    """The fingerprint of each date's page, ascending."""
    days = warehouse.signal_dates()
    own = _by_date(warehouse, [f"from marts.{mart}" for mart in _facts(warehouse.connection)])
    lines = _by_date(warehouse, [LINES])
    events = _events(warehouse)
    common = _common(warehouse)
    looked_at = [*range(ATTRIBUTION_DAYS + 1), *EARLIER_DAYS]
    found = {}
    for before, day, after in zip([None, *days], days, [*days[1:], None], strict=False):
        parts = [
            *(own.get(day - timedelta(days=ago), 0) for ago in looked_at),
            reduce(xor, (lines.get(day - timedelta(days=ago), 0) for ago in range(HISTORY_DAYS + 1))),
            sum(mark for dated, mark in events if -EVENTS_BACK_DAYS <= (dated - day).days <= EVENTS_AHEAD_DAYS),
        ]
        found[day] = _digest([common, before, after, *parts])
    return found


def _facts(connection: duckdb.DuckDBPyConnection) -> Sequence[str]:
    """The marts that have rows by signal date, but for the log, which grows with every publication."""
    rows = connection.execute(
        "select table_name from duckdb_columns() where schema_name = 'marts' and column_name = 'signal_date' "
        "and table_name <> 'fct_regime_log' order by all"
    ).fetchall()
    return [name for (name,) in rows]


def _by_date(warehouse: PublishedWarehouse, queries: Iterable[str]) -> Mapping[date, int]:
    """One number a date for the rows of these queries, whatever their order."""
    found: dict[date, int] = {}
    for number, query in enumerate(queries):
        rows = warehouse.connection.execute(
            f"select signal_date, sum(hash(each, {number})::hugeint) from ({query}) as each group by signal_date"
        ).fetchall()
        for day, mark in rows:
            found[day] = found.get(day, 0) ^ mark
    return found


def _events(warehouse: PublishedWarehouse) -> list[tuple[date, int]]:
    return warehouse.connection.execute("select event_date, hash(each) from marts.dim_event as each").fetchall()


def _common(warehouse: PublishedWarehouse) -> str:
    """What every page is made of: definitions, and the code, texts and templates of this room."""
    marks = [
        warehouse.connection.execute(f"select sum(hash(each)::hugeint) from marts.{mart} as each").fetchone()
        for mart in DEFINITIONS
    ]
    files = sorted(path for path in ROOM.rglob("*") if path.suffix in {".py", ".toml", ".j2", ".js"})
    return _digest([marks, *(path.read_bytes() for path in files)])


def _digest(parts: Iterable[object]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else f"{part}\0".encode())
    return digest.hexdigest()[:16]
