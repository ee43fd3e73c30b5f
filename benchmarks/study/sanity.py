"""Sanity checks of the labels: capitulation is rare, runs last for days, quiet months are quiet."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from benchmarks.study.history import StudyHistory
from benchmarks.study.spells import REGIMES

CALM_REGIMES = ("stabilizing", "confirmed_recovery", "expansion", "distribution")
QUIET_MONTHS = 12
WORST_DAYS = 10


@dataclass(frozen=True)
class Check:
    """A sentence that should be true, whether it is, and what was found."""

    claim: str
    holds: bool
    found: str


def checks(history: StudyHistory, runs: pl.DataFrame) -> list[Check]:
    """All checks, in the order of the page."""
    regimes = history.regimes
    return [
        _one_label_a_day(history),
        _capitulation_is_rare(regimes),
        _runs_last(runs, regimes),
        _quiet_months(history),
        _worst_days(history),
        _every_regime_occurs(regimes),
    ]


def _one_label_a_day(history: StudyHistory) -> Check:
    expected = (history.last - history.first).days + 1
    found = history.regimes["signal_date"].n_unique()
    whole = found == expected == history.regimes.drop_nulls("regime").height
    return Check("Every day has exactly one regime", whole, f"{found:,} labels on {expected:,} days")


def _capitulation_is_rare(regimes: pl.DataFrame) -> Check:
    days = regimes.filter(pl.col("regime") == "capitulation")
    share = 100 * days.height / regimes.height
    by_year = days.group_by(pl.col("signal_date").dt.year().alias("year")).len().sort("year")
    found = ", ".join(f"{year}: {count}" for year, count in by_year.iter_rows())
    return Check("Capitulation is rare: under 2 % of days", share < 2, f"{share:.1f} % of days ({found})")


def _runs_last(runs: pl.DataFrame, regimes: pl.DataFrame) -> Check:
    slow = runs.filter(~pl.col("label").is_in(["capitulation", "relief_rally", "unknown"]))
    brief = slow.filter(pl.col("days") < 3)
    changes = 365 * (runs.height - 1) / regimes.height
    return Check(
        "Runs last days: fewer than one slow run in ten is under three days",
        brief.height < 0.1 * slow.height,
        f"{brief.height} of {slow.height}; the label changes {changes:.0f} times a year",
    )


def quiet_months(history: StudyHistory) -> pl.DataFrame:
    """The calendar months with the least daily volatility: month, volatility_pct, regimes, capitulation_days."""
    daily = history.prices.with_columns(
        change=100 * pl.col("close").log().diff(), gap=pl.col("signal_date").diff().dt.total_days()
    ).filter(pl.col("gap") == 1)
    by_month = (
        history.regimes.join(daily.select("signal_date", "change"), on="signal_date")
        .group_by(month=pl.col("signal_date").dt.truncate("1mo"))
        .agg(
            days=pl.len(),
            volatility_pct=pl.col("change").std(),
            loud=(~pl.col("regime").is_in([*CALM_REGIMES, "unknown"])).sum(),
            capitulation=(pl.col("regime") == "capitulation").sum(),
            labels=pl.col("regime").value_counts(sort=True),
        )
    )
    return by_month.filter(pl.col("days") >= 25).sort("volatility_pct").head(QUIET_MONTHS)


def _quiet_months(history: StudyHistory) -> Check:
    months = quiet_months(history)
    share = 100 * months["loud"].sum() / months["days"].sum()
    capitulations = months["capitulation"].sum()
    return Check(
        f"The {QUIET_MONTHS} quietest months are quiet: no capitulation, under a tenth of days bearish",
        capitulations == 0 and share < 10,
        f"{capitulations} days of capitulation, {share:.0f} % of days in bear continuation or a relief rally",
    )


def worst_days(history: StudyHistory) -> pl.DataFrame:
    """The days of the largest falls, with the label of the day and of the day after."""
    labels = dict(history.regimes.select("signal_date", "regime").iter_rows())
    daily = history.prices.with_columns(
        change=100 * (pl.col("close") / pl.col("close").shift() - 1), gap=pl.col("signal_date").diff().dt.total_days()
    ).filter(pl.col("gap") == 1)
    worst = daily.sort("change").head(WORST_DAYS).select("signal_date", "change")
    return worst.with_columns(
        regime=pl.Series([labels.get(day) for day in worst["signal_date"]]),
        day_after=pl.Series([labels.get(day + timedelta(days=1)) for day in worst["signal_date"]]),
    )


def _worst_days(history: StudyHistory) -> Check:
    days = worst_days(history)
    named = days.filter(pl.col("regime").is_in(["capitulation", "bear_continuation"]))
    calm = days.filter(~pl.col("regime").is_in(["capitulation", "bear_continuation"]))
    others = ", ".join(f"{day} {regime}" for day, regime in calm.select("signal_date", "regime").iter_rows())
    return Check(
        f"The {WORST_DAYS} worst days are called capitulation or bear continuation",
        calm.is_empty(),
        f"{named.height} are; not: {others or 'none'}",
    )


def _every_regime_occurs(regimes: pl.DataFrame) -> Check:
    absent = [regime for regime in REGIMES if regime not in set(regimes["regime"])]
    return Check("Every regime occurs", not absent, f"never: {', '.join(absent) or 'none'}")
