"""How good forecasts were: losses of single days, skill against a baseline with its interval, and a verdict in a word.

Losses: the continuous ranked probability score of each variable; the Brier score (Brier 1950) and the log score of each
event, as means over a fixed grid of prices around the close. The log score counts no probability below 0.25 %.

Days overlap: with a horizon of H days only every H-th is new. So intervals come from a circular block bootstrap of the
daily mean loss with blocks of H days (Politis and Romano 1992), the t value of non-overlapping windows stands beside
them, and the number of independent windows is days over H.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import binom

from analytics.black76 import Floats
from analytics.bracket import Indices
from analytics.forecast import Prices
from analytics.outlook import CLOSE, HIGH, LOW, LOWEST_CLOSE, VARIABLES, Outlook

# Prices of the grid as log moves at 21 days; they widen with √(H/21).
GRID: Final[Floats] = np.array([-0.20, -0.15, -0.10, -0.05, -0.025, 0, 0.025, 0.05, 0.10, 0.15, 0.20])
# Each event: its variable, whether it is the variable below (or above) the price, and its part of the grid.
EVENTS: Final[Mapping[str, tuple[int, bool, slice]]] = {
    "close_below": (CLOSE, True, slice(None)),
    "touch_from_above": (LOW, True, slice(0, 5)),
    "touch_from_below": (HIGH, False, slice(6, None)),
    "holds": (LOWEST_CLOSE, False, slice(0, 6)),
}
LEAST_LOGGED: Final = 0.0025
BINS: Final = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)  # of what was said
FEWEST_WINDOWS: Final = 20
RESAMPLES: Final = 1_000
SEED: Final = 7
SHORTEST_BLOCK: Final = 7


def grid(horizon_days: int) -> Floats:
    """The log moves on which events are scored."""
    moves: Floats = GRID * np.sqrt(horizon_days / 21)
    return moves


def outcomes(prices: Prices, horizon_days: int) -> Floats:
    """The five variables as they came out (5 × days), log moves from each close; NaN where not all of it is known."""
    days = len(prices)
    out = np.full((len(VARIABLES), days), np.nan)
    if days <= horizon_days:
        return out
    base = np.log(prices.close[: days - horizon_days])

    def ahead(series: Floats) -> Floats:
        return np.lib.stride_tricks.sliding_window_view(np.log(series[1:]), horizon_days)

    closes, lows, highs = ahead(prices.close), ahead(prices.low), ahead(prices.high)
    values = (closes[:, -1], lows.min(1), highs.max(1), closes.min(1), closes.max(1))
    out[:, : days - horizon_days] = np.stack(values) - base
    out[:, np.isnan(out).any(axis=0)] = np.nan
    return out


def losses(outlook: Outlook, outcome: Floats, horizon_days: int) -> dict[str, Floats]:
    """The loss of each day by name: crps_<variable>, brier_<event>, log_<event>. `outcome` is 5 × days."""
    found = {f"crps_{name}": outlook.crps(n, outcome[n]) for n, name in enumerate(VARIABLES)}
    for event, said, happened in answers(outlook, outcome, horizon_days):
        found[f"brier_{event}"] = brier(said, happened).mean(axis=1)
        found[f"log_{event}"] = log_score(said, happened).mean(axis=1)
    return found


def answers(outlook: Outlook, outcome: Floats, horizon_days: int) -> Iterator[tuple[str, Floats, Floats]]:
    """For each event: what was said and whether it happened (0 or 1), days × prices of the grid."""
    moves = grid(horizon_days)
    for event, (variable, is_below, part) in EVENTS.items():
        asked = np.broadcast_to(moves[part], (len(outlook.scale), len(moves[part])))
        said, happened = outlook.below(variable, asked), (outcome[variable][:, None] <= asked).astype(float)
        said = np.where(np.isnan(outlook.scale)[:, None], np.nan, said)
        yield event, said if is_below else 1 - said, happened if is_below else 1 - happened


def brier(said: Floats, happened: Floats) -> Floats:
    """(said − happened)²."""
    return (said - happened) ** 2


def log_score(said: Floats, happened: Floats) -> Floats:
    """−ln of the probability given to what happened."""
    clipped = np.clip(said, LEAST_LOGGED, 1 - LEAST_LOGGED)
    score: Floats = -(happened * np.log(clipped) + (1 - happened) * np.log(1 - clipped))
    return score


def pit(outlook: Outlook, outcome: Floats) -> Floats:
    """Where each outcome fell in its forecast, 0 to 1 (5 × days); level if the forecast is calibrated."""
    return np.stack([outlook.below(n, outcome[n][:, None])[:, 0] for n in range(len(VARIABLES))])


@dataclass(frozen=True)
class Skill:
    """1 − ours ÷ theirs, as a fraction, with its 90 % interval; `t` over windows that do not overlap."""

    ours: float
    theirs: float
    skill: float
    low: float
    high: float
    t: float
    days: int
    independent: float

    @property
    def verdict(self) -> str:
        """`too_few`, `better`, `worse` or `no_skill`."""
        if self.independent < FEWEST_WINDOWS:
            return "too_few"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no_skill"


Losses = Mapping[str, Floats]  # by name, a value a day


def compare(ours: Losses, theirs: Mapping[str, Losses], horizon_days: int) -> dict[tuple[str, str], Skill]:
    """The skill by loss and baseline, over the same consecutive days for all; a day counts where both are known.

    A pair without a common day is left out.
    """
    pairs = [
        (loss, name)
        for loss in ours
        for name, losses_of_baseline in theirs.items()
        if loss in losses_of_baseline and np.isfinite(ours[loss] + losses_of_baseline[loss]).any()
    ]
    if not pairs:
        return {}
    left = np.stack([ours[loss] for loss, _ in pairs])
    right = np.stack([theirs[name][loss] for loss, name in pairs])
    both = np.isfinite(left) & np.isfinite(right)
    left, right = np.where(both, left, 0), np.where(both, right, 0)
    days = left.shape[1]
    block = max(horizon_days, SHORTEST_BLOCK)
    if days >= block:
        sums = resampled_sums(np.concatenate([left, right]).T, block)
        # A resample may hold no common day of a pair; it says nothing then.
        with np.errstate(invalid="ignore", divide="ignore"):
            skill = 1 - sums[:, : len(pairs)] / sums[:, len(pairs) :]
        whole = np.isfinite(skill).all()
        quantile = np.quantile if whole else np.nanquantile
        low, high = quantile(skill if whole else np.where(np.isfinite(skill), skill, np.nan), [0.05, 0.95], axis=0)
    else:
        low = high = np.full(len(pairs), np.nan)
    found = {}
    for n, pair in enumerate(pairs):
        known = both[n]
        if known.any() and right[n].sum() > 0:
            a, b = left[n][known], right[n][known]
            found[pair] = Skill(
                ours=float(a.mean()),
                theirs=float(b.mean()),
                skill=float(1 - a.mean() / b.mean()),
                low=float(low[n]),
                high=float(high[n]),
                t=_t_of_windows(b - a, horizon_days),
                days=len(a),
                independent=len(a) / horizon_days,
            )
    return found


def resampled_sums(values: Floats, block: int) -> Floats:
    """Sums of each column (days × columns) over the days of each resample of the circular block bootstrap.

    Resamples × columns. A resample has as many whole blocks as cover the days once.
    """
    days = len(values)
    around = np.concatenate([values, values[: block - 1]])
    running = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(around, axis=0)])
    of_block = running[block:] - running[:-block]  # by the day that a block begins with
    starts = np.random.default_rng(SEED).integers(0, days, (-(-days // block), RESAMPLES))
    sums = np.zeros((RESAMPLES, values.shape[1]))
    for start in starts:
        sums += of_block[start]
    return sums


def _t_of_windows(gain: Floats, horizon_days: int) -> float:
    """The t value of the mean gain over every H-th day, as a mean over the H ways to begin; NaN under three windows."""
    windows = len(gain) // horizon_days
    if windows < 3:
        return float("nan")
    by_start = gain[: windows * horizon_days].reshape(windows, horizon_days)
    deviation = by_start.std(axis=0, ddof=1)
    known = deviation > 0
    if not known.any():
        return float("nan")
    return float(np.mean(by_start.mean(axis=0)[known] / (deviation[known] / np.sqrt(windows))))


@dataclass(frozen=True)
class IntervalCoverage:
    """The share of outcomes inside the central interval that should hold `nominal` of them."""

    nominal: float
    share: float
    verdict: str | None  # `too_narrow`, `too_wide`, or None where chance alone may explain it


def coverage(pit_of_close: Floats, nominal: float, horizon_days: int) -> IntervalCoverage | None:
    """Coverage of an interval from where outcomes fell; judged by the binomial 95 % band of independent windows.

    None without a day. Under 20 independent windows nothing is judged.
    """
    known = pit_of_close[np.isfinite(pit_of_close)]
    if not len(known):
        return None
    tail = (1 - nominal) / 2
    share = float(np.mean((known >= tail) & (known <= 1 - tail)))
    windows = int(len(known) / horizon_days)
    if windows < FEWEST_WINDOWS:
        return IntervalCoverage(nominal, share, None)
    low, high = (binom.ppf(at, windows, nominal) / windows for at in (0.025, 0.975))
    verdict = "too_narrow" if share < low else "too_wide" if share > high else None
    return IntervalCoverage(nominal, share, verdict)


def bins_of(said: Floats) -> Indices:
    """The bin of each probability; the last one includes 1."""
    return np.clip(np.searchsorted(BINS, said, "right") - 1, 0, len(BINS) - 2).astype(np.intp)
