"""Runs of days with the same label: how many, how long, and which the edge of the data cut off."""

import polars as pl

REGIMES = (
    "capitulation",
    "relief_rally",
    "bear_continuation",
    "stabilizing",
    "confirmed_recovery",
    "expansion",
    "distribution",
    "unknown",
)


def spells(days: pl.DataFrame, label: str = "regime") -> pl.DataFrame:
    """Runs of one label over `days` (signal_date, label): label, start, end, days, is_complete.

    A run is complete when both its beginning and its end were seen: not at the edge of history, not beside a day of
    `unknown`, when nobody knows what the label would have been, and not beside a day that is missing altogether.
    """
    ordered = days.select("signal_date", label=pl.col(label)).sort("signal_date").drop_nulls()
    changed = (pl.col("label") != pl.col("label").shift()) | (pl.col("signal_date").diff().dt.total_days() != 1)
    runs = (
        ordered.with_columns(run=changed.fill_null(True).cum_sum())
        .group_by("run")
        .agg(pl.col("label").first(), start=pl.col("signal_date").first(), end=pl.col("signal_date").last())
        .sort("start")
        .with_columns(days=(pl.col("end") - pl.col("start")).dt.total_days() + 1)
    )
    known_before = (pl.col("label").shift() != "unknown") & (
        pl.col("start") - pl.col("end").shift() == pl.duration(days=1)
    )
    known_after = (pl.col("label").shift(-1) != "unknown") & (
        pl.col("start").shift(-1) - pl.col("end") == pl.duration(days=1)
    )
    return runs.with_columns(
        begins_seen=known_before.fill_null(False), is_complete=(known_before & known_after).fill_null(False)
    )
