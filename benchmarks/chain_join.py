"""The join of a chain of more than 20 million outputs: DuckDB with 8 GB, with 1 GB, with 1 GB and so few buckets that
it has to spill, and Spark while a worker is killed.

All must give the cells that the synthetic chain was made with. `LEADLINE_BENCH_DATA` names a folder in which the chain
is kept for the next run (5 GB); without it, it is made anew. Spark runs where there is a Java.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.claim import Bound, Claim, Size
from benchmarks.measure import measured
from chain.join import JoinLimits, OnDuckDB, OnSpark, cells_digest, join
from sandbox.chain import Plan, mine, true_cells, write_parquet
from sandbox.spark import Cluster, running_cluster

PLANS = {
    Size.SMALL: Plan(blocks=300, transactions_per_block=800, blocks_per_day=12),
    Size.FULL: Plan(blocks=4_800, transactions_per_block=2_000, blocks_per_day=12),
}
OUTPUTS = {Size.SMALL: 300_000, Size.FULL: 20_000_000}

# By default there are so many buckets that each should fit into memory; one bucket of all of it does not.
SPILLING = {
    Size.SMALL: JoinLimits(40_000_000, threads=1, fewest_buckets=1, most_buckets=1),
    Size.FULL: JoinLimits(1_000_000_000, fewest_buckets=1, most_buckets=1),
}

# What DuckDB does not count: Python, its libraries, the headers of all blocks, files on their way to the disk.
BEYOND_LIMIT_MIB = 1_024


def run(size: Size) -> Iterator[Claim]:
    with kept_folder(size) as folder, tempfile.TemporaryDirectory(prefix="leadline-bench-") as scratch:
        source = folder / f"chain-{size.value}"
        outputs, coins, truth = made(source, size)
        yield Claim("outputs of the chain", outputs, Bound.AT_LEAST, OUTPUTS[size], "", f"{coins:,} of them spent")
        for what, limits in (
            ("DuckDB, 8 GB", JoinLimits(8_000_000_000)),
            ("DuckDB, 1 GB", JoinLimits(1_000_000_000)),
            (f"DuckDB, {SPILLING[size].memory_bytes / 1e9:g} GB in one bucket", SPILLING[size]),
        ):
            done = measured(on_duckdb, source, Path(scratch) / what, limits)
            digest, spilled_bytes = done.result
            rate = (outputs + coins) / done.wall_s
            detail = (
                f"{done.wall_s:.0f} s, {done.cpu_s:.0f} s of CPU, {rate:,.0f} inputs and outputs a second, "
                f"{spilled_bytes / 2**20:,.0f} MiB spilled"
            )
            yield Claim(f"{what}: true digests", float(digest == truth), Bound.AT_LEAST, 1, "", detail)
            if limits is SPILLING[size]:
                least = limits.memory_bytes / 10 / 2**20
                yield Claim(f"{what}: spilled", spilled_bytes / 2**20, Bound.AT_LEAST, least, "MiB")
            limit = limits.memory_bytes / 2**20 + BEYOND_LIMIT_MIB
            yield Claim(f"{what}: memory at its peak", done.peak_mib, Bound.AT_MOST, limit, "MiB")
        if shutil.which("java") is None:
            raise RuntimeError("There is no Java, so nothing can be said of Spark. Install Java 17.")
        with running_cluster(Path(scratch) / "cluster", workers=2, memory="2g") as cluster:
            started = time.perf_counter()
            with killer_of_one(cluster) as killed:
                joined = join(
                    source, Path(scratch) / "spark", OnSpark(cluster.master_url, {"spark.executor.memory": "2g"})
                )
            elapsed = time.perf_counter() - started
            alive = cluster.state()["aliveworkers"]
        detail = f"{elapsed:.0f} s; worker killed after {killed[0]:.0f} s" if killed else "no worker was killed"
        yield Claim(
            "Spark, 2 workers, one killed: true digests", float(joined.digest == truth), Bound.AT_LEAST, 1, "", detail
        )
        yield Claim("Spark: workers left", alive, Bound.AT_MOST, 1, "")


def made(source: Path, size: Size) -> tuple[int, int, str]:
    """Numbers of outputs and of spent ones, and the true digest, of the chain in `source`; makes it if need be."""
    note = source / "made"
    if not note.exists():
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir(parents=True)
        outputs, coins, digest = measured(make, source, size).result
        note.write_text(f"{outputs} {coins} {digest}")
    outputs_text, coins_text, digest = note.read_text().split()
    return int(outputs_text), int(coins_text), digest


def make(source: Path, size: Size) -> tuple[int, int, str]:
    ledger = mine(PLANS[size])
    write_parquet(ledger, source)
    truth = true_cells(ledger)
    truth.spent.write_parquet(source / "true_spent.parquet")
    truth.created.write_parquet(source / "true_created.parquet")
    digest = cells_digest(source / "true_spent.parquet", source / "true_created.parquet")
    return len(ledger.value_satoshi), len(ledger.spends), digest


def on_duckdb(source: Path, root: Path, limits: JoinLimits) -> tuple[str, int]:
    joined = join(source, root, OnDuckDB(limits))
    return joined.digest, joined.spilled_bytes


@contextmanager
def killer_of_one(cluster: Cluster) -> Iterator[list[float]]:
    """SIGKILL to the first worker that has written for others. The list gets when, in seconds from now."""
    killed: list[float] = []
    over = threading.Event()
    started = time.perf_counter()

    def watch() -> None:
        while not over.wait(0.1):
            for worker in cluster.workers:
                if worker.shuffled():
                    worker.kill()
                    killed.append(time.perf_counter() - started)
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


@contextmanager
def kept_folder(size: Size) -> Iterator[Path]:
    """Where the chain is made: the folder that the environment names, or one for this run only."""
    if named := os.environ.get("LEADLINE_BENCH_DATA"):
        yield Path(named)
    else:
        with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
            yield Path(folder)
