"""The log of forecasts: landed first, inserted second, never rewritten, and chained by hashes.

A publication is the rows that one run adds. It is landed as one decision, so that a rebuild brings it back, with a hash
of each row and a head: SHA-256 over the head before, its own place and time, and the hashes of its rows. Whoever holds
a head that was published somewhere can show that nothing before it was changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import polars as pl

from warehouse.database import Warehouse
from warehouse.decisions import Decision
from warehouse.incoming import naive
from warehouse.landing import Landing
from warehouse.logs import as_text, replay_log
from warehouse.tables import RAW

KIND = "forecasts"
LOG, STRIKES, HEADS = "forecast_log", "forecast_strike_log", "forecast_head"
FIRST_HEAD = ""
HASH_DIGITS = 32

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """One thing that does not agree with the chain: which publication or row, and in what."""

    where: str
    what: str


def append(warehouse: Warehouse, forecasts: pl.DataFrame, strikes: pl.DataFrame, at: datetime) -> str | None:
    """Add rows as one publication; the new head, or None when there is nothing to add.

    To be called after `catch_up`, which takes in what an interrupted run has landed and not inserted.
    """
    if forecasts.is_empty() and strikes.is_empty():
        return None
    sequence, previous = _last(warehouse.connection)
    tables = {LOG: _landed(forecasts), STRIKES: _landed(strikes)}
    published_at = naive(at.astimezone(UTC)).isoformat(sep=" ")
    record = {
        "sequence": sequence + 1,
        "published_at": published_at,
        "previous_head": previous,
        "head": _head(previous, sequence + 1, published_at, tables),
        "tables": tables,
    }
    with warehouse.transaction() as connection:
        _insert(connection, record)
        warehouse.landing.decide(KIND, record, at)
    return str(record["head"])


def catch_up(warehouse: Warehouse) -> None:
    """Insert what was landed and is not in the build file: a run was cut off between the two."""
    sequence, _ = _last(warehouse.connection)
    for decision in warehouse.landing.decisions(KIND):
        if decision.record["sequence"] > sequence:
            replay(warehouse.connection, decision.record)


def replay(connection: duckdb.DuckDBPyConnection, record: Mapping[str, Any]) -> None:
    """Insert a landed publication again."""
    connection.execute("begin")
    _insert(connection, record)
    connection.execute("commit")


def publications(landing: Landing) -> Iterator[Decision]:
    """Every landed publication, oldest first. Raises LandingError on a damaged file."""
    return landing.decisions(KIND)


def head(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The newest head; None before the first publication."""
    sequence, last = _last(connection)
    return last if sequence else None


def chain_faults(records: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """What in landed publications (oldest first) does not agree with their hashes, the first fault first."""
    faults: list[Fault] = []
    previous = FIRST_HEAD
    for place, record in enumerate(records, start=1):
        where = f"publication {record['sequence']} of {record['published_at']}"
        if record["sequence"] != place:
            faults.append(Fault(where, f"publication {place} of the chain is missing"))
        if record["previous_head"] != previous:
            faults.append(Fault(where, "it does not name the head of the publication before"))
        for name, table in record["tables"].items():
            for row, stated in zip(table["rows"], table["row_hashes"], strict=True):
                if _row_hash(table["columns"], row) != stated:
                    faults.append(Fault(f"{where}, {describe(name, table['columns'], row)}", "the row was changed"))
        made = _head(record["previous_head"], record["sequence"], record["published_at"], record["tables"])
        if made != record["head"]:
            faults.append(Fault(where, "its rows do not give the head that it states"))
        previous = record["head"]
    return faults


def describe(table: str, columns: Sequence[str], row: Sequence[object]) -> str:
    """A row of a log in words: its key."""
    of = dict(zip(columns, row, strict=True))
    key = f"{table} {of['forecast_date']}, {of['horizon_days']} days, {of['method']}"
    return f"{key}, {of['role']} {of['strike_usd']}" if "strike_usd" in of else key


def _last(connection: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    found = connection.execute(f"select sequence, head from {RAW}.{HEADS} order by sequence desc limit 1").fetchone()
    return (int(found[0]), str(found[1])) if found else (0, FIRST_HEAD)


def _landed(rows: pl.DataFrame) -> dict[str, Any]:
    texts = [[as_text(value) for value in row] for row in rows.iter_rows()]
    return {
        "columns": rows.columns,
        "rows": texts,
        "row_hashes": [_row_hash(rows.columns, row) for row in texts],
    }


def _row_hash(columns: Sequence[str], row: Sequence[object]) -> str:
    text = json.dumps(dict(zip(columns, row, strict=True)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def _head(previous: str, sequence: int, published_at: str, tables: Mapping[str, Mapping[str, Any]]) -> str:
    digest = hashlib.sha256(f"{previous}\n{sequence}\n{published_at}\n".encode())
    for name in (LOG, STRIKES):
        digest.update("\n".join([name, *tables[name]["row_hashes"], ""]).encode())
    return digest.hexdigest()


def _insert(connection: duckdb.DuckDBPyConnection, record: Mapping[str, Any]) -> None:
    for name, table in record["tables"].items():
        if table["rows"]:
            replay_log(connection, name, table)
    counts = [len(record["tables"][name]["rows"]) for name in (LOG, STRIKES)]
    connection.execute(
        f"insert into {RAW}.{HEADS} values (?, cast(? as timestamp), ?, ?, ?, ?)",
        [record["sequence"], record["published_at"], *counts, record["previous_head"], record["head"]],
    )
