"""Candles: one reference path (Binance spot, hourly), and the other venues with a premium to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from sandbox.scenario.story import Floats, Instants, Story, pinned_walk, positions

_HOURS = 24
_WICK = 0.45  # of an hour's volatility: how far a bar reaches beyond its body, on average


@dataclass(frozen=True)
class Bars:
    """Open, high, low and close in USD of consecutive bars."""

    open_time: Instants
    open: Floats
    high: Floats
    low: Floats
    close: Floats

    @property
    def returns(self) -> Floats:
        """Close over open, less one."""
        return self.close / self.open - 1

    def by_day(self) -> "Bars":
        """The daily bars of hourly ones."""
        return Bars(
            self.open_time[::_HOURS],
            self.open[::_HOURS],
            self.high.reshape(-1, _HOURS).max(axis=1),
            self.low.reshape(-1, _HOURS).min(axis=1),
            self.close[_HOURS - 1 :: _HOURS],
        )

    def at(self, instants: Instants) -> Floats:
        """The price at each instant: straight from an hour's open to its close."""
        hour = ((instants - self.open_time[0]) // np.timedelta64(1, "h")).astype(int)
        share = (instants - self.open_time[hour]) / np.timedelta64(1, "h")
        between: Floats = self.open[hour] + (self.close[hour] - self.open[hour]) * share
        return between


def reference(story: Story) -> Bars:
    """Binance spot by the hour: through the anchored closes, and on anchored days through each hour's close."""
    figures = story.figures("price")
    volatility = story.daily("price", "volatility_pct") / 100
    closes = _daily_closes(story, volatility)

    pinned = {index * _HOURS + _HOURS - 1: close for index, close in enumerate(closes)}
    for day in figures["day"]:
        first = int(positions(story.days, np.array([day["date"]], dtype="M8[us]"))[0]) * _HOURS
        pinned |= {first + hour: float(close) for hour, close in enumerate(day["hours"])}
    pins = np.array(sorted(pinned))
    hourly = np.repeat(volatility, _HOURS) / np.sqrt(_HOURS)
    smooth = np.interp(
        np.arange(-1, len(story.hours)), [-1, *pins], np.log([figures["open"], *(pinned[pin] for pin in pins)])
    )
    walk = pinned_walk(story.noise("price.hour", len(story.hours)) * hourly, pins)
    close = np.exp(smooth[1:] + walk)
    open_ = np.concatenate([[figures["open"]], close[:-1]])
    reach = np.abs(story.noise("price.wick", len(story.hours), 2)) * (hourly * _WICK)[:, np.newaxis]
    high = np.maximum(open_, close) * np.exp(reach[:, 0])
    low = np.minimum(open_, close) * np.exp(-reach[:, 1])
    for day in figures["day"]:
        _pin_extremes(day, story.hours, open_, high, low, close)
    return Bars(story.hours, *(np.round(prices, 2) for prices in (open_, high, low, close)))


def tables(story: Story, spot: Bars) -> dict[str, pl.DataFrame]:
    """`price_1h` and `price_1d`."""
    volume, taker = _volume(story, spot)
    hourly, daily = [], []
    for venue in story.figures("price")["venue"]:
        bars = _at_venue(story, venue, spot)
        luck = np.exp(0.08 * story.noise(f"price.size.{venue['name']}.{venue['market']}", len(volume)))
        size = np.round(volume * luck * venue["volume"] * _ratio(story, venue), 3)
        bought = np.round(size * taker, 3) if venue["name"] == "binance" else None
        if venue["hourly"]:
            hourly.append(_frame(venue, bars, size, bought))
        per_day = None if bought is None else bought.reshape(-1, _HOURS).sum(axis=1)
        daily.append(_frame(venue, bars.by_day(), size.reshape(-1, _HOURS).sum(axis=1), per_day))
    return {"price_1h": pl.concat(hourly), "price_1d": pl.concat(daily)}


def _daily_closes(story: Story, volatility: Floats) -> Floats:
    when, values = story.knots("price", "close")
    pins = positions(story.days, when)
    smooth = np.interp(np.arange(-1, len(story.days)), [-1, *pins], np.log([story.figures("price")["open"], *values]))
    walk = pinned_walk(story.noise("price.day", len(story.days)) * volatility, pins)
    return np.exp(smooth[1:] + walk)


def _pin_extremes(
    day: dict[str, Any], hours: Instants, open_: Floats, high: Floats, low: Floats, close: Floats
) -> None:
    """Gives an anchored day its high and low, and its failed tests of the high, in place."""
    first = int(np.searchsorted(hours, np.datetime64(day["date"])))
    span = slice(first, first + _HOURS)
    body_high, body_low = np.maximum(open_, close)[span], np.minimum(open_, close)[span]
    high[span] = np.maximum(body_high, np.minimum(high[span], day.get("ceiling", day["high"])))
    low[span] = np.minimum(body_low, np.maximum(low[span], day["low"]))
    tests = day.get("tests") or [[int(np.argmax(body_high)), day["high"]]]
    for hour, price in tests:
        high[first + hour] = price
    low[first + int(np.argmin(body_low))] = day["low"]


def _at_venue(story: Story, venue: dict[str, Any], spot: Bars) -> Bars:
    # One premium a day: the day's extremes stay the extremes of its hours.
    premium = np.repeat(story.daily("price", "coinbase_premium_bps") * venue["premium"] / 1e4, _HOURS)
    ticks = round(1 / venue["tick"])
    prices = (np.round(price * (1 + premium) * ticks) / ticks for price in (spot.open, spot.high, spot.low, spot.close))
    return Bars(spot.open_time, *prices)


def _ratio(story: Story, venue: dict[str, Any]) -> Floats:
    if venue["market"] == "spot":
        return np.ones(len(story.hours))
    return np.repeat(story.daily("price", "perp_volume_ratio"), _HOURS)


def _volume(story: Story, spot: Bars) -> tuple[Floats, Floats]:
    """BTC traded an hour on Binance spot, more when the price runs; and the share bought by takers."""
    quiet = story.path("price", "volume_btc", story.hours) / _HOURS
    weekend = np.where((story.hours.astype("M8[D]").astype(int) + 3) % 7 >= 5, 0.55, 1.15)
    run = np.abs(spot.returns) / 0.004
    volume = quiet * weekend * (0.55 + run) * np.exp(0.25 * story.noise("price.volume", len(quiet)))
    tilt = 1.8 * np.tanh(spot.returns / 0.01) + 0.8 * story.noise("price.taker", len(quiet))
    share = (np.repeat(story.daily("price", "taker_buy_share_pct"), _HOURS) + tilt) / 100
    return volume, share


def _frame(venue: dict[str, Any], bars: Bars, volume: Floats, bought: Floats | None) -> pl.DataFrame:
    unknown = [None] * len(volume)
    return pl.DataFrame(
        {
            "venue": [venue["name"]] * len(volume),
            "market": [venue["market"]] * len(volume),
            "open_time": bars.open_time,
            "open": bars.open,
            "high": bars.high,
            "low": bars.low,
            "close": bars.close,
            "volume_btc": np.round(volume, 3),
            "taker_buy_btc": pl.Series(unknown if bought is None else np.round(bought, 3), dtype=pl.Float64),
        }
    )
