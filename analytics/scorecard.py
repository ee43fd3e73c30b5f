"""What followed a condition: forward return and drawdown while it held, against the other days, and how much that is.

Days hang together twice over: the days ahead overlap, and a condition holds for weeks. So a difference comes with an
interval of a circular block bootstrap, with the number of windows ahead that do not overlap, and with the number of
separate stretches. A few stretches judge nothing, whatever the interval says.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.black76 import Floats
from analytics.forecast_scores import FEWEST_WINDOWS, resampled_sums

HORIZONS_DAYS: Final = (7, 30, 90)
SEPARATE_DAYS: Final = 30  # two spells this far apart are two stretches
BLOCK_DAYS: Final = 30

Known = NDArray[np.float64]  # 1 held, 0 did not, NaN unknown: a value a day


@dataclass(frozen=True)
class Followed:
    """The days after a condition; returns and drawdowns in percent, their differences with 90 % intervals.

    `first_half` and `second_half` are the differences in two halves of the known days, NaN where one side is empty.
    """

    return_true: float
    return_false: float
    difference: float
    low: float
    high: float
    drawdown_true: float
    drawdown_false: float
    first_half: float
    second_half: float
    windows: int

    @property
    def verdict(self) -> str:
        """`too_few`, `up`, `down` (the same sign in both halves, interval on its side of nought) or `nothing`."""
        if self.windows < FEWEST_WINDOWS:
            return "too_few"
        if self.low > 0 and self.first_half > 0 and self.second_half > 0:
            return "up"
        if self.high < 0 and self.first_half < 0 and self.second_half < 0:
            return "down"
        return "nothing"


@dataclass(frozen=True)
class Lasted:
    """How often a condition held and how long: days known, days true, spells, median spell, separate stretches."""

    days_known: int
    days_true: int
    spells: int
    median_spell_days: float
    stretches: int


def lasted(held: Known) -> Lasted:
    """How often and how long. A day that is unknown ends a spell."""
    true = np.flatnonzero(held == 1)
    known = int(np.isfinite(held).sum())
    if not len(true):
        return Lasted(known, 0, 0, float("nan"), 0)
    gaps = np.diff(true)
    ends = np.append(np.flatnonzero(gaps > 1), len(true) - 1)
    lengths = np.diff(np.append(-1, ends))
    return Lasted(
        days_known=known,
        days_true=len(true),
        spells=len(lengths),
        median_spell_days=float(np.median(lengths)),
        stretches=int((gaps > SEPARATE_DAYS).sum()) + 1,
    )


def ahead(close: Floats, horizon_days: int) -> tuple[Floats, Floats]:
    """Return to the close `horizon_days` later, and to the lowest close up to it, in percent; NaN where not known."""
    days = len(close)
    returns, drawdowns = np.full(days, np.nan), np.full(days, np.nan)
    if days > horizon_days:
        windows = np.lib.stride_tricks.sliding_window_view(close[1:], horizon_days)
        base = close[: days - horizon_days]
        returns[: days - horizon_days] = 100 * (windows[:, -1] / base - 1)
        drawdowns[: days - horizon_days] = 100 * np.minimum(windows.min(axis=1) / base - 1, 0)
    return returns, drawdowns


def followed(held: Known, close: Floats, horizon_days: int) -> list[Followed | None]:
    """What followed each of several conditions (conditions × days) over a horizon.

    None for one that never held, or always, on days whose future is known.
    """
    returns, drawdowns = ahead(close, horizon_days)
    seen = np.isfinite(held) & np.isfinite(returns) & np.isfinite(drawdowns)
    true, false = seen & (held == 1), seen & (held == 0)
    low, high = _intervals(np.where(np.isfinite(returns), returns, 0), true, false, max(horizon_days, BLOCK_DAYS))
    found: list[Followed | None] = []
    for n, (on, off) in enumerate(zip(true, false, strict=True)):
        if not on.any() or not off.any():
            found.append(None)
            continue
        days = np.flatnonzero(seen[n])
        first = np.arange(len(close)) < days[len(days) // 2]
        found.append(
            Followed(
                return_true=float(returns[on].mean()),
                return_false=float(returns[off].mean()),
                difference=_difference(returns, on, off),
                low=float(low[n]),
                high=float(high[n]),
                drawdown_true=float(drawdowns[on].mean()),
                drawdown_false=float(drawdowns[off].mean()),
                first_half=_difference(returns, on & first, off & first),
                second_half=_difference(returns, on & ~first, off & ~first),
                windows=_windows(np.flatnonzero(on), horizon_days),
            )
        )
    return found


def _difference(returns: Floats, true: NDArray[np.bool_], false: NDArray[np.bool_]) -> float:
    if not true.any() or not false.any():
        return float("nan")
    return float(returns[true].mean() - returns[false].mean())


def _intervals(returns: Floats, true: NDArray[np.bool_], false: NDArray[np.bool_], block: int) -> tuple[Floats, Floats]:
    """90 % of each difference over resampled histories; NaN for a history shorter than a block."""
    nothing = np.full(len(true), np.nan)
    if len(returns) < block:
        return nothing, nothing
    columns = np.concatenate([returns * true, true, returns * false, false]).T
    on_sum, on, off_sum, off = np.split(resampled_sums(columns, block), 4, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = on_sum / on - off_sum / off
    low, high = nothing.copy(), nothing.copy()
    for n, drawn in enumerate(difference.T):
        known = drawn[np.isfinite(drawn)]  # a resample may hold no day of a rare condition
        if len(known):
            low[n], high[n] = np.quantile(known, [0.05, 0.95])
    return low, high


def _windows(days: NDArray[np.intp], horizon_days: int) -> int:
    """How many windows ahead of these days do not overlap."""
    count, free = 0, -1
    for day in days:
        if day >= free:
            count, free = count + 1, int(day) + horizon_days
    return count
