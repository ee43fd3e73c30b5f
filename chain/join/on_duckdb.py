"""The join on one machine, by DuckDB, within a memory limit.

First the copy is split: some days at a time, `creators` and `spends` are written to Parquet in buckets by the first
digits of the transaction id, so that a coin's creation and its spending meet in one bucket. Then each bucket is joined
alone, and its cells are kept. Days and buckets that are done stay done: a join that was killed goes on with the next.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from chain.join.join_sql import CREATED_CELLS, DUCKDB, creators, spends, spent_cells
from chain.join.public_copy import PublicCopy, readable

# A hash table of one bucket should fit into half of the memory. Measured with 20 million outputs: about 300 bytes for
# each transaction of a bucket and its inputs. Less would still be right: what does not fit is spilled.
_BYTES_A_TRANSACTION = 300
_MOST_BUCKETS = 256  # what two hexadecimal digits tell apart

# A metric of DuckDB's profiler: since the connection began, the most that lay in its folder for spilling at one time.
_SPILLED = "SYSTEM_PEAK_TEMP_DIR_SIZE"

# Rows that are split in one go, and rows that wait for their bucket's file before they are written.
_ROWS_A_SPLIT = 10_000_000
_WAITING_ROWS = 16_384

_EMPTY = {
    "creators": "transaction_key uuid, created_day date, satoshi bigint, coins bigint, output_values varchar, "
    "inputs bigint, faulty bigint",
    "spends": "transaction_key uuid, output_index bigint, spent_day date, satoshi bigint, faulty bigint",
}


@dataclass(frozen=True)
class JoinLimits:
    """What a join on one machine may use."""

    memory_bytes: int = 8_000_000_000
    threads: int | None = None  # None: every core
    fewest_buckets: int = 16
    most_buckets: int = _MOST_BUCKETS  # with fewer than the memory needs, DuckDB spills; the cells are the same

    def buckets(self, transactions: int) -> int:
        """Number of buckets for so many transactions, a power of two."""
        wanted = transactions * _BYTES_A_TRANSACTION / (self.memory_bytes / 2)
        buckets = self.fewest_buckets
        while buckets < min(wanted, self.most_buckets):
            buckets *= 2
        return buckets


def join_on_duckdb(
    copy: PublicCopy, main_chain: pl.DataFrame, work: Path, limits: JoinLimits, tell: Callable[[str], None]
) -> int:
    """Write the cells of every bucket to `work`/cells/`spent`-*.parquet and `created`-*.parquet;
    what was spilled at most at one time, in bytes.

    Raises JoinError when a file cannot be read or the limits do not suffice; what is done by then is kept in `work`.
    """
    days = copy.days()
    buckets = limits.buckets(sum(rows for _, rows in days))
    for other in set(work.glob("*-buckets")) - {work / f"{buckets}-buckets"}:
        shutil.rmtree(other)  # of a join that was killed and had other limits; its cells would count twice
    work = work / f"{buckets}-buckets"
    with readable(copy.folder), limited(limits, work / "spill") as connection:
        for table, columns in _EMPTY.items():
            connection.execute(f"create temp table no_{table} ({columns})")
        connection.register("main_chain", main_chain.to_arrow())
        batches = _batches(days)
        for number, files in enumerate(batches):
            target = work / "split" / f"{number:04}"
            if not target.exists():
                tell(f"splitting {files[0].parent.name.removeprefix('date=')} and on ({number + 1} of {len(batches)})")
                with _whole_folder(target) as aside:
                    _split(connection, files, aside, buckets)
        for bucket in range(buckets):
            target = work / "cells" / f"{bucket:03}"
            if not target.exists():
                tell(f"joining bucket {bucket + 1} of {buckets}")
                with _whole_folder(target) as aside:
                    _join(connection, work / "split", bucket, aside)
        return spilled_bytes(connection)


@contextmanager
def limited(limits: JoinLimits, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that keeps to the limits and spills into this folder, which is emptied first."""
    shutil.rmtree(spill, ignore_errors=True)  # of a join that was killed
    spill.mkdir(parents=True)
    with duckdb.connect() as connection:
        _limit(connection, limits, spill)
        yield connection


def spilled_bytes(connection: duckdb.DuckDBPyConnection) -> int:
    """The most that a connection of `limited` had spilled at one time."""
    return int(json.loads(connection.get_profiling_information())[_SPILLED.lower()])


def text(path: Path) -> str:
    """A path as a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def _limit(connection: duckdb.DuckDBPyConnection, limits: JoinLimits, spill: Path) -> None:
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set enable_progress_bar = false")  # `tell` says how far it is
    connection.execute("set memory_limit = $limit", {"limit": f"{limits.memory_bytes}B"})
    connection.execute("set temp_directory = $spill", {"spill": str(spill)})
    connection.execute("set partitioned_write_max_open_files = $most", {"most": 2 * _MOST_BUCKETS})
    connection.execute("set partitioned_write_flush_threshold = $rows", {"rows": _WAITING_ROWS})
    connection.execute("set enable_profiling = 'no_output'")
    connection.execute("set custom_profiling_settings = $metrics", {"metrics": json.dumps({_SPILLED: "true"})})
    if limits.threads:
        connection.execute("set threads = $threads", {"threads": limits.threads})


def _batches(days: list[tuple[list[Path], int]]) -> list[list[Path]]:
    """Files of whole days, so many days together as make up a good piece of work."""
    batches: list[list[Path]] = [[]]
    waiting = 0
    for files, rows in days:
        if batches[-1] and waiting + rows > _ROWS_A_SPLIT:
            batches.append([])
            waiting = 0
        batches[-1].extend(files)
        waiting += rows
    return batches


def _split(connection: duckdb.DuckDBPyConnection, files: list[Path], folder: Path, buckets: int) -> None:
    names = ", ".join(text(file) for file in files)
    connection.execute(
        f"create or replace temp view transactions as from read_parquet([{names}], union_by_name = true)"
    )
    for table, query in (("creators", creators(DUCKDB)), ("spends", spends(DUCKDB))):
        # The first two digits of the key as a number; fewer buckets take its highest bits.
        bucket = f"cast('0x' || substr(cast(transaction_key as varchar), 1, 2) as integer) * {buckets} // 256"
        connection.execute(
            f"copy (select *, {bucket} as bucket from ({query})) to {text(folder / table)} "
            "(format parquet, partition_by (bucket), compression zstd, compression_level 1)"
        )


def _join(connection: duckdb.DuckDBPyConnection, split: Path, bucket: int, folder: Path) -> None:
    for table in ("creators", "spends"):
        files = sorted(split.glob(f"*/{table}/bucket={bucket}/*.parquet"))
        names = ", ".join(text(file) for file in files)
        # A small copy leaves buckets empty.
        rows = f"read_parquet([{names}], hive_partitioning = false)" if files else f"no_{table}"
        connection.execute(f"create or replace temp view {table} as from {rows}")
    # In the order of spending, so that some days of all buckets are read without the rest.
    for name, query in (("spent", f"{spent_cells(DUCKDB)} order by spent_day"), ("created", CREATED_CELLS)):
        connection.execute(f"copy ({query}) to {text(folder / f'{name}.parquet')} (format parquet)")


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    """A folder that appears only when all its files are written."""
    aside = target.with_name(f".{target.name}")
    shutil.rmtree(aside, ignore_errors=True)  # of a join that was killed
    aside.mkdir(parents=True)
    yield aside
    aside.rename(target)
