"""Method `rescaled-history-1`: probabilities of the bitcoin price for the days ahead, from its own past paths.

Every past stretch of H days is one path: closes, lows and highs as log moves from the close before it. Divided by the
volatility that was forecast on that day, and freed of the pool's mean drift, it is a path in units of what was
expected. Times today's volatility it is one way in which the next H days may go. The share of paths that close below a
price, trade at it, or hold it is the probability. One set of paths gives all answers, so they agree with each other:

    P(close below K) ≤ P(some close below K) ≤ P(touch K from above).

Volatility ahead. With v = ½·ln(high/low)²/(4 ln 2) + ½·ln(close/close before)², a day's variance (Parkinson 1980 and
the squared return), `fast` its exponential mean, `slow` its mean over a year and `implied` = (0.86·DVOL/100)²/365:

    ln σ = ½·[(1 − w)·½(ln fast + ln implied) + w·ln slow],   w = 0.3, 0.5, 0.7 for 7, 21, 90 days.

Where no implied volatility is known, `fast` alone stands in the place of the mean of both. A day without a bar has no
variance, and no path runs over it: nothing is filled. There are no random numbers in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.black76 import Floats
from analytics.bracket import Indices
from analytics.outlook import Outlook, Sample

METHOD: Final = "rescaled-history-1"
# Horizon in days: the weight of the slow volatility. The further ahead, the more volatility has gone back to its mean.
HORIZONS_DAYS: Final[Mapping[int, float]] = {7: 0.3, 21: 0.5, 90: 0.7}
FIRST_DAY: Final = date(2014, 4, 1)  # before it the market was Mt. Gox, whose last months are no market price
DECAY: Final = 0.94  # a day; half of it is gone in eleven days
FIRST_DAYS: Final = 30  # the exponential mean starts from the mean of these
SLOW_DAYS: Final = 365
IMPLIED_TO_REALISED: Final = 0.86  # realised over implied volatility, 2021-2024
ATM_TO_DVOL: Final = 1.06  # DVOL counts the wings, the 30-day volatility at the money does not; 109 common days
FEWEST_INDEPENDENT_PATHS: Final = 14  # what 2018 had for 90 days; fewer say nothing of a tail
FEWEST_RECENT_BARS: Final = 28  # of the last 30 days; with fewer the fast volatility is an old one
RECENT_DAYS: Final = 30


@dataclass(frozen=True)
class Prices:
    """Daily bars of one market without a hole in the calendar: a day that is not known is NaN in every column.

    `implied_pct` is the 30-day implied volatility at the day's close in volatility points, NaN where unknown.
    """

    dates: NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    implied_pct: Floats

    @classmethod
    def of(cls, bars: pl.DataFrame) -> "Prices":
        """From rows of date, open_usd, high_usd, low_usd, close_usd, implied_pct, in any order.

        Days before `FIRST_DAY` are left out. High and low are widened to hold open and close. Raises ValueError when a
        date comes twice or no bar is left.
        """
        bars = bars.filter(pl.col("date") >= FIRST_DAY, pl.col("close_usd").is_not_null()).sort("date")
        if bars.is_empty():
            raise ValueError(f"there is no daily bar from {FIRST_DAY} on")
        if bars["date"].n_unique() != bars.height:
            raise ValueError("a date has more than one daily bar")
        first, last = bars["date"][0], bars["date"][-1]
        calendar = pl.DataFrame({"date": pl.date_range(first, last, "1d", eager=True)})
        bars = calendar.join(bars, on="date", how="left", maintain_order="left")

        def column(name: str) -> Floats:
            return bars[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

        four = [column(name) for name in ("open_usd", "high_usd", "low_usd", "close_usd")]
        return cls(
            dates=bars["date"].to_numpy().astype("M8[D]"),
            open=four[0],
            high=np.maximum.reduce(four),
            low=np.minimum.reduce(four),
            close=four[3],
            implied_pct=column("implied_pct"),
        )

    def __len__(self) -> int:
        return len(self.dates)

    def place(self, day: date) -> int:
        """Position of a date. Raises KeyError for a date outside the calendar."""
        place = int((np.datetime64(day, "D") - self.dates[0]).astype(int))
        if not 0 <= place < len(self):
            raise KeyError(day)
        return place


def volatility(prices: Prices) -> dict[int, Floats]:
    """Forecast of volatility a day (fraction) for each horizon at each day's close, from that day and earlier only.

    NaN on a day without a bar.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        parkinson = np.log(prices.high / prices.low) ** 2 / (4 * np.log(2))
        returns = np.append(np.nan, np.log(prices.close[1:] / prices.close[:-1]))
        # The day after a hole has no return of a day; its range stands alone.
        variance = np.where(np.isnan(returns), parkinson, parkinson / 2 + returns**2 / 2)
        known = np.isfinite(variance)
        log_fast = np.log(_exponential_mean(variance))
        log_slow = np.log(_mean_of_a_year(variance, known))
        implied = 2 * np.log(IMPLIED_TO_REALISED * prices.implied_pct / 100 / np.sqrt(365))
    now = np.where(np.isfinite(implied), (log_fast + np.where(np.isfinite(implied), implied, 0)) / 2, log_fast)
    return {
        horizon: np.where(known, np.exp(((1 - weight) * now + weight * log_slow) / 2), np.nan)
        for horizon, weight in HORIZONS_DAYS.items()
    }


def _exponential_mean(variance: Floats) -> Floats:
    """Its value at each day; a day without a variance leaves it as it was."""
    fast = np.empty_like(variance)
    level = float(np.nanmean(variance[:FIRST_DAYS]))
    for day, today in enumerate(variance):
        if day and np.isfinite(today):
            level = DECAY * level + (1 - DECAY) * today
        fast[day] = level
    return fast


def _mean_of_a_year(variance: Floats, known: NDArray[np.bool_]) -> Floats:
    total = np.insert(np.cumsum(np.where(known, variance, 0.0)), 0, 0.0)
    count = np.insert(np.cumsum(known), 0, 0)
    end = np.arange(1, len(variance) + 1)
    start = np.maximum(end - SLOW_DAYS, 0)
    mean: Floats = (total[end] - total[start]) / (count[end] - count[start])
    return mean


@dataclass(frozen=True)
class Pool:
    """The paths that had ended by a day, as one sample; `until` is the last day that any of them has seen."""

    sample: Sample
    paths: int
    until: date

    @property
    def independent_paths(self) -> float:
        """How many of the paths do not overlap."""
        return self.sample.independent


class Paths:
    """All paths of one horizon, in units of `sigma` (a fraction a day at the close that a path starts from) × √H."""

    def __init__(self, prices: Prices, sigma: Floats, horizon_days: int) -> None:
        self.prices, self.sigma, self.horizon_days = prices, sigma, horizon_days
        self._pools: dict[int, Pool] = {}

    @cached_property
    def _moves(self) -> tuple[Indices, Floats, Floats, Floats]:
        """First days of the paths, and closes, lows and highs: one row a path, one column a day."""
        starts = np.arange(len(self.prices) - self.horizon_days)
        base, scale = np.log(self.prices.close[starts]), self.sigma[starts] * np.sqrt(self.horizon_days)

        def ahead(prices: Floats) -> Floats:
            logs = np.lib.stride_tricks.sliding_window_view(np.log(prices[1:]), self.horizon_days)
            moves: Floats = (logs - base[:, None]) / scale[:, None]
            return moves

        closes, lows, highs = (ahead(series) for series in (self.prices.close, self.prices.low, self.prices.high))
        whole = np.isfinite(closes).all(axis=1)
        return starts[whole], closes[whole], lows[whole], highs[whole]

    def pool(self, day: int) -> Pool | None:
        """All paths that had ended before the month of `day` (a position); None where there are too few."""
        first = self._first_of_month(day)
        if first not in self._pools:
            if len(self.prices) <= self.horizon_days:
                return None
            starts, closes, lows, highs = self._moves
            count = int(np.searchsorted(starts, first - self.horizon_days))
            if count / self.horizon_days < FEWEST_INDEPENDENT_PATHS:
                return None
            # No view on direction: the mean log move of the pool is nought, day by day.
            drift = closes[:count, -1].mean() * np.arange(1, self.horizon_days + 1) / self.horizon_days
            closes, lows, highs = closes[:count] - drift, lows[:count] - drift, highs[:count] - drift
            values = np.stack([closes[:, -1], lows.min(1), highs.max(1), closes.min(1), closes.max(1)])
            last = self.prices.dates[starts[count - 1] + self.horizon_days]
            self._pools[first] = Pool(
                Sample(np.sort(values, axis=1), independent=count / self.horizon_days), count, last.astype(object)
            )
        return self._pools[first]

    def outlook(self, days: Indices) -> Outlook | None:
        """What the pool of a month says at the closes of `days` (positions, all in one month)."""
        made = self.pool(int(days[0]))
        if made is None:
            return None
        return Outlook(made.sample, self.sigma[days] * np.sqrt(self.horizon_days))

    def _first_of_month(self, day: int) -> int:
        month = self.prices.dates[day].astype("M8[M]").astype("M8[D]")
        return max(int((month - self.prices.dates[0]).astype(int)), 0)


@dataclass(frozen=True)
class Forecast:
    """One forecast: made at the close of `day` (a position) for one horizon."""

    day: int
    horizon_days: int
    sigma: float  # fraction a day
    pool: Pool
    outlook: Outlook


class Forecaster:
    """Forecasts of one price history. Everything at a day is from that day and earlier."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.sigma = volatility(prices)
        self.paths = {horizon: Paths(prices, self.sigma[horizon], horizon) for horizon in HORIZONS_DAYS}

    def forecast(self, day: int, horizon_days: int) -> Forecast | None:
        """The forecast at a close; None where history is too short or the last bars are not there."""
        sigma = float(self.sigma[horizon_days][day])
        if not np.isfinite(sigma) or not self.is_recent(day):
            return None
        paths = self.paths[horizon_days]
        outlook, pool = paths.outlook(np.array([day])), paths.pool(day)
        return None if outlook is None or pool is None else Forecast(day, horizon_days, sigma, pool, outlook)

    def is_recent(self, day: int) -> bool:
        """Whether a year of prices and nearly all of the last month's are there."""
        recent = self.prices.close[max(day + 1 - RECENT_DAYS, 0) : day + 1]
        return day + 1 >= SLOW_DAYS and int(np.isfinite(recent).sum()) >= FEWEST_RECENT_BARS


def strikes(spot_usd: float, sigma: float, horizon_days: int) -> Sequence[float]:
    """Round prices within two standard moves of the price: steps of 1, 2 or 5 times a power of ten, a dozen or so."""
    reach = 2 * sigma * np.sqrt(horizon_days)
    low, high = spot_usd * np.exp(-reach), spot_usd * np.exp(reach)
    rough = (high - low) / 12
    magnitude = 10.0 ** np.floor(np.log10(rough))
    step = magnitude * next(factor for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    return [float(step * n) for n in range(int(np.ceil(low / step)), int(high // step) + 1)]
