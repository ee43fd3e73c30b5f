"""The Deribit option chain and the venue's volatility index.

Each expiry has a smile around its at-the-money volatility: odd and even terms that saturate in the wings, so that the
implied density stays positive. Volatility and risk reversal by time to expiry run straight in the logarithm of time
between the constant maturities of `anchors.toml`; marks are Black-76 prices on that volatility, in BTC.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtr

from sandbox.scenario.option_listing import ExpiryKind, Listing, listings
from sandbox.scenario.prices import Bars
from sandbox.scenario.story import DAY, Floats, Instants, Story

_SNAPSHOTS = np.array([5, 11, 17, 23]) * np.timedelta64(1, "h") + np.timedelta64(50, "m")
_QUARTER_DELTA = 0.6745  # standard normal quantile of 0.75
_WING = 1.3  # standard deviations over which the smile's odd part saturates
_TENORS = np.array([7.0, 30.0, 90.0, 180.0])
_YEAR_DAYS = 365.0
_DVOL_OVER_ATM = 1.4  # the index averages the whole smile
# Open interest of both sides together when an expiry is near, and the days over which it builds up.
_SIZE_BTC = {
    ExpiryKind.DAILY: 1_600.0,
    ExpiryKind.WEEKLY: 9_000.0,
    ExpiryKind.MONTHLY: 52_000.0,
    ExpiryKind.QUARTERLY: 95_000.0,
}
_BUILD_UP_DAYS = {ExpiryKind.DAILY: 3.0, ExpiryKind.WEEKLY: 12.0, ExpiryKind.MONTHLY: 45.0, ExpiryKind.QUARTERLY: 150.0}
_CALLS_AT, _PUTS_AT, _SPREAD = 0.14, -0.13, 0.17  # logarithms of strike over the month's mean price


def tables(story: Story, spot: Bars) -> dict[str, pl.DataFrame]:
    """`option_chain` and `dvol_1h`."""
    return {"option_chain": _chain(story, spot), "dvol_1h": _dvol(story)}


def snapshot_times(story: Story) -> Instants:
    """Once a day at 23:50 UTC, and every six hours around the golden days."""
    start, end = np.array(story.figures("options")["every_six_hours"], dtype="M8[us]")
    dense = (story.days >= start) & (story.days <= end)
    return np.sort(np.concatenate([story.days + _SNAPSHOTS[-1], *(story.days[dense] + at for at in _SNAPSHOTS[:-1])]))


def _chain(story: Story, spot: Bars) -> pl.DataFrame:
    snapshots = snapshot_times(story)
    index = spot.at(snapshots)
    carry = story.path("options", "carry_pct", snapshots) / 100
    surface = _Surface(story, snapshots)
    rows = listings(snapshots, index, surface.atm(np.arange(len(snapshots)), np.full(len(snapshots), 30.0)))

    days = (rows.expiry - snapshots[rows.snapshot]) / DAY
    forward = np.round(index[rows.snapshot] * np.exp(carry[rows.snapshot] * days / _YEAR_DAYS), 2)
    iv = np.round(surface.iv(rows.snapshot, days, np.log(rows.strike / forward)), 2)
    deviation = iv / 100 * np.sqrt(days / _YEAR_DAYS)
    d1 = np.log(forward / rows.strike) / deviation + deviation / 2
    call = ndtr(d1) - rows.strike / forward * ndtr(d1 - deviation)
    sides = []
    for side, mark in (("C", call), ("P", call - 1 + rows.strike / forward)):
        interest = _open_interest(story, spot, snapshots, rows, days, side)
        traded = interest * 0.05 * story.uniform(f"options.volume.{side}", len(days)) ** 3
        sides.append(_frame(rows, snapshots, index, forward, iv, np.maximum(mark, 1e-7), side, interest, traded))
    return pl.concat(sides).sort("snapshot_time", "expiry", "strike", "option_type")


class _Surface:
    """Implied volatility in points at each snapshot, by days to expiry and log-moneyness."""

    def __init__(self, story: Story, snapshots: Instants) -> None:
        day = story.day_of(snapshots)
        figures = story.figures("options")
        level = _level(story)[day]
        lean = (story.wander("options.lean", len(story.days), 0.8) * story.daily("options", "rr25_noise"))[day]
        atm = [story.path("options", f"atm_{tenor:.0f}d", snapshots) * level for tenor in _TENORS]
        skew = [story.path("options", f"rr25_{tenor:.0f}d", snapshots) + lean for tenor in _TENORS[:3]]
        self._atm, self._skew = np.array(atm), np.array(skew)
        self._butterfly_share = figures["butterfly_share"]

    def atm(self, snapshot: npt.NDArray[np.int64], days: Floats) -> Floats:
        """At-the-money volatility."""
        return _along_tenors(self._atm, _TENORS, snapshot, days)

    def iv(self, snapshot: npt.NDArray[np.int64], days: Floats, moneyness: Floats) -> Floats:
        """Volatility of a strike; `moneyness` is log(strike / forward)."""
        atm = self.atm(snapshot, days)
        skew = _along_tenors(self._skew, _TENORS[:3], snapshot, days)
        deviation = atm / 100 * np.sqrt(days / _YEAR_DAYS)
        # Distance from the strike of half delta, in standard deviations; a quarter delta lies near 0.67.
        x = moneyness / deviation - deviation / 2
        odd = np.tanh(x / _WING) / np.tanh(_QUARTER_DELTA / _WING) / 2
        even = (x**2 / (1 + x**2 / 9)) / (_QUARTER_DELTA**2 / (1 + _QUARTER_DELTA**2 / 9))
        smile: Floats = atm * (1 + self._butterfly_share * even) + skew * odd
        return smile


def _level(story: Story) -> Floats:
    """What all volatilities of a day are multiplied by: noise that fades over a week."""
    noise = story.wander("options.level", len(story.days), 0.8) * story.figures("options")["noise_pct"] / 100
    level: Floats = np.exp(noise)
    return level


def _along_tenors(values: Floats, tenors: Floats, snapshot: npt.NDArray[np.int64], days: Floats) -> Floats:
    """Value at `days` of each row's snapshot: straight in log time between the tenors, flat beyond them."""
    at = np.log(np.clip(days, tenors[0], tenors[-1]))
    grid = np.log(tenors)
    upper = np.clip(np.searchsorted(grid, at), 1, len(grid) - 1)
    share = (at - grid[upper - 1]) / (grid[upper] - grid[upper - 1])
    between: Floats = values[upper - 1, snapshot] * (1 - share) + values[upper, snapshot] * share
    return between


def _open_interest(story: Story, spot: Bars, snapshots: Instants, rows: Listing, days: Floats, side: str) -> Floats:
    """BTC by strike: calls above the month's mean price and puts below it, most at round strikes."""
    daily_close = spot.by_day().close
    month = np.convolve(np.concatenate([np.full(29, daily_close[0]), daily_close]), np.full(30, 1 / 30), "valid")
    usual = month[story.day_of(snapshots)][rows.snapshot]
    centre = _CALLS_AT if side == "C" else _PUTS_AT
    weight = np.exp(-(((np.log(rows.strike / usual) - centre) / _SPREAD) ** 2) / 2) + 0.02
    weight *= 1 + (rows.strike % 5_000 == 0) + 1.5 * (rows.strike % 10_000 == 0)
    weight *= np.exp(0.5 * _strike_luck(story, rows, side))
    ratio = story.path("options", "put_call_ratio", snapshots)[rows.snapshot]
    share = 1 / (1 + ratio) if side == "C" else ratio / (1 + ratio)
    size = np.select([rows.kind == kind for kind in _SIZE_BTC], list(_SIZE_BTC.values()))
    build_up = 1 / (1 + days / np.select([rows.kind == kind for kind in _BUILD_UP_DAYS], list(_BUILD_UP_DAYS.values())))
    chains = np.column_stack([rows.snapshot, rows.expiry.astype(np.int64)])
    of_expiry = np.unique(chains, axis=0, return_inverse=True)[1].ravel()
    whole = np.bincount(of_expiry, weight)[of_expiry]
    interest: Floats = size * build_up * share * weight / whole
    if side == "P":
        interest = _piled(story, snapshots, rows, interest)
    return np.round(interest, 1)


def _piled(story: Story, snapshots: Instants, rows: Listing, interest: Floats) -> Floats:
    """Moves the puts of the anchored expiry onto their anchored strikes, as far as the pile is in place."""
    pile: dict[str, Any] = story.figures("options")["pile"]
    when = np.array([day for day, _ in pile["share"]], dtype="M8[us]").astype(float)
    place = np.interp(snapshots.astype(float), when, [share for _, share in pile["share"]])[rows.snapshot]
    anchored = np.zeros_like(interest)
    for strike, btc in pile["puts"].items():
        anchored[rows.strike == float(strike.replace("_", ""))] = btc
    here = rows.expiry.astype("M8[D]") == np.datetime64(pile["expiry"])
    # A tenth of the ordinary interest stays, so that no strike is empty.
    piled: Floats = np.where(here, (1 - 0.9 * place) * interest + place * anchored, interest)
    return piled


def _strike_luck(story: Story, rows: Listing, side: str) -> Floats:
    """Normal noise that belongs to an instrument, the same in every snapshot."""
    expiry = rows.expiry.astype("M8[D]").astype(np.int64)
    table = story.noise(f"options.luck.{side}", 1009, 401)
    luck: Floats = table[expiry % 1009, (rows.strike / 500).astype(int) % 401]
    return luck


def _frame(
    rows: Listing,
    snapshots: Instants,
    index: Floats,
    forward: Floats,
    iv: Floats,
    mark: Floats,
    side: str,
    interest: Floats,
    traded: Floats,
) -> pl.DataFrame:
    tick = np.where(mark < 0.005, 1e-4, 5e-4)
    half_spread = np.maximum(tick / 2, mark * 0.008)
    bid = np.floor((mark - half_spread) / tick + 1e-9) * tick
    ask = np.ceil((mark + half_spread) / tick - 1e-9) * tick
    frame = pl.DataFrame(
        {
            "snapshot_time": snapshots[rows.snapshot],
            "expiry": rows.expiry,
            "strike": rows.strike,
            "underlying_price": forward,
            "index_price": np.round(index, 2)[rows.snapshot],
            "mark_price_btc": np.round(mark, 7),
            "bid_price_btc": np.round(bid, 4),
            "ask_price_btc": np.round(ask, 4),
            "mark_iv": iv,
            "open_interest_btc": interest,
            "volume_btc": np.round(traded, 1),
        }
    )
    no_bid = pl.col("bid_price_btc") <= 0
    name = pl.concat_str(
        pl.lit("BTC-"),
        pl.col("expiry").dt.strftime("%-d%b%y").str.to_uppercase(),
        pl.lit("-"),
        pl.col("strike").cast(pl.Int64),
        pl.lit(f"-{side}"),
    )
    return frame.with_columns(
        instrument_name=name,
        option_type=pl.lit(side),
        bid_price_btc=pl.when(no_bid).then(None).otherwise(pl.col("bid_price_btc")),
    )


def _dvol(story: Story) -> pl.DataFrame:
    """The venue's 30-day index by the hour, a little above the volatility at the money."""
    close = story.path("options", "atm_30d", story.hours) * _level(story)[story.day_of(story.hours)] + _DVOL_OVER_ATM
    close = close + 0.25 * story.wander("dvol", len(close), 0.8)
    open_ = np.concatenate([close[:1], close[:-1]])
    reach = np.abs(story.noise("dvol.wick", len(close), 2)) * 0.12
    bars = {
        "open": open_,
        "high": np.maximum(open_, close) + reach[:, 0],
        "low": np.minimum(open_, close) - reach[:, 1],
        "close": close,
    }
    return pl.DataFrame({"time": story.hours, **{name: np.round(values, 2) for name, values in bars.items()}})
