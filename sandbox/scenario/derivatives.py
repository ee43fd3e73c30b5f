"""Perpetual funding, futures open interest and forced liquidations."""

import numpy as np
import polars as pl

from sandbox.scenario.prices import Bars
from sandbox.scenario.story import Floats, Instants, Story, pinned_walk, positions

_UNIT = 1e-4  # the paths of funding are in hundredths of a percent
# OKX answers only "now", so its history is what the scheduled snapshots saw.
_OKX_HOURS = np.array([5, 11, 17, 23]) * np.timedelta64(1, "h") + np.timedelta64(50, "m")


def tables(story: Story, spot: Bars) -> dict[str, pl.DataFrame]:
    """`funding`, `open_interest` and `liquidations_1h`."""
    return {
        "funding": _funding(story),
        "open_interest": _open_interest(story, spot),
        "liquidations_1h": _liquidations(story, spot),
    }


def _funding(story: Story) -> pl.DataFrame:
    """Settlements at 00, 08 and 16 UTC, on Deribit each hour; each rate is for the interval that ends at its stamp."""
    figures = story.figures("funding")
    parts = []
    for venue, offset in figures["venue_offset"].items():
        interval = 1 if venue == "deribit" else 8
        stamps = story.hours[::interval]
        base = story.path("funding", "base", stamps)
        spread = figures["noise"] + np.abs(base) / 4
        memory = 0.7 ** (interval / 8)
        # A premium that comes and goes on all venues, and a smaller one of their own.
        shared = story.wander("funding.shared", len(story.hours), 0.95)[::interval]
        own = story.wander(f"funding.{venue}", len(stamps), memory)
        rate = (base + offset + spread * (0.5 * shared + 0.3 * own)) * _UNIT * interval / 8
        parts.append(
            pl.DataFrame({"venue": venue, "funding_time": stamps, "rate": np.round(rate, 8)}).with_columns(
                interval_hours=pl.lit(interval, pl.Int32)
            )
        )
    return pl.concat(parts)


def _open_interest(story: Story, spot: Bars) -> pl.DataFrame:
    """Binance and Bybit by the hour, OKX at the snapshots, and a vendor's daily aggregate, which has no BTC figure."""
    figures = story.figures("open_interest")
    noise = figures["noise_pct"] / 100
    okx = np.sort(np.add.outer(story.days, _OKX_HOURS).ravel())
    parts = []
    for venue, share in figures["share"].items():
        stamps = okx if venue == "okx" else story.hours
        drift = story.wander(f"open_interest.{venue}", len(stamps), 0.97) * noise / 2
        btc = np.round(story.path("open_interest", "venues_kbtc", stamps) * 1000 * share * np.exp(drift), 3)
        parts.append(_oi_frame(venue, stamps, btc, np.round(btc * spot.at(stamps), 2)))

    when, _ = story.knots("open_interest", "aggregate_bn_usd")
    walk = pinned_walk(story.noise("open_interest.aggregate", len(story.days)) * noise, positions(story.days, when))
    usd = story.daily("open_interest", "aggregate_bn_usd") * 1e9 * np.exp(walk)
    parts.append(_oi_frame("aggregate", story.days, None, np.round(usd, 0)))
    return pl.concat(parts)


def _oi_frame(venue: str, stamps: Instants, btc: Floats | None, usd: Floats) -> pl.DataFrame:
    frame = pl.DataFrame({"venue": venue, "time": stamps, "oi_usd": usd})
    in_btc = pl.lit(None, pl.Float64) if btc is None else pl.Series(btc)
    return frame.with_columns(oi_btc=in_btc).select("venue", "time", "oi_btc", "oi_usd")


def _liquidations(story: Story, spot: Bars) -> pl.DataFrame:
    """Longs are closed when the price falls, shorts when it rises, both more than in proportion."""
    figures = story.figures("liquidations")
    luck = np.exp(0.6 * story.noise("liquidations", len(story.hours), 2) - 0.18)
    push = np.column_stack([-spot.returns, spot.returns]).clip(min=0) / 0.005
    closed = figures["quiet_hour_usd"] * luck * (1 + 2.2 * push**1.4)
    for day in figures["day"]:
        of_day = slice(*np.searchsorted(story.hours, np.array([day["date"]], "M8[D]") + np.array([0, 1])))
        closed[of_day] *= np.array([day["long_usd"], day["short_usd"]]) / closed[of_day].sum(axis=0)
    long_usd, short_usd = np.round(closed, 2).T
    return pl.DataFrame({"venue": "aggregate", "hour": story.hours, "long_usd": long_usd, "short_usd": short_usd})
