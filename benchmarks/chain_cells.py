"""Spent coins that carry value and day of creation, against a raw scan of them and against the join that finds the day.

Rows are as a node's undo data gives them: created_day, spent_day, satoshi, in the order of spending, days over 6 000
days, ages even on a scale of logarithms. They are summed as the product sums cells (`chain.sums`). The join's side has
the same coins as outputs, in the order of creation, and as spends, in the order of spending, that meet by 128 bits, as
much of a transaction id as tells all of them apart; it is DuckDB's own hash join, in memory, with no limit set. (One
column of 128 bits instead of two of 64 is no faster.)
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.realised import PRICES, flows
from benchmarks.claim import Bound, Claim, Size
from benchmarks.measure import Measurement, measured
from chain.sums import COINS, by_spans

SCANNED = {Size.SMALL: 3_000_000, Size.FULL: 300_000_000}
JOINED = {Size.SMALL: 1_000_000, Size.FULL: 100_000_000}
DAYS = 6_000
ROWS_AT_ONCE = 1_000_000
MOST_SCANS = 2.0
MOST_OF_JOIN = 0.2
MOST_MIB = 1_024
REPEATS = 3  # the fastest counts: what else the machine does only slows

SCAN = "select count(*), sum(satoshi), min(created_day), max(created_day), min(spent_day), max(spent_day) from {spent}"

# Money in satoshi × cents, whole numbers. Both prices of a row are looked up in one list by the number of the day.
PROFIT_AND_LOSS = """
    select
        spent_day,
        sum(greatest(gain, 0)) as profit,
        sum(least(gain, 0)) as loss
    from (
        select spent_day, satoshi * (spent_price.cents - created_price.cents) as gain
        from {spent} spent
        join prices created_price on created_price.day = spent.created_day
        join prices spent_price on spent_price.day = spent.spent_day
    )
    group by spent_day
"""

JOIN = f"""
    select created_day, spent_day, {COINS}
    from {{spends}} spends join {{outputs}} outputs using (high, low)
    group by created_day, spent_day
"""


def run(size: Size) -> Iterator[Claim]:
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
        place = Path(folder)
        write_spent(place / "spent.parquet", SCANNED[size])
        spent = {"spent": place / "spent.parquet"}
        scan, valued = fastest((answer, SCAN, spent), (answer, PROFIT_AND_LOSS, spent))
        yield Claim(
            f"profit and loss of {SCANNED[size]:,} spent coins",
            valued.cpu_s / scan.cpu_s,
            Bound.AT_MOST,
            MOST_SCANS,
            "× a raw scan (CPU)",
            f"{valued.cpu_s:.1f} s of CPU against {scan.cpu_s:.1f} s; {valued.wall_s:.1f} s of time "
            f"against {scan.wall_s:.1f} s",
        )
        yield Claim("its memory at its peak", valued.peak_mib, Bound.AT_MOST, MOST_MIB, "MiB")
        (place / "spent.parquet").unlink()
        write_both_ways(place, JOINED[size])
        agreed = measured(agree, place / "spent.parquet").result
        yield Claim("profit and loss from coins and from their cells agree", float(agreed), Bound.AT_LEAST, 1, "")
        both = {"spends": place / "spends.parquet", "outputs": place / "outputs.parquet"}
        cells, joined = fastest((cells_of, place / "spent.parquet"), (answer, JOIN, both))
        if cells.result != joined.result:
            raise RuntimeError("the two ways to cells differ")
        yield Claim(
            f"cells of {JOINED[size]:,} spent coins",
            cells.cpu_s / joined.cpu_s,
            Bound.AT_MOST,
            MOST_OF_JOIN,
            "× the hash join (CPU)",
            f"{cells.cpu_s:.1f} s against {joined.cpu_s:.1f} s of CPU; {cells.peak_mib:,.0f} MiB against "
            f"{joined.peak_mib:,.0f} MiB",
        )


def fastest(*works: tuple[Any, ...]) -> list[Measurement[int]]:
    """The fastest run of each function with its arguments. They take turns, so that the machine is alike to all."""
    rounds = [[measured(*work) for work in works] for _ in range(REPEATS)]
    return [min(runs, key=lambda done: done.cpu_s) for runs in zip(*rounds, strict=True)]


def cells_of(spent: Path) -> int:
    """Sums the coins to cells; a hash of them that does not depend on their order."""
    with connected() as connection:
        return sum(hashed(connection, query) for query in by_spans(connection, f"read_parquet('{spent}')", COINS))


def answer(query: str, files: dict[str, Path]) -> int:
    """Runs the query; a hash of its rows that does not depend on their order."""
    with connected() as connection:
        text = query.format(**{name: f"read_parquet('{file}')" for name, file in files.items()})
        return hashed(connection, text)


def agree(spent: Path) -> bool:
    """Whether profit and loss straight from coins are what the product makes of their cells."""
    coins = f"read_parquet('{spent}')"
    with connected() as connection:
        straight = connection.execute(PROFIT_AND_LOSS.format(spent=coins)).fetchall()
        cells = pl.concat(connection.sql(query).pl() for query in by_spans(connection, coins, COINS))
        prices = connection.sql("select day, cents as price_cents from prices").pl().cast(PRICES)
    created = cells.group_by("created_day").agg(pl.col("satoshi", "coins").sum())
    valued = flows(cells, created, prices).filter(pl.col("spent_coins") > 0)
    by_day = valued.select("day", "profit_satcent", "loss_satcent").iter_rows()
    return [(day, profit, -loss) for day, profit, loss in by_day] == sorted(straight)


@contextmanager
def connected() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        connection.execute("set enable_progress_bar = false")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            "create temp table prices as select date '2009-01-03' + n::integer as day, 100 + n * n / 4 as cents "
            f"from range({DAYS + 1}) days(n)"
        )
        connection.execute("alter table prices alter cents type bigint")
        yield connection


def hashed(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    [[found]] = connection.execute(f"select sum(hash(answer)) from ({query}) answer").fetchall()
    return int(found)


def write_spent(file: Path, rows: int) -> None:
    rng = np.random.default_rng(5)
    with pq.ParquetWriter(file, SPENT_SCHEMA, compression="snappy") as writer:
        for first in range(0, rows, ROWS_AT_ONCE):
            writer.write_table(spent_rows(rng, first, min(ROWS_AT_ONCE, rows - first), rows))


HALVES = {"high": 0x9E3779B97F4A7C15, "low": 0xD1342543DE82EF95}
SPENT_SCHEMA = pa.schema({"created_day": pa.date32(), "spent_day": pa.date32(), "satoshi": pa.int64()})
COIN_SCHEMA = pa.schema([*(pa.field(name, pa.int64()) for name in HALVES), *SPENT_SCHEMA])


def spent_rows(rng: np.random.Generator, first: int, count: int, rows: int) -> pa.Table:
    start = 14_247  # 2009-01-03
    spent = (np.arange(first, first + count) * DAYS // rows).astype(np.int32)
    age = np.minimum(np.floor((spent + 1.0) ** rng.random(count)) - 1, spent).astype(np.int32)
    return pa.table(
        {
            "created_day": pa.array(start + spent - age, pa.date32()),
            "spent_day": pa.array(start + spent, pa.date32()),
            "satoshi": pa.array(rng.lognormal(14, 2.5, count).astype(np.int64).clip(1, 10**13)),
        },
        schema=SPENT_SCHEMA,
    )


def write_both_ways(place: Path, rows: int) -> None:
    """The same coins as rows that carry everything, and as outputs and spends that share a number."""
    rng = np.random.default_rng(6)
    with pq.ParquetWriter(place / "coins.parquet", COIN_SCHEMA, compression="snappy") as coins:
        for first in range(0, rows, ROWS_AT_ONCE):
            count = min(ROWS_AT_ONCE, rows - first)
            table = spent_rows(rng, first, count, rows)
            # Odd numbers times the row, in 64 bits: numbers without order, each once, as halves of hashes are.
            number = np.arange(first, first + count, dtype=np.uint64)
            halves = {name: (number * np.uint64(odd)).view(np.int64) for name, odd in HALVES.items()}
            coins.write_table(pa.table({**halves, **dict(zip(table.column_names, table.columns, strict=True))}))
    coin = f"read_parquet({str(place / 'coins.parquet')!r})"
    for name, query in (
        ("spent", f"select created_day, spent_day, satoshi from {coin}"),
        ("spends", f"select high, low, spent_day from {coin}"),
        ("outputs", f"select high, low, created_day, satoshi from {coin} order by created_day"),
    ):
        measured(copied, query, place / f"{name}.parquet")
    (place / "coins.parquet").unlink()


def copied(query: str, file: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"copy ({query}) to '{file}' (format parquet, compression snappy)")
