"""How long runs last, with runs that the edge of the data cut off counted as "at least so long" (Kaplan-Meier)."""

import numpy as np
import polars as pl
from statsmodels.duration.survfunc import SurvfuncRight

from benchmarks.study.spells import REGIMES


def survival(lengths: pl.DataFrame) -> SurvfuncRight:
    """Kaplan-Meier estimate of how long a run lasts; runs that were cut off count as `at least so long`."""
    return SurvfuncRight(lengths["days"].to_numpy(), lengths["is_complete"].to_numpy().astype(int))


def durations(runs: pl.DataFrame) -> pl.DataFrame:
    """One row a label: runs, how many were cut off, median with its 90 % interval, longest, runs under three days."""
    rows = []
    for label in [name for name in REGIMES if name in set(runs["label"])]:
        own = runs.filter(pl.col("label") == label)
        estimate = survival(own)
        with np.errstate(all="ignore"):  # the interval's transform has no value where all or none survive
            low, high = estimate.quantile_ci(0.5, alpha=0.1) if own.height > 2 else (None, None)
        rows.append(
            {
                "regime": label,
                "days": own["days"].sum(),
                "runs": own.height,
                "cut_off": own.height - own["is_complete"].sum(),
                "median": estimate.quantile(0.5),
                "low": low,
                "high": high,
                "longest": own["days"].max(),
                "under_three": own.filter(pl.col("days") < 3).height,
            }
        )
    return pl.DataFrame(rows)
