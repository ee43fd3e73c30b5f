"""Append-only logs: fetch attempts, and every regime as it was published.

Entries are landed as decisions first and inserted second, so that a rebuild brings them back and nothing that is edited
later rewrites what was said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import numpy as np
import polars as pl

from warehouse.database import Warehouse
from warehouse.incoming import naive
from warehouse.tables import RAW, columns_of, insert, quoted, quoted_list, types_of
from warehouse.unfinished_build import require_finished

REGIMES = "fct_regime_daily"
# What a reader was told. A date gets a new entry when one of these changes, but not for a new price or wording.
SAID = (
    "regime",
    *("h1", "h2", "h3", "r1", "r2", "r3", "s1", "s2", "s3"),
    "next_condition",
    "fully_confirmed",
    "position",
    "evidence_for_level",
)


@dataclass(frozen=True)
class Attempt:
    """One attempt to fetch a dataset; instants are aware UTC. `failure` is a `sources.core.errors.Failure` value.

    `asked_from` and `asked_until` bound the time that answered questions were about; None when none was answered.
    """

    dataset_id: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    failure: str | None = None
    message: str | None = None
    requests: int = 0
    bytes: int = 0
    asked_from: datetime | None = None
    asked_until: datetime | None = None


def log_attempts(warehouse: Warehouse, attempts: Sequence[Attempt]) -> None:
    """Add fetch attempts to `raw.attempt`."""
    _append(warehouse, "attempt", [asdict(attempt) for attempt in attempts], datetime.now(UTC))


def log_regimes(warehouse: Warehouse, *, code_version: str, published_at: datetime | None = None) -> int:
    """Add to `raw.regime_log` each regime of `marts.fct_regime_daily` that is new for its date or differs from the last
    entry; return how many.

    Call it after the dbt build and before `publish`, but not for builds as of an earlier time, which are replays.
    Raises PublishError when the last build did not end well, for what is logged stays.
    """
    connection = warehouse.connection
    require_finished(connection, warehouse.home.path)
    built = columns_of(connection, "marts", REGIMES)
    said = [name for name in built if name in SAID]
    if not said:
        return 0
    logged = types_of(connection, RAW, "regime_log")
    columns = [name for name in built if name in logged]
    differs = " or ".join(f"told.{quoted(name)} is distinct from last_entry.{quoted(name)}" for name in said)
    entries = connection.execute(
        f"""
        select {quoted_list(columns, "told")}
        from marts.{REGIMES} told
        left join (
            from {RAW}.regime_log qualify row_number() over (partition by signal_date order by published_at desc) = 1
        ) last_entry using (signal_date)
        where last_entry.signal_date is null or {differs}
        order by signal_date
        """
    ).pl()
    at = published_at or datetime.now(UTC)
    own = {"published_at": at, "code_version": code_version}
    _append(warehouse, "regime_log", [{**row, **own} for row in entries.iter_rows(named=True)], at)
    return entries.height


def replay_log(connection: duckdb.DuckDBPyConnection, kind: str, record: Mapping[str, Any]) -> None:
    """Insert the entries of a landed log decision again."""
    columns, rows = record["columns"], record["rows"]
    known = types_of(connection, RAW, kind)
    # The entries are text, which DuckDB casts to the column's type, so a log entry reads the same in ten years.
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    insert(connection, f"{RAW}.{quoted(kind)}", frame.select(name for name in columns if name in known))


def _append(warehouse: Warehouse, kind: str, entries: Sequence[Mapping[str, Any]], at: datetime) -> None:
    if not entries:
        return
    columns = list(entries[0])
    record = {"columns": columns, "rows": [[as_text(entry[name]) for name in columns] for entry in entries]}
    with warehouse.transaction() as connection:
        replay_log(connection, kind, record)
        warehouse.landing.decide(kind, record, at)


def as_text(value: object) -> str | None:
    """A value as a landed log keeps it: text that DuckDB casts back to the same value.

    A list is one of 32-bit numbers.
    """
    if value is None:
        return None
    if isinstance(value, list):
        return f"[{', '.join(str(np.float32(item)) for item in value)}]"
    if isinstance(value, datetime):
        return (naive(value) if value.tzinfo else value).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)
