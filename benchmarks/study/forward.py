"""What Bitcoin did after a regime's first day. Entries are far enough apart to be independent.

The return runs from the close of the first day, at 24:00 UTC, an hour before the label is published, to the close
7, 30 or 90 days later. Of two entries less than the horizon apart only the earlier counts, so that no day is used
twice. What that leaves is held against entries drawn at random under the same rule: from the same history, as many,
as far apart. No interval is given for fewer than eight entries, and no forecast follows from any of them.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

HORIZONS_D = (7, 30, 90)
FEWEST = 8  # entries; the interval of a median of fewer is its own extremes
DRAWS = 4_000
SEED = 20260206


@dataclass(frozen=True)
class Outcomes:
    """Returns in percent after the entries of one regime at one horizon.

    `entries` counts first days, `returns` those that stand alone and have a close at both ends; `low` and `high` bound
    the median with 90 % confidence (bootstrap over entries); `rank_pct` is the share of random sets of entries whose
    median is lower, with 50 meaning no different from any day.
    """

    regime: str
    horizon_d: int
    entries: int
    returns: tuple[float, ...]
    median: float | None
    low: float | None
    high: float | None
    positive: int
    rank_pct: float | None


def outcomes(runs: pl.DataFrame, prices: pl.DataFrame) -> list[Outcomes]:
    """For every regime and horizon. `runs` as of `spells`, `prices` has signal_date and close."""
    closes = dict(prices.select("signal_date", "close").drop_nulls().iter_rows())
    rng = np.random.default_rng(SEED)
    seen = runs.filter((pl.col("label") != "unknown") & pl.col("begins_seen"))
    found = []
    for label in dict.fromkeys(seen["label"]):
        firsts = seen.filter(pl.col("label") == label)["start"].to_list()
        for horizon in HORIZONS_D:
            apart = separate([day for day in firsts if later(closes, day, horizon) is not None], horizon)
            values = np.array([later(closes, day, horizon) for day in apart], dtype=float)
            found.append(_outcome(label, horizon, len(firsts), values, closes, rng))
    return found


def later(closes: dict[date, float], day: date, horizon: int) -> float | None:
    """The return in percent from a day's close over a horizon; None where either close is missing."""
    end = closes.get(day + timedelta(days=horizon))
    return 100 * (end / closes[day] - 1) if end is not None and day in closes else None


def separate(days: list[date], horizon: int) -> list[date]:
    """The days, oldest first, that lie at least the horizon after the one kept before."""
    kept: list[date] = []
    for day in sorted(days):
        if not kept or (day - kept[-1]).days >= horizon:
            kept.append(day)
    return kept


def any_day(closes: dict[date, float], horizon: int) -> np.ndarray:
    """The returns from every day that has a close at both ends, overlapping: for pictures, not for intervals."""
    return np.array([value for day in closes if (value := later(closes, day, horizon)) is not None])


def _outcome(
    label: str, horizon: int, entries: int, values: np.ndarray, closes: dict[date, float], rng: np.random.Generator
) -> Outcomes:
    median = low = high = rank = None
    if len(values):
        median = float(np.median(values))
    if len(values) >= FEWEST:
        resampled = np.median(rng.choice(values, (DRAWS, len(values))), axis=1)
        low, high = (float(bound) for bound in np.quantile(resampled, (0.05, 0.95)))
        random = _random_medians(closes, horizon, len(values), rng)
        rank = float(100 * np.mean(random < median)) if len(random) else None
    return Outcomes(label, horizon, entries, tuple(values), median, low, high, int((values > 0).sum()), rank)


def _random_medians(closes: dict[date, float], horizon: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Medians over random sets of days that lie at least the horizon apart."""
    days = sorted(day for day in closes if later(closes, day, horizon) is not None)
    values = np.array([later(closes, day, horizon) for day in days])
    ordinals = np.array([day.toordinal() for day in days])
    # Days chosen with the gaps taken out, then put back: every set that keeps its distance is equally likely.
    room = len(days) - (count - 1) * (horizon - 1)
    if room < count:
        return np.array([])
    medians = []
    for _ in range(DRAWS // 4):
        picks = np.sort(rng.choice(room, count, replace=False)) + np.arange(count) * (horizon - 1)
        if (np.diff(ordinals[picks]) >= horizon).all():
            medians.append(np.median(values[picks]))
    return np.array(medians)
