"""Equity indices, metals, the dollar and Treasury yields by trading date."""

from typing import Any

import numpy as np
import polars as pl

from sandbox.scenario.prices import Bars
from sandbox.scenario.story import Floats, Instants, Story, pinned_walk, positions
from sandbox.scenario.trading_calendar import trading_days

_YIELDS = ("ust2y", "ust10y", "real10y")


def table(story: Story, spot: Bars) -> pl.DataFrame:
    """`macro_1d`. Yields are percent and have a close only; gold and silver are the front futures."""
    dates = trading_days(story)
    calm = np.where(
        dates > np.datetime64(story.anchors["last_day"]["article"]), story.continued("macro", "noise_scale") or 1.0, 1.0
    )
    bitcoin = spot.by_day().returns[positions(story.days, dates)] * 100
    # What all equities share: their own news, and the appetite for risk that Bitcoin feels too.
    equities = story.figures("macro")["btc_beta"] * bitcoin + 0.45 * calm * story.noise("macro.equities", len(dates))
    parts = []
    for series in ("spx", "ixic", "dji", "sox", "gold", "silver", "dxy", "vix", *_YIELDS):
        figures = story.figures("macro")[series]
        own = calm * story.noise(f"macro.{series}", len(dates))
        if series in _YIELDS:
            close = np.round(_through(story, series, dates, own * figures["noise_bp"] / 100), 2)
            parts.append(_frame(series, dates, None, None, None, close))
        else:
            steps = (own * figures["noise_pct"] + figures["equity"] * equities) / 100
            close = np.exp(_through(story, series, dates, steps, np.log))
            parts.append(_with_range(story, series, dates, np.round(close, 3 if close[0] < 1000 else 2)))
    return pl.concat(parts)


def _through(story: Story, series: str, dates: Instants, steps: Floats, scale: Any = np.asarray) -> Floats:
    """The walk of `steps` through the series' levels, on the given scale."""
    figures = story.figures("macro")[series]
    levels = [*figures["level"], *_pinned_levels(story, series)]
    when, values = story.knots("macro", series, levels)
    at = np.searchsorted(dates, when.astype("M8[D]").astype("M8[us]"))
    inside = at < len(dates)
    at, values = at[inside], scale(values[inside])
    through: Floats = np.interp(np.arange(len(dates)), at, values) + pinned_walk(steps, at)
    return through


def _pinned_levels(story: Story, series: str) -> list[tuple[Any, float]]:
    """The closes that the listed returns give, counted from the pinned one."""
    returns = story.figures("macro")["returns"]
    if series not in returns:
        return []
    growth = np.cumprod(1 + np.array([0.0, *returns[series]]) / 100)
    day, level = story.figures("macro")[series]["pin"]
    return list(zip(returns["dates"], level * growth / growth[returns["dates"].index(day)], strict=True))


def _with_range(story: Story, series: str, dates: Instants, close: Floats) -> pl.DataFrame:
    before = np.concatenate([close[:1], close[:-1]])
    usual = story.figures("macro")[series]["noise_pct"] / 200
    reach = np.abs(story.noise(f"macro.{series}.range", len(dates), 2)) * usual
    gap = story.uniform(f"macro.{series}.gap", len(dates)) / 2  # the share of the day's move that the open brings
    open_ = np.round(before + (close - before) * gap, 2)
    high = np.round(np.maximum(open_, close) * (1 + reach[:, 0]), 2)
    low = np.round(np.minimum(open_, close) * (1 - reach[:, 1]), 2)
    return _frame(series, dates, open_, np.maximum(high, close), np.minimum(low, close), close)


def _frame(
    series: str, dates: Instants, open_: Floats | None, high: Floats | None, low: Floats | None, close: Floats
) -> pl.DataFrame:
    missing = pl.Series([None] * len(dates), dtype=pl.Float64)
    columns = {"open": open_, "high": high, "low": low}
    frame = pl.DataFrame({"series": series, "date": dates})
    return frame.select(
        "series",
        pl.col("date").cast(pl.Date),
        *(missing.alias(name) if values is None else pl.Series(name, values) for name, values in columns.items()),
        pl.Series("close", close),
    )
