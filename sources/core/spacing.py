"""How far apart the observations of a dataset lie, and answers whose rows lie farther apart: bars of another length."""

from datetime import timedelta

import polars as pl

from sources.core.dataset import Dataset
from sources.core.errors import Failure, SourceError

LONGEST_BAR = timedelta(days=31)  # rows farther apart are a few days picked out of history
LEAST_FACTOR = 4  # two sessions next to each other are at most a long weekend apart
FEWEST_ROWS = 3  # of one series, from which a distance can be told from a hole


def series_columns(dataset: Dataset) -> list[str]:
    """The columns of the key that tell one series of a dataset from another: symbol, tenor, fund."""
    return [name for name in dataset.key if name != dataset.observed and dataset.columns[name].dtype == pl.String]


def require_spacing(dataset: Dataset, rows: pl.DataFrame) -> None:
    """Raise CHANGED_LAYOUT when the rows lie evenly, and no two of any series as near as the dataset's are.

    A hole is one long distance among short ones. Weekly bars in place of daily ones have only long ones.
    """
    spacing = dataset.spacing
    if spacing is None or rows.height < FEWEST_ROWS:
        return
    series = series_columns(dataset)
    stamps = rows.select(*series, _at=pl.col(dataset.observed).cast(pl.Datetime("us"))).unique().sort("_at")
    if series:
        stamps = stamps.filter(pl.len().over(series) >= FEWEST_ROWS)
    distance = pl.col("_at").diff().over(series) if series else pl.col("_at").diff()
    distances = stamps.select(distance.alias("_distance")).to_series().drop_nulls()
    if len(distances) < FEWEST_ROWS - 1:
        return
    nearest, farthest = min(distances.to_list()), max(distances.to_list())
    if LEAST_FACTOR * spacing <= nearest <= LONGEST_BAR and farthest <= 2 * nearest:
        what = f"its rows lie {nearest} apart where those of {dataset.id} lie {spacing} apart: bars of another length."
        raise SourceError(Failure.CHANGED_LAYOUT, what, dataset.id)
