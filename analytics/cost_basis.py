"""What unspent coins cost: realised capitalisation, supply in loss, distribution over prices and ages.

From satoshi sums by day created and by (day created, day spent) and one price a day; exact integers throughout.

Definitions: realised capitalisation is Σ unspent value × price when created (N. Carter and A. Le Calvez, Coin Metrics
2018), realised price that over supply, MVRV market over realised capitalisation (M. Mahmudov and D. Puell, 2018), URPD
the unspent supply by price when created (R. Schultze-Kraft, Glassnode 2020), age bands after "HODL waves" (D. Bansal,
Unchained 2018). A coin that cost exactly the price of the day is neither in profit nor in loss.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
import polars as pl

from analytics.realised import SATOSHI_CENTS, effective, require_prices

# Unspent coins at the end of one day, by the day they were created.
UNSPENT: dict[str, type[pl.DataType]] = {"created_day": pl.Date, "satoshi": pl.Int64}

# One row a day.
STOCKS: dict[str, type[pl.DataType]] = {
    "day": pl.Date,
    "price_cents": pl.Int64,
    "supply_satoshi": pl.Int64,
    "profit_supply_satoshi": pl.Int64,
    "loss_supply_satoshi": pl.Int64,
    "realized_cap_satcent": SATOSHI_CENTS,
    "market_cap_satcent": SATOSHI_CENTS,
}

# Lower bounds of the usual age bands, in days.
AGE_BANDS_DAYS = (0, 1, 7, 30, 90, 180, 365, 730, 1095, 1825, 2555, 3650)


def unspent(spent: pl.DataFrame, created: pl.DataFrame, days: Iterable[date]) -> Iterator[tuple[date, pl.DataFrame]]:
    """The unspent coins at the end of each of these days, oldest first: the columns of `UNSPENT`, zeros left out.

    Needs all cells up to the last day. One pass over the spent cells, in order, whatever the number of days.
    """
    wanted = sorted(set(days))
    if not wanted:
        return
    last = wanted[-1]
    cells = effective(spent).filter(pl.col("spent_day") <= last).sort("spent_day")
    made = created.filter(pl.col("created_day") <= last).sort("created_day")
    known = made["created_day"].to_numpy()
    left = made["satoshi"].to_numpy().copy()
    orphans = cells.filter(~pl.col("created_day").is_in(made["created_day"].implode()))
    if orphans.height:
        raise ValueError(
            f"{orphans.height} cells spend coins of days on which none was created, one of them "
            f"{orphans['created_day'][0]}: the tables are not of one chain."
        )
    place = np.searchsorted(known, cells["created_day"].to_numpy())
    amounts = cells["satoshi"].to_numpy()
    ends = np.searchsorted(cells["spent_day"].to_numpy(), np.array(wanted, "datetime64[D]"), side="right")
    done = 0
    for day, end in zip(wanted, ends, strict=True):
        np.subtract.at(left, place[done:end], amounts[done:end])
        done = int(end)
        there = (known <= np.datetime64(day)) & (left != 0)
        yield day, pl.DataFrame({"created_day": known[there], "satoshi": left[there]}, schema=UNSPENT)


def stock(day: date, coins: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """One row of `STOCKS` for the unspent coins at the end of a day. Raises MissingPricesError."""
    [price] = _price_of(day, prices)
    satoshi = pl.col("satoshi").cast(SATOSHI_CENTS)
    return (
        _with_cost(coins, prices)
        .select(
            pl.lit(day).alias("day"),
            pl.lit(price).alias("price_cents"),
            pl.col("satoshi").sum().alias("supply_satoshi"),
            pl.col("satoshi").filter(pl.col("cost_cents") < price).sum().alias("profit_supply_satoshi"),
            pl.col("satoshi").filter(pl.col("cost_cents") > price).sum().alias("loss_supply_satoshi"),
            (satoshi * pl.col("cost_cents")).sum().alias("realized_cap_satcent"),
            (satoshi * price).sum().alias("market_cap_satcent"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in STOCKS.items())
    )


def distribution(coins: pl.DataFrame, prices: pl.DataFrame, *, bin_cents: int) -> pl.DataFrame:
    """Unspent coins by the price when they were created, in bins of `bin_cents`: price_low_cents, price_high_cents,
    satoshi; empty bins left out.

    A bin holds its lower bound and not its upper one. Raises MissingPricesError.
    """
    if bin_cents < 1:
        raise ValueError(f"a price bin of {bin_cents} cents is too narrow: at least one cent")
    return (
        _with_cost(coins, prices)
        .group_by((pl.col("cost_cents") // bin_cents * bin_cents).alias("price_low_cents"))
        .agg(pl.col("satoshi").sum())
        .sort("price_low_cents")
        .select("price_low_cents", (pl.col("price_low_cents") + bin_cents).alias("price_high_cents"), "satoshi")
    )


def ages(day: date, coins: pl.DataFrame, bounds_days: Sequence[int] = AGE_BANDS_DAYS) -> pl.DataFrame:
    """Unspent coins at the end of a day by age: age_from_days, age_until_days (not included; null for the last band),
    satoshi; empty bands are there with zero."""
    if list(bounds_days) != sorted(set(bounds_days)) or not bounds_days or bounds_days[0] != 0:
        raise ValueError("age bands begin at zero days and rise")
    held = [0] * len(bounds_days)
    for created_day, satoshi in coins.select("created_day", "satoshi").iter_rows():
        held[bisect_right(bounds_days, (day - created_day).days) - 1] += satoshi
    return pl.DataFrame(
        {"age_from_days": list(bounds_days), "age_until_days": [*bounds_days[1:], None], "satoshi": held},
        schema={"age_from_days": pl.Int64, "age_until_days": pl.Int64, "satoshi": pl.Int64},
    )


def _with_cost(coins: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    require_prices(coins["created_day"], prices)
    return coins.join(prices.rename({"day": "created_day", "price_cents": "cost_cents"}), on="created_day")


def _price_of(day: date, prices: pl.DataFrame) -> list[int]:
    require_prices(pl.Series([day]), prices)
    return prices.filter(pl.col("day") == day)["price_cents"].to_list()
