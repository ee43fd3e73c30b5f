"""The scorecard: what followed each bucket state, condition and regime, over every day that the board has."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl

from analytics.scorecard import HORIZONS_DAYS, Followed, followed, lasted
from warehouse.database import Warehouse
from warehouse.table_definition import TableDefinition
from warehouse.tables import insert

SUBJECTS: Final = """
    select signal_date, 'regime' as kind, 'regime' as subject, regime as state, true as holds
    from marts.fct_regime_daily
    union all
    select signal_date, 'bucket', bucket, state, true from marts.fct_bucket_daily
    union all
    select signal_date, 'condition', condition_id, 'holds', holds from marts.fct_condition_daily
    where regexp_matches(condition_id, '^[HRS][1-3]$')
"""

# Columns of the table, and what they are called in analytics.
PERCENT: Final[Mapping[str, str]] = {
    "return_true_pct": "return_true",
    "return_false_pct": "return_false",
    "difference_pct": "difference",
    "lo90_pct": "low",
    "hi90_pct": "high",
    "drawdown_true_pct": "drawdown_true",
    "drawdown_false_pct": "drawdown_false",
    "first_half_pct": "first_half",
    "second_half_pct": "second_half",
}
SCORECARD_TABLES: Final[Mapping[str, TableDefinition]] = {
    "scorecard": TableDefinition(
        "One row a bucket state, condition or regime, and horizon: how often it held, and what followed.",
        {
            "kind": ("VARCHAR", "bucket, condition or regime."),
            "subject": ("VARCHAR", "Which bucket or condition; regime for a regime."),
            "state": ("VARCHAR", "The state or regime; holds for a condition."),
            "horizon_days": ("INTEGER", "Days ahead [days]."),
            "days_known": ("INTEGER", "Days on which it was known whether it held [days]."),
            "days_true": ("INTEGER", "Days on which it held [days]."),
            "spells": ("INTEGER", "Unbroken runs of such days [count]."),
            "median_spell_days": ("DOUBLE", "Median length of a run [days]."),
            "stretches": ("INTEGER", "Runs more than 30 days apart [count]."),
            "return_true_pct": ("DOUBLE", "Mean return over the days ahead when it held [percent]."),
            "return_false_pct": ("DOUBLE", "The same when it did not [percent]."),
            "difference_pct": ("DOUBLE", "The former less the latter [percentage points]."),
            "lo90_pct": ("DOUBLE", "Lower end of its 90 % interval, block bootstrap [percentage points]."),
            "hi90_pct": ("DOUBLE", "Upper end of it [percentage points]."),
            "drawdown_true_pct": ("DOUBLE", "Mean fall to the lowest close ahead when it held [percent]."),
            "drawdown_false_pct": ("DOUBLE", "The same when it did not [percent]."),
            "first_half_pct": ("DOUBLE", "The difference in the first half of the days [percentage points]."),
            "second_half_pct": ("DOUBLE", "The difference in the second half [percentage points]."),
            "windows": ("INTEGER", "Windows ahead of it that do not overlap [count]."),
            "verdict": (
                "VARCHAR",
                "too_few (under 20 windows), up, down (interval beyond nought, same sign in both halves) or nothing.",
            ),
        },
    )
}


def write_scorecard(warehouse: Warehouse) -> int:
    """Compute the scorecard anew over the built marts; how many rows it has. 0 where the marts are not all there."""
    connection = warehouse.connection
    try:
        said = connection.sql(SUBJECTS).pl()
        closes = connection.sql(
            "select signal_date, btc_close_usd from marts.fct_regime_daily order by signal_date"
        ).pl()
    except duckdb.CatalogException:
        return 0
    rows = list(_rows(said, closes))
    schema = connection.sql("select * from analytics.scorecard limit 0").pl().schema
    with warehouse.transaction():
        connection.execute("delete from analytics.scorecard")
        if rows:
            insert(connection, "analytics.scorecard", pl.DataFrame(rows, schema=schema, orient="row").fill_nan(None))
    return len(rows)


def _rows(said: pl.DataFrame, closes: pl.DataFrame) -> Iterator[dict[str, Any]]:
    if closes.is_empty():
        return
    calendar = closes.select(day=pl.date_ranges(pl.col("signal_date").min(), pl.col("signal_date").max()).explode())
    close = (
        calendar.join(closes, left_on="day", right_on="signal_date", how="left", maintain_order="left")["btc_close_usd"]
        .fill_null(np.nan)
        .to_numpy()
    )
    subjects, held = [], []
    for (kind, subject), of_subject in said.group_by("kind", "subject", maintain_order=True):
        for state in of_subject["state"].drop_nulls().unique().sort():
            # A condition is unknown on a day without an answer; a bucket or regime is in one state or another.
            holds = pl.when(pl.col("state") == state).then(pl.col("holds")).otherwise(pl.lit(False))
            daily = of_subject.select("signal_date", held=holds.cast(pl.Float64))
            joined = calendar.join(daily, left_on="day", right_on="signal_date", how="left", maintain_order="left")
            subjects.append({"kind": kind, "subject": subject, "state": state})
            held.append(joined["held"].fill_null(np.nan).to_numpy())
    often = [asdict(lasted(values)) for values in held]
    for horizon in HORIZONS_DAYS:
        for subject, lasting, after in zip(subjects, often, followed(np.stack(held), close, horizon), strict=True):
            yield {**subject, "horizon_days": horizon, **lasting, **_followed(after)}


def _followed(after: Followed | None) -> dict[str, Any]:
    if after is None:
        return {**dict.fromkeys(PERCENT), "windows": 0, "verdict": "too_few"}
    percent = {column: getattr(after, name) for column, name in PERCENT.items()}
    return {**percent, "windows": after.windows, "verdict": after.verdict}
