"""Turns rows into versions. A raw table depends on the landed answers alone, and not on how or when they were loaded.

The rule. Take the answers in order of fetch time (answers of the same instant in order of arrival; the last one
counts). For each key, a row becomes a version when any column differs from the row before it. The first version of a
key is known at `least(fetched_at, observed + period + publication lag)`: `observed` when fetched by then, else
`assumed`. Each later version is known at its `fetched_at`, `observed`. No dataset states publication times today;
the basis `stated` is left for the first that does.

Loading in small steps gives the same versions as loading at once. An answer older than the newest loaded one (a page
saved by hand, a clock that jumped) mostly changes nothing: its rows are new keys, or say what was known at that time
anyway. Where it tells something else, the table is derived again from the landing files, by the same rule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sources.core.dataset import Dataset
from warehouse.incoming import INCOMING
from warehouse.tables import quoted, quoted_list, raw_table

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class MergeResult:
    """How many rows became versions: first ones of their key, and later ones."""

    new: int
    revised: int


def contradicts_history(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, fetched_until: datetime | None
) -> bool:
    """Whether INCOMING tells, of a time already loaded (naive UTC), something else than the raw table does."""
    oldest = connection.execute(f"select min(_fetched_at) from {INCOMING}").fetchone()
    if fetched_until is None or not oldest or oldest[0] is None or oldest[0] > fetched_until:
        return False
    key = quoted_list(dataset.key)
    same_key = " and ".join(f"late.{quoted(name)} = stored.{quoted(name)}" for name in dataset.key)
    row = connection.execute(
        f"""
        select 1
        from (
            select * from {INCOMING} semi join {raw_table(dataset)} using ({key}) where _fetched_at <= $until
        ) late
        asof left join {raw_table(dataset)} stored on {same_key} and late._fetched_at >= stored.known_at
        where stored.known_at is null or {_differs(dataset, "late", "stored")}
            -- Fetched at the very instant up to which a lag was only assumed: the basis becomes 'observed'.
            or (stored.known_at = late._fetched_at and stored.known_at_basis = 'assumed')
        limit 1
        """,
        {"until": fetched_until},
    ).fetchone()
    return row is not None


def merge(connection: duckdb.DuckDBPyConnection, dataset: Dataset, fetched_until: datetime | None) -> MergeResult:
    """Add to the raw table what INCOMING has that is new.

    Of keys already stored, rows fetched up to `fetched_until` (naive UTC) are passed over: `contradicts_history`
    has shown that they tell nothing new.
    """
    table, key, columns = raw_table(dataset), quoted_list(dataset.key), quoted_list(list(dataset.columns))
    arrivals = f"select * from {INCOMING}"
    if fetched_until is not None:
        arrivals = (
            f"select * from {INCOMING} where _fetched_at > $until union all "
            f"select * from {INCOMING} anti join {table} using ({key}) where _fetched_at <= $until"
        )
    data = [name for name in dataset.columns if name not in dataset.key]
    before = ", ".join(f"lag({quoted(name)}) over history as {quoted('_before_' + name)}" for name in data)
    changed = " or ".join(f"{quoted(name)} is distinct from {quoted('_before_' + name)}" for name in data) or "false"
    delay = (dataset.period + dataset.publication_lag) // MICROSECOND
    due = f"{quoted(dataset.observed)}::timestamp + to_microseconds({delay})"
    connection.execute(
        f"""
        create or replace temp table _versions as
        with
        arrivals as ({arrivals}),
        settled as (
            -- Pages fetched at one instant may overlap; the last one to arrive counts.
            from arrivals
            qualify row_number() over (partition by {key}, _fetched_at order by _file_no desc) = 1
        ),
        stored as (
            select {columns}, known_at
            from {table} semi join settled using ({key})
            qualify row_number() over (partition by {key} order by known_at desc) = 1
        ),
        readings as (
            select {columns}, _fetched_at, _load_id, true as _arrived from settled
            union all
            select {columns}, known_at, null, false from stored
        ),
        steps as (
            select *, row_number() over history as _nth {", " + before if before else ""}
            from readings
            window history as (partition by {key} order by _arrived, _fetched_at)
        )
        select
            {columns},
            case when _nth = 1 then least(_fetched_at, {due}) else _fetched_at end as known_at,
            case when _nth = 1 and _fetched_at > {due} then 'assumed' else 'observed' end as known_at_basis,
            _load_id as load_id,
            _nth = 1 as _is_first
        from steps
        where _arrived and (_nth = 1 or {changed})
        """,
        {"until": fetched_until} if fetched_until is not None else {},
    )
    connection.execute(
        f"insert into {table} by name select * exclude (_is_first) from _versions "
        f"order by {quoted(dataset.observed)}, {key}, known_at"
    )
    counts = connection.execute(
        "select count(*) filter (_is_first), count(*) filter (not _is_first) from _versions"
    ).fetchone()
    connection.execute("drop table _versions")
    new, revised = counts or (0, 0)
    return MergeResult(new, revised)


def _differs(dataset: Dataset, left: str, right: str) -> str:
    data = [quoted(name) for name in dataset.columns if name not in dataset.key]
    return "(" + (" or ".join(f"{left}.{name} is distinct from {right}.{name}" for name in data) or "false") + ")"
