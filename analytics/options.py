"""The option surface: all figures that are computed from snapshots of the option chain before dbt reads them.

How it is read is told in `smile` (deltas, maturities) and `probability` (the distribution of the price).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from analytics.probability import implied_probability
from analytics.smile import POINTS, constant_maturity, judged, smiles

TENORS_DAYS: Final = (7, 30, 90, 180)
HORIZONS_DAYS: Final = (21,)


@dataclass(frozen=True)
class Surface:
    """What the chains of one or many snapshots say; every frame carries snapshot_time.

    `tenors`: tenor_days, forward_usd, atm_iv_pct, rr25 = IV(25-delta call) − IV(25-delta put), bf25 = mean of these two
    − ATM (volatility points), expiries_used. Every snapshot has a row for every tenor; what cannot be read is null.
    `smiles`: expiry_time, forward_usd, days_to_expiry, atm_iv_pct, call25_iv_pct, put25_iv_pct, strikes_used.
    `probabilities`: horizon_days, strike_usd, prob_below_pct, prob_touch_pct, prob_holds_pct.
    `left_out`: reason, rows: quotes that could not be used (missing, expired, implausible_iv, crossed_quote).
    """

    tenors: pl.DataFrame
    smiles: pl.DataFrame
    probabilities: pl.DataFrame
    left_out: pl.DataFrame


def surface(
    chain: pl.DataFrame, tenors_days: Sequence[int] = TENORS_DAYS, horizons_days: Sequence[int] = HORIZONS_DAYS
) -> Surface:
    """Read the surface off option chains: rows of deribit__option_chain, any number of snapshots, in any order.

    Raises ValueError when the chain lacks columns.
    """
    rows = judged(chain)
    read = smiles(rows)
    points = read.points
    every_tenor = rows.select(pl.col("snapshot_time").unique().sort()).join(
        pl.DataFrame({"tenor_days": tenors_days}, schema={"tenor_days": pl.Int32}), how="cross"
    )
    known = pl.concat([constant_maturity(points, tenor) for tenor in tenors_days])
    tenors = every_tenor.join(known, on=["snapshot_time", "tenor_days"], how="left").with_columns(
        pl.col("expiries_used").fill_null(0)
    )
    columns = ["expiry_time", "forward_usd", "days_to_expiry", *POINTS, "strikes_used"]
    return Surface(
        tenors=tenors.sort("snapshot_time", "tenor_days"),
        smiles=points.select("snapshot_time", *columns),
        probabilities=pl.concat([implied_probability(read, horizon) for horizon in horizons_days]).sort(
            "snapshot_time", "horizon_days", "strike_usd"
        ),
        left_out=rows.filter(pl.col("defect").is_not_null())
        .group_by("snapshot_time", reason="defect")
        .agg(rows=pl.len())
        .sort("snapshot_time", "reason"),
    )
