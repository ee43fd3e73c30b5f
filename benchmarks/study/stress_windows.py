"""Known days of stress: what was said on each, on what evidence, and what was not known."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import duckdb
import polars as pl


@dataclass(frozen=True)
class StressWindow:
    """A stretch of days around a fall, and the name that people know it by."""

    name: str
    first: date
    last: date


WINDOWS = (
    StressWindow("March 2020, the pandemic", date(2020, 3, 6), date(2020, 3, 20)),
    StressWindow("May 2021, mining ban in China", date(2021, 5, 10), date(2021, 5, 26)),
    StressWindow("June 2022, Celsius and 3AC", date(2022, 6, 10), date(2022, 6, 24)),
    StressWindow("November 2022, FTX", date(2022, 11, 5), date(2022, 11, 16)),
    StressWindow("5 August 2024, yen carry trade", date(2024, 7, 31), date(2024, 8, 12)),
    StressWindow("February to April 2025, tariffs", date(2025, 2, 20), date(2025, 4, 15)),
    StressWindow("10 October 2025, liquidation cascade", date(2025, 10, 6), date(2025, 10, 20)),
)

# What each family of evidence for a capitulation reads, its first choice and its stand-ins.
FAMILIES = {
    "forced sales": ("liquidations_usd_percentile", "spot_volume_ratio_90d_percentile"),
    "open interest": ("open_interest_change_3d_percentile",),
    "realised loss": ("realized_loss_usd_percentile", "net_realized_pnl_7d_usd_percentile", "sopr_percentile"),
    "fear in options": ("rr25_30d", "dvol_change_1d_percentile"),
}


def read_days(build_file: Path) -> pl.DataFrame:
    """One row a day of the windows and around: label, evidence, states of buckets by kind, families not known."""
    missing = ", ".join(
        f"case when {' and '.join(f'readings.{column} is null' for column in columns)} then '{family}' end"
        for family, columns in FAMILIES.items()
    )
    states = ", ".join(
        f"string_agg(bucket, ', ' order by bucket) filter (where state = '{state}') as {state}"
        for state in ("bear", "bull", "unknown")
    )
    with duckdb.connect(str(build_file), read_only=True) as connection:
        return connection.sql(
            f"""
            with buckets as (
                select
                    signal_date,
                    {states},
                    string_agg(bucket || ': ' || waiting_for, '; ' order by bucket) filter (where state = 'unknown')
                        as waiting_for
                from marts.fct_bucket_daily
                group by signal_date
            ),

            -- What the vendor's open interest said on the two days after, which the label of the day could not know.
            afterwards as (
                select
                    signal_date,
                    min(open_interest_change_3d_pct) over next_days as lowest_change_pct,
                    min(open_interest_change_3d_percentile) over next_days as lowest_percentile
                from intermediate.int_regime__readings
                window next_days as (
                    order by signal_date range between interval 1 day following and interval 2 days following
                )
            )

            select
                regimes.signal_date,
                regimes.regime,
                regimes.explanation,
                regimes.btc_close_usd as close,
                readings.btc_return_1d_pct as return_pct,
                readings.btc_low_to_previous_close_pct as low_pct,
                buckets.* exclude (signal_date),
                triggers.is_sharp_fall,
                triggers.families_known,
                triggers.families_met,
                triggers.is_sharp_fall
                and triggers.families_met = thresholds.families_needed - 1
                and triggers.families_known >= thresholds.families_needed
                and afterwards.lowest_change_pct <= thresholds.open_interest_change_pct
                and afterwards.lowest_percentile <= thresholds.open_interest_percentile
                and not coalesce(
                    readings.open_interest_change_3d_percentile <= thresholds.open_interest_percentile
                    and readings.open_interest_change_3d_pct <= thresholds.open_interest_change_pct, false
                ) as is_confirmed_late,
                context.is_overheated
                and context.distance_from_high_pct >= context.high_distance_pct
                and context.signal_date - context.high_365d_date <= context.high_age_days as is_hot_near_high,
                concat_ws(', ', {missing}) as families_missing
            from marts.fct_regime_daily as regimes
            join buckets on buckets.signal_date = regimes.signal_date
            join intermediate.int_regime__readings as readings on readings.signal_date = regimes.signal_date
            join intermediate.int_regime__triggers as triggers on triggers.signal_date = regimes.signal_date
            join intermediate.int_regime__context as context on context.signal_date = regimes.signal_date
            join intermediate.int_regime__thresholds as thresholds on thresholds.signal_date = regimes.signal_date
            join afterwards on afterwards.signal_date = regimes.signal_date
            order by regimes.signal_date
            """
        ).pl()


def of(days: pl.DataFrame, window: StressWindow) -> pl.DataFrame:
    """The days of a window."""
    return days.filter(pl.col("signal_date").is_between(window.first, window.last))


def worst(days: pl.DataFrame) -> dict[str, object]:
    """The day of the largest fall from close to close."""
    return days.sort("return_pct").row(0, named=True)


def in_words(labels: pl.DataFrame, column: str = "regime") -> str:
    """Labels in their order with their days: `stabilizing 06-10 to 06-12 · capitulation 06-13`."""
    parts = []
    for label, rows in groupby(labels.select("signal_date", column).iter_rows(), key=lambda row: row[1]):
        days = list(rows)
        parts.append(f"{label or 'none'} {days[0][0]:%m-%d}" + (f" to {days[-1][0]:%m-%d}" if len(days) > 1 else ""))
    return " · ".join(parts)
