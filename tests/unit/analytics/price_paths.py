"""Daily bars of our own making for tests of forecasts: volatility comes in clusters and is implied for a year."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics.forecast import Prices


def bars(days: int, *, seed: int = 3, first: date = date(2014, 4, 1), implied_days: int = 400) -> pl.DataFrame:
    """Rows as `Prices.of` takes them; the last `implied_days` have an implied volatility."""
    # One stream a series: a longer history begins with the shorter one.
    wander, shocks, wicks = (np.random.default_rng([seed, stream]) for stream in range(3))
    volatility = 0.03 * np.exp(np.cumsum(wander.normal(0, 0.05, days)) * 0.3)
    close = 500 * np.exp(np.cumsum(shocks.standard_t(4, days) * volatility / 1.4))
    opened = np.append(500.0, close[:-1])
    reach = np.abs(wicks.normal(0, 0.5, (days, 2))).T * volatility
    known = np.arange(days) >= days - implied_days
    return pl.DataFrame(
        {
            "date": [first + timedelta(days=n) for n in range(days)],
            "open_usd": opened,
            "high_usd": np.maximum(opened, close) * np.exp(reach[0]),
            "low_usd": np.minimum(opened, close) * np.exp(-reach[1]),
            "close_usd": close,
            "implied_pct": pl.Series(np.where(known, 100 * volatility * np.sqrt(365), np.nan)).fill_nan(None),
        }
    )


def prices(days: int, **options: object) -> Prices:
    """The same, ready for a forecaster."""
    return Prices.of(bars(days, **options))
