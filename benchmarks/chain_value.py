"""Values all of history: 18 million cells, one for each pair of six thousand days, with one price for each day.

One day is what a daily run adds; the flows of every day are what a chart of all history takes.
"""

import resource
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics.cost_basis import ages, distribution, stock, unspent
from analytics.realised import PRICES, flows
from benchmarks.claim import Bound, Claim, Size
from chain.cells import CREATED, SPENT

DAYS = {Size.SMALL: 600, Size.FULL: 6_000}
FIRST = date(2009, 1, 3)
STOCK_DAYS = 30
LIMIT_S = 20
LIMIT_MEGABYTES = 8_192


def run(size: Size) -> Iterator[Claim]:
    days = DAYS[size]
    spent, created, prices = history(days)
    last = created["created_day"][-1]

    def claim(what: str, started: float, worked: float, limit_s: float) -> Claim:
        work = time.process_time() - worked
        detail = f"{spent.height:,} cells, {work:.1f} s of CPU"
        return Claim(what, time.perf_counter() - started, Bound.AT_MOST, limit_s, "s", detail)

    today = spent.filter(pl.col("spent_day") == last)
    started, worked = time.perf_counter(), time.process_time()
    flows(today, created.filter(pl.col("created_day") == last), prices)
    [(day, coins)] = unspent(spent, created, [last])
    stock(day, coins, prices)
    distribution(coins, prices, bin_cents=50_000)
    ages(day, coins)
    yield claim("one new day, flows and stocks", started, worked, LIMIT_S)

    started, worked = time.perf_counter(), time.process_time()
    for day, coins in unspent(spent, created, [last - timedelta(days=n) for n in range(STOCK_DAYS)]):
        stock(day, coins, prices)
        distribution(coins, prices, bin_cents=50_000)
        ages(day, coins)
    yield claim(f"stocks of {STOCK_DAYS} days", started, worked, LIMIT_S)

    started, worked = time.perf_counter(), time.process_time()
    flows(spent, created, prices)
    yield claim("flows of every day", started, worked, 2 * LIMIT_S)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Claim("memory at its peak", peak, Bound.AT_MOST, LIMIT_MEGABYTES, "MiB")


def history(days: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Cells of every pair of days, and prices: as many rows as there can ever be for so many days."""
    chance = np.random.default_rng(3)
    created_place, spent_place = np.triu_indices(days)
    origin = np.datetime64(FIRST)
    satoshi = chance.integers(1, 10**9, created_place.size)
    spent = pl.DataFrame(
        {
            "created_day": origin + created_place,
            "spent_day": origin + spent_place,
            "satoshi": satoshi,
            "coins": np.ones(created_place.size, np.int64),
        },
        schema=SPENT,
    )
    created = (
        spent.group_by("created_day")
        .agg(pl.col("satoshi").sum() + 10**9, pl.col("coins").sum() + 1)
        .select(list(CREATED))
        .sort("created_day")
    )
    prices = pl.DataFrame(
        {"day": created["created_day"], "price_cents": chance.integers(5_000, 12_000_000, days)}, schema=PRICES
    )
    return spent, created, prices
