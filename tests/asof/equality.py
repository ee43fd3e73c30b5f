"""Are two kept builds the same? By hash of the sorted rows; if not, the first differences in words."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import duckdb

from tests.asof.history import marts
from warehouse.fingerprint import table_hash

# What a full build says of a date as known at its cut-off, mart by mart: all columns, or these.
AS_KNOWN = {
    "fct_signal_daily": (
        "signal_date, signal_id, bucket, unit, value_as_known, observed_date, age_days, is_fresh, change_1d, "
        "change_7d, percentile_365d, zscore_365d, observations_365d, provider, source_count, method_note"
    ),
    "fct_bucket_daily": "*",
    "fct_regime_daily": "*",
    "fct_condition_daily": "*",
    "fct_rule_daily": "*",
    "fct_move_attribution_daily": "*",
}
SHOWN = 5


def as_known(schema: str, mart: str, until: date) -> str:
    """The as-known rows of a mart up to a date, as SQL. A signal with only a settled reading has none."""
    known = "and value_as_known is not null" if mart == "fct_signal_daily" else ""
    return f"(select {AS_KNOWN[mart]} from \"{schema}\".{mart} where signal_date <= date '{until}' {known})"


def differences(kept: Path, pairs: Iterable[tuple[str, str, str]]) -> list[str]:
    """For each (name, relation, relation) whose rows are not the same, some rows of either side."""
    found = []
    with duckdb.connect(str(kept), read_only=True) as connection:
        for name, left, right in pairs:
            if table_hash(connection, left) != table_hash(connection, right):
                found += [f"{name}, only in {side}: {row}" for side, row in _unmatched(connection, left, right)]
    return found


def same_as_known(kept: Path, full: str, earlier: str, until: date) -> list[str]:
    """What a full build says of the dates up to one as known, against the build of an earlier time."""
    return differences(kept, ((mart, as_known(full, mart, until), as_known(earlier, mart, until)) for mart in AS_KNOWN))


def same_marts(kept: Path, left: str, right: str) -> list[str]:
    """All rows and columns of all marts of two builds."""
    with duckdb.connect(str(kept), read_only=True) as connection:
        names = marts(connection, left)
    return differences(kept, ((mart, f'"{left}".{mart}', f'"{right}".{mart}') for mart in names))


def _unmatched(connection: duckdb.DuckDBPyConnection, left: str, right: str) -> list[tuple[str, str]]:
    return [
        (side, str({name: str(value) for name, value in zip(rows.columns, row, strict=True)}))
        for side, here, there in (("the first", left, right), ("the second", right, left))
        for rows in [connection.sql(f"(from {here}) except all (from {there}) order by all limit {SHOWN}")]
        for row in rows.fetchall()
    ]
