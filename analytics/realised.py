"""Realised profit and loss of a day, from satoshi sums by (day created, day spent) and one price a day.

Exact integers: satoshi × US cents, in 128 bits. A coin that is created and spent at the same price is in neither profit
nor loss. A coin whose spending block is stamped with an earlier day than its creating block counts as spent on the day
it was created: nothing is valued at a price that was not known yet.

Definitions: profit and loss as Σ value × (price when spent − price when created), split by sign, and SOPR as their
ratio, after R. Shirakashi's SOPR (2019) and the realised profit and loss of Glassnode's metric catalogue; coin-days
destroyed after ByteCoin (2011): Σ coins × days since they were created.
"""

from collections.abc import Iterable
from datetime import date

import polars as pl

SATOSHI_CENTS = pl.Int128
SATOSHI_CENTS_PER_DOLLAR = 10**10

# Day, price in whole US cents of one bitcoin on that day.
PRICES: dict[str, type[pl.DataType]] = {"day": pl.Date, "price_cents": pl.Int64}

# One row a day. Amounts end with their unit; `_satcent` is satoshi × US cents.
FLOWS: dict[str, type[pl.DataType]] = {
    "day": pl.Date,
    "price_cents": pl.Int64,
    "created_satoshi": pl.Int64,  # outputs of the day's blocks
    "spent_satoshi": pl.Int64,
    "spent_coins": pl.Int64,
    "profit_satcent": SATOSHI_CENTS,
    "loss_satcent": SATOSHI_CENTS,  # a positive number
    "spent_value_satcent": SATOSHI_CENTS,  # at the price of the day
    "spent_cost_satcent": SATOSHI_CENTS,  # at the prices of the days of creation
    "destroyed_satoshi_days": SATOSHI_CENTS,
}


class MissingPricesError(ValueError):
    """Days whose coins cannot be valued, because they have no price."""

    def __init__(self, days: Iterable[date]) -> None:
        self.days = sorted(days)
        first, last = self.days[0], self.days[-1]
        super().__init__(f"{len(self.days)} days between {first} and {last} have coins but no price.")


def effective(spent: pl.DataFrame) -> pl.DataFrame:
    """Spent cells with no coin spent before the day it was created."""
    return spent.with_columns(spent_day=pl.max_horizontal("created_day", "spent_day"))


def flows(spent: pl.DataFrame, created: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """What was created, spent, gained and lost on each day of `created`: the columns of `FLOWS`, oldest day first.

    `spent` has created_day, spent_day, satoshi, coins; `created` has created_day, satoshi; `prices` the columns of
    `PRICES`. A subset of the days may be given, as long as the days of both tables are the same. Raises
    MissingPricesError.
    """
    cells = effective(spent)
    require_prices(pl.concat([cells["created_day"], cells["spent_day"], created["created_day"]]), prices)
    satoshi = pl.col("satoshi").cast(SATOSHI_CENTS)
    gain = pl.col("price_cents") - pl.col("cost_cents")
    by_day = (
        cells.join(prices.rename({"day": "created_day", "price_cents": "cost_cents"}), on="created_day")
        .join(prices.rename({"day": "spent_day"}), on="spent_day")
        .group_by(pl.col("spent_day").alias("day"))
        .agg(
            pl.col("satoshi").sum().alias("spent_satoshi"),
            pl.col("coins").sum().alias("spent_coins"),
            (satoshi * pl.max_horizontal(gain, pl.lit(0))).sum().alias("profit_satcent"),
            (satoshi * pl.max_horizontal(-gain, pl.lit(0))).sum().alias("loss_satcent"),
            (satoshi * pl.col("price_cents")).sum().alias("spent_value_satcent"),
            (satoshi * pl.col("cost_cents")).sum().alias("spent_cost_satcent"),
            (satoshi * (pl.col("spent_day") - pl.col("created_day")).dt.total_days())
            .sum()
            .alias("destroyed_satoshi_days"),
        )
    )
    days = created.select(pl.col("created_day").alias("day"), pl.col("satoshi").alias("created_satoshi"))
    return (
        days.join(by_day, on="day", how="full", coalesce=True)
        .with_columns(pl.exclude("day").fill_null(0))  # a day on which nothing was spent, or nothing created
        .join(prices, on="day")
        .select(pl.col(name).cast(dtype) for name, dtype in FLOWS.items())
        .sort("day")
    )


def dollars(satoshi_cents: str) -> pl.Expr:
    """A column of satoshi × US cents in US dollars, as a double."""
    return divided(pl.col(satoshi_cents), SATOSHI_CENTS_PER_DOLLAR)


def divided(amounts: pl.Expr, divisor: int) -> pl.Expr:
    """Whole amounts in a larger unit, as the nearest doubles.

    Polars multiplies by the reciprocal of a literal in some rows and divides in others, by where they lie in a batch;
    the last digit of a figure must not depend on which days are computed together.
    """
    return amounts.cast(pl.Float64).map_batches(
        lambda column: pl.Series(column.to_numpy() / float(divisor)), return_dtype=pl.Float64
    )


def sopr() -> pl.Expr:
    """Spent output profit ratio: value of the day's spent coins over what they were worth when created.

    Null when they were worth nothing, as on the days before there was a price.
    """
    cost = pl.col("spent_cost_satcent").cast(pl.Float64)
    return pl.when(cost > 0).then(pl.col("spent_value_satcent").cast(pl.Float64) / cost)


def require_prices(days: pl.Series, prices: pl.DataFrame) -> None:
    """Raise MissingPricesError unless each of these days has a price."""
    missing = set(days.unique()) - set(prices.filter(pl.col("price_cents").is_not_null())["day"])
    if missing:
        raise MissingPricesError(missing)
