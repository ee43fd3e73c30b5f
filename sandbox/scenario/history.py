"""Ten years of daily bars before the scenario begins, and the scenario's own after them: one venue, invented.

Forecasts need thousands of past paths; the scenario has four hundred days. These bars lead up to its first price.
"""

import numpy as np
import polars as pl

from sandbox.scenario.prices import Bars
from sandbox.scenario.story import DAY, Floats, Instants, Story, pinned_walk, positions

_WICK = 0.45  # of a day's volatility: how far a bar reaches beyond its body, on average
_VOLUME_BTC = 6_000.0  # a day, before noise


def table(story: Story, spot: Bars) -> pl.DataFrame:
    """`price_history_1d`."""
    before, after = _before(story), spot.by_day()
    prices = {
        name: np.round(np.concatenate([getattr(before, name), getattr(after, name)]), 2)
        for name in ("open", "high", "low", "close")
    }
    days = np.concatenate([before.open_time, after.open_time])
    luck = story.noise("price_history.size", len(days))
    return pl.DataFrame(
        {
            "venue": ["bitstamp"] * len(days),
            "market": ["spot"] * len(days),
            "open_time": days,
            **prices,
            "volume_btc": np.round(_VOLUME_BTC * np.exp(0.4 * luck), 3),
            "taker_buy_btc": pl.Series([None] * len(days), dtype=pl.Float64),
        }
    )


def _before(story: Story) -> Bars:
    figures = story.figures("price_history")
    days: Instants = np.arange(np.datetime64(figures["first_day"], "us"), story.days[0], DAY)
    swing = np.exp(figures["swing"] * story.wander("price_history.swing", len(days), figures["memory"]))
    volatility = story.path("price_history", "volatility_pct", days) / 100 * swing
    close = _closes(story, days, volatility)
    opened = np.concatenate([[figures["open"]], close[:-1]])
    reach = np.abs(story.noise("price_history.wick", len(days), 2)) * (volatility * _WICK)[:, np.newaxis]
    high = np.maximum(opened, close) * np.exp(reach[:, 0])
    low = np.minimum(opened, close) * np.exp(-reach[:, 1])
    return Bars(days, opened, high, low, close)


def _closes(story: Story, days: Instants, volatility: Floats) -> Floats:
    when, values = story.knots("price_history", "close")
    pins = positions(days, when)
    smooth = np.interp(np.arange(-1, len(days)), [-1, *pins], np.log([story.figures("price_history")["open"], *values]))
    walk = pinned_walk(story.noise("price_history.day", len(days)) * volatility, pins)
    return np.exp(smooth[1:] + walk)
