"""What a forecast has to beat: four plain forecasts of the same five variables.

- `random_walk`: normal log returns without drift, volatility realised over 30 days; lows and highs by the reflection
  principle, lowest and highest closes with the shift for daily closes, 0.5826·σ a day (Broadie, Glasserman and Kou,
  "A continuity correction for discrete barrier options", Mathematical Finance 7, 1997);
- `climatology`: the same past paths, not rescaled;
- `options`: the same as the random walk, with the option market's volatility (DVOL) in place of the realised one;
- `yesterday`: the forecast of the day before for the same dollars.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from scipy.special import ndtri

from analytics.black76 import Floats
from analytics.bracket import Indices
from analytics.forecast import Forecaster, Paths, Prices
from analytics.outlook import HIGHEST_CLOSE, LOWEST_CLOSE, Outlook, Sample
from analytics.probability import DAILY_CLOSE_SHIFT

REALISED_DAYS: Final = 30
QUANTILES: Final = 4_000  # of a normal, in place of its formula: half an eighth of a thousandth off at most


@dataclass(frozen=True)
class Baseline:
    """`outlook(horizon, days)`: its forecast at positions whose pool is that of one month; None where there is no pool.

    It is NaN where an input lacks. The month is that of the day `lag` days before.
    """

    outlook: Callable[[int, Indices], Outlook | None]
    lag: int = 0


def baselines(forecaster: Forecaster) -> Mapping[str, Baseline]:
    """The four of one price history."""
    prices = forecaster.prices
    realised = _realised(prices)
    implied = prices.implied_pct / 100 / np.sqrt(365)
    same = np.where(np.isfinite(prices.close), 1.0, np.nan)
    unscaled = {horizon: Paths(prices, same, horizon) for horizon in forecaster.paths}
    return {
        "random_walk": Baseline(lambda horizon, days: _normal(realised[days], horizon)),
        "climatology": Baseline(lambda horizon, days: unscaled[horizon].outlook(days)),
        "options": Baseline(lambda horizon, days: _normal(implied[days], horizon)),
        "yesterday": Baseline(lambda horizon, days: _yesterday(forecaster, horizon, days), lag=1),
    }


def _realised(prices: Prices) -> Floats:
    """Root mean square of the last 30 daily log returns; NaN where one of them is not known."""
    if len(prices) < REALISED_DAYS:
        return np.full(len(prices), np.nan)
    with np.errstate(invalid="ignore"):
        squares = np.append(np.nan, np.log(prices.close[1:] / prices.close[:-1]) ** 2)
    windows = np.lib.stride_tricks.sliding_window_view(squares, REALISED_DAYS)
    return np.append(np.full(REALISED_DAYS - 1, np.nan), np.sqrt(windows.mean(axis=1)))


@cache
def _standard_normal() -> Sample:
    quantiles = ndtri((np.arange(QUANTILES) + 0.5) / QUANTILES)
    half = np.sort(np.abs(quantiles))
    return Sample(np.stack([quantiles, -half[::-1], half, -half[::-1], half]))


def _normal(sigma: Floats, horizon_days: int) -> Outlook:
    shift = np.zeros((5, len(sigma)))
    shift[LOWEST_CLOSE], shift[HIGHEST_CLOSE] = DAILY_CLOSE_SHIFT * sigma, -DAILY_CLOSE_SHIFT * sigma
    return Outlook(_standard_normal(), sigma * np.sqrt(horizon_days), shift)


def _yesterday(forecaster: Forecaster, horizon_days: int, days: Indices) -> Outlook | None:
    before = forecaster.paths[horizon_days].outlook(days - 1)
    if before is None:
        return None
    moved = np.log(forecaster.prices.close[days] / forecaster.prices.close[days - 1])
    return replace(before, shift=np.tile(-moved, (5, 1)))
