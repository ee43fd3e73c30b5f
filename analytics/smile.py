"""Makes one volatility smile for each expiry of an option chain, and from the smiles the constant maturities.

Conventions (one choice each, so that readings of different days can be compared):

- forward: the median of the underlying prices on an expiry's rows, which differ by cents;
- quotes: out-of-the-money options only, puts struck below the forward and calls from it on, at the venue's mark IV;
- time: ACT/365 to the expiry instant (08:00 UTC on Deribit); expiries under two days are left out, their 25-delta
  strikes are noise;
- delta: plain Black-76 forward delta; a put's is counted as the call delta of its strike, so that one axis holds the
  whole smile: 0.75 is the 25-delta put, 0.50 at the money, 0.25 the 25-delta call;
- between strikes IV is linear in delta, between expiries total variance σ²T is linear in time at fixed delta;
- outside the outermost quoted delta and the listed expiries there is no value.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from analytics.black76 import Floats, call_delta
from analytics.bracket import Indices, bracket, group_starts

SHORTEST_DAYS: Final = 2.0
HIGHEST_IV_PCT: Final = 400.0  # a mark at or above it is a broken row, not a market
DAYS_A_YEAR: Final = 365.0

# The points of a smile, by call delta.
POINTS: Final = {"atm_iv_pct": 0.50, "call25_iv_pct": 0.25, "put25_iv_pct": 0.75}

CHAIN_COLUMNS: Final = (
    "snapshot_time",
    "expiry_time",
    "strike_usd",
    "option_type",
    "underlying_price_usd",
    "mark_iv_pct",
    "bid_price_btc",
    "ask_price_btc",
)


@dataclass(frozen=True)
class Smiles:
    """The quotes of many snapshots and the points read off them.

    `quotes`: one row per snapshot, expiry and strike, sorted so, with log_moneyness and total_variance.
    `points`: one row per snapshot and expiry, sorted so; its n-th smile begins at row `starts[n]` of `quotes`.
    """

    quotes: pl.DataFrame
    points: pl.DataFrame
    starts: Indices

    def wing(self, smile: int) -> tuple[Floats, Floats]:
        """Log-moneyness (ascending) and total variance of one smile's quotes."""
        end = self.starts[smile + 1] if smile + 1 < len(self.starts) else self.quotes.height
        rows = self.quotes[int(self.starts[smile]) : int(end)]
        return rows["log_moneyness"].to_numpy(), rows["total_variance"].to_numpy()


def judged(chain: pl.DataFrame) -> pl.DataFrame:
    """The chain with forward_usd, days_to_expiry and `defect`: why a row cannot be used, null where it can.

    Raises ValueError when columns are missing.
    """
    absent = [column for column in CHAIN_COLUMNS if column not in chain.columns]
    if absent:
        raise ValueError(f"the option chain lacks {', '.join(absent)}; needed are {', '.join(CHAIN_COLUMNS)}")
    price = pl.col("underlying_price_usd")
    usable_price = pl.when(price.is_finite() & (price > 0)).then(price)
    days = (pl.col("expiry_time") - pl.col("snapshot_time")).dt.total_microseconds() / 86_400e6
    strike, mark = pl.col("strike_usd"), pl.col("mark_iv_pct")
    complete = (
        pl.col("forward_usd").is_not_null()
        & (strike.is_finite() & (strike > 0))
        & mark.is_finite()
        & pl.col("option_type").is_in(["C", "P"])
        & pl.col("days_to_expiry").is_not_null()
    )
    return (
        chain.select(CHAIN_COLUMNS)
        .with_columns(
            forward_usd=usable_price.median().over("snapshot_time", "expiry_time"),
            days_to_expiry=days,
        )
        .with_columns(
            defect=pl.when(~complete.fill_null(False))
            .then(pl.lit("missing"))
            .when(pl.col("days_to_expiry") <= 0)
            .then(pl.lit("expired"))
            .when((mark <= 0) | (mark >= HIGHEST_IV_PCT))
            .then(pl.lit("implausible_iv"))
            .when(pl.col("bid_price_btc") > pl.col("ask_price_btc"))
            .then(pl.lit("crossed_quote"))
        )
    )


def smiles(rows: pl.DataFrame) -> Smiles:
    """One smile a snapshot and expiry from rows as `judged` gives them."""
    is_call = pl.col("strike_usd") >= pl.col("forward_usd")
    quotes = (
        rows.filter(
            pl.col("defect").is_null(),
            pl.col("days_to_expiry") >= SHORTEST_DAYS,
            (pl.col("option_type") == "C") == is_call,
        )
        .select(
            "snapshot_time",
            "expiry_time",
            "strike_usd",
            "forward_usd",
            "days_to_expiry",
            "mark_iv_pct",
            log_moneyness=(pl.col("strike_usd") / pl.col("forward_usd")).log(),
            total_variance=(pl.col("mark_iv_pct") / 100) ** 2 * pl.col("days_to_expiry") / DAYS_A_YEAR,
        )
        .sort("snapshot_time", "expiry_time", "strike_usd", "mark_iv_pct")
        # A strike sent twice would leave no room to interpolate; the lower mark is kept, whatever the order.
        .unique(["snapshot_time", "expiry_time", "strike_usd"], keep="first", maintain_order=True)
    )
    snapshot, expiry = quotes["snapshot_time"].to_physical().to_numpy(), quotes["expiry_time"].to_physical().to_numpy()
    starts = group_starts(snapshot, expiry)
    delta = call_delta(quotes["log_moneyness"].to_numpy(), np.sqrt(quotes["total_variance"].to_numpy()))
    by_delta = np.lexsort((delta, expiry, snapshot))
    delta, mark = delta[by_delta], quotes["mark_iv_pct"].to_numpy()[by_delta]
    points = quotes[starts].select(
        "snapshot_time",
        "expiry_time",
        "forward_usd",
        "days_to_expiry",
        *(pl.Series(name, bracket(delta, starts, at).of(mark)).fill_nan(None) for name, at in POINTS.items()),
        strikes_used=pl.Series(np.diff(np.append(starts, quotes.height)), dtype=pl.Int32),
    )
    return Smiles(quotes, points, starts)


def constant_maturity(points: pl.DataFrame, tenor_days: int) -> pl.DataFrame:
    """The surface at one tenor, a row a snapshot: forward_usd, atm_iv_pct, rr25, bf25, expiries_used (0, 1 or 2).

    The two expiries next to the tenor are used, or the one that is the tenor; a point which one of them does not quote
    is null. The forward is log-linear in time.
    """
    starts = group_starts(points["snapshot_time"].to_physical().to_numpy())
    days = points["days_to_expiry"].to_numpy()
    at = bracket(days, starts, tenor_days)

    def volatility(name: str) -> Floats:
        return np.sqrt(at.of(points[name].cast(pl.Float64).fill_null(np.nan).to_numpy() ** 2 * days) / tenor_days)

    atm, call, put = (volatility(name) for name in POINTS)
    used = np.where(at.inside, np.where(at.weight == 0, 1, 2), 0)
    return points[starts].select(
        "snapshot_time",
        tenor_days=pl.lit(tenor_days, dtype=pl.Int32),
        forward_usd=pl.Series(np.exp(at.of(np.log(points["forward_usd"].to_numpy())))).fill_nan(None),
        atm_iv_pct=pl.Series(atm).fill_nan(None),
        rr25=pl.Series(call - put).fill_nan(None),
        bf25=pl.Series((call + put) / 2 - atm).fill_nan(None),
        expiries_used=pl.Series(used, dtype=pl.Int32),
    )
