"""Our option surface on real chains, against the venue's own volatility index and the collector's own deltas."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from analytics.options import surface
from tests.unit.analytics.chains import deribit_month

MONTHS = ("2026-01", "2026-04", "2026-05", "2026-06", "2026-07")
TENORS_D = (7, 30, 90)
DVOL = "dvol_btc_daily_tradingview.csv"
SHORTEST_D = 2  # as in the definition of the surface


@dataclass(frozen=True)
class SurfaceComparison:
    """Ours and theirs in volatility points.

    `skew` and `atm` have snapshot_time, tenor_days, ours, theirs; `level` has day, ours, dvol.
    """

    skew: pl.DataFrame
    atm: pl.DataFrame
    level: pl.DataFrame
    snapshots: int


def missing(archive: Path) -> list[Path]:
    """The files that an archive laid out as the tests' (`data/options/…`) does not have."""
    options = archive / "data" / "options"
    wanted = [*(options / f"deribit_chain_{month}.parquet" for month in MONTHS), options / DVOL]
    return [path for path in wanted if not path.exists()]


def compare(archive: Path) -> SurfaceComparison:
    """Every month of chains in an archive. One month is held at a time."""
    skews, levels, atms, snapshots = [], [], [], 0
    for month in MONTHS:
        chain = deribit_month(archive, month)
        ours = surface(chain).tenors
        snapshots += ours["snapshot_time"].n_unique()
        theirs = pl.DataFrame(list(_readings(chain)), schema=READING, orient="row")
        both = ours.join(theirs, on=["snapshot_time", "tenor_days"])
        skews.append(both.select("snapshot_time", "tenor_days", ours="rr25", theirs="rr"))
        atms.append(both.select("snapshot_time", "tenor_days", ours="atm_iv_pct", theirs="atm"))
        last = ours.filter(pl.col("tenor_days") == 30).sort("snapshot_time")
        levels.append(last.group_by(day=pl.col("snapshot_time").dt.date()).last().select("day", ours="atm_iv_pct"))
    index = pl.read_csv(archive / "data" / "options" / DVOL).select(day=pl.from_epoch("time").dt.date(), dvol="close")
    level = pl.concat(levels).join(index, on="day").sort("day")
    return SurfaceComparison(pl.concat(skews).drop_nulls(), pl.concat(atms).drop_nulls(), level, snapshots)


READING = {"snapshot_time": pl.Datetime("us"), "tenor_days": pl.Int32, "atm": pl.Float64, "rr": pl.Float64}


def _readings(chain: pl.DataFrame) -> Iterator[tuple[object, int, float, float]]:
    """Volatility at the collector's deltas, straight between neighbouring quotes; then total variance in time."""
    elapsed = (pl.col("expiry_time") - pl.col("snapshot_time")).dt.total_seconds() / 86_400
    is_call = pl.col("option_type") == "C"
    quotes = (
        chain.with_columns(days=elapsed, call_delta=pl.col("delta") + pl.when(is_call).then(0).otherwise(1))
        .filter(pl.col("days") >= SHORTEST_D)
        .filter(pl.when(is_call).then(pl.col("call_delta") <= 0.5).otherwise(pl.col("call_delta") > 0.5))
        .sort("call_delta")
    )
    smiles: dict[object, list[tuple[float, ...]]] = {}
    for (snapshot, days), expiry in quotes.group_by("snapshot_time", "days", maintain_order=True):
        deltas, volatilities = expiry["call_delta"].to_numpy(), expiry["mark_iv_pct"].to_numpy()
        at = [_between(deltas, volatilities, target) for target in (0.5, 0.25, 0.75)]
        if None not in at:
            smiles.setdefault(snapshot, []).append((days, *at))
    for snapshot, expiries in smiles.items():
        for tenor in TENORS_D:
            for before, after in pairwise(sorted(expiries)):
                if before[0] <= tenor < after[0]:
                    share = (tenor - before[0]) / (after[0] - before[0])
                    atm, call, put = (
                        np.sqrt(((1 - share) * before[n] ** 2 * before[0] + share * after[n] ** 2 * after[0]) / tenor)
                        for n in (1, 2, 3)
                    )
                    yield snapshot, tenor, float(atm), float(call - put)


def _between(deltas: np.ndarray, volatilities: np.ndarray, target: float) -> float | None:
    above = int(np.searchsorted(deltas, target))
    if above in (0, len(deltas)):
        return None
    return float(np.interp(target, deltas[above - 1 : above + 1], volatilities[above - 1 : above + 1]))


def errors(pairs: pl.DataFrame) -> pl.DataFrame:
    """The distribution of ours minus theirs in volatility points, one row a tenor."""
    difference = pl.col("ours") - pl.col("theirs")
    return (
        pairs.group_by("tenor_days")
        .agg(
            readings=pl.len(),
            median=difference.median(),
            half_within=difference.abs().median(),
            p90=difference.abs().quantile(0.9, "linear"),
            p99=difference.abs().quantile(0.99, "linear"),
            worst=difference.abs().max(),
            correlation=pl.corr("ours", "theirs"),
        )
        .sort("tenor_days")
    )
