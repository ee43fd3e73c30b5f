"""A join from start to publication. Nothing is visible before every check has passed."""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from chain.errors import JoinError
from chain.join.checks import require_sound
from chain.join.copy import PublicCopy
from chain.join.digest import cells_digest
from chain.join.logic import version
from chain.join.main_chain import main_chain
from chain.join.on_duckdb import Limits, join_on_duckdb, limited, text
from chain.join.on_spark import join_on_spark
from chain.published import Cells, Reach, publish

WAY = "parquet"
KEYS = {"spent": "created_day, spent_day", "created": "created_day"}

# Bytes on disk for each transaction and its inputs while a join works. Measured with 20 million outputs: 50 for what is
# split; as much again for cells of buckets and for spilling.
_WORK_BYTES_A_TRANSACTION = 120


@dataclass(frozen=True)
class OnDuckDB:
    """On this machine, inside these limits."""

    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class OnSpark:
    """On the cluster behind this master URL. `settings` are Spark's own, like spark.executor.memory."""

    master: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """What was published, and its digest (`chain.join.digest`)."""

    cells: Cells
    digest: str
    spent_cells: int
    created_cells: int


def join(
    source: Path, root: Path, engine: OnDuckDB | OnSpark, *, tell: Callable[[str], None] = lambda _: None
) -> Joined:
    """Join the public copy in `source` and publish its cells under `root` (`<home>/chain`).

    A join that was killed goes on where it stopped, as long as the copy is the same. Raises JoinError when the copy is
    not whole, the engine fails, or the cells do not pass their checks; then what was published before stays.
    """
    copy = PublicCopy(source)
    with _alone(root / "join") as works:
        work = works / f"{copy.fingerprint()}-{version()}-{'spark' if isinstance(engine, OnSpark) else 'duckdb'}"
        for other in works.iterdir():
            if other.is_dir() and other != work:
                shutil.rmtree(other)
        work.mkdir(exist_ok=True)
        chain = main_chain(copy.blocks())
        tell(f"{len(chain.blocks):,} blocks from height {chain.first_height:,} to {chain.last_height:,}")
        blocks = chain.blocks.select("block_hash", "day", "coinbase_is_coin")
        if isinstance(engine, OnSpark):
            join_on_spark(copy, blocks, work, engine.master, engine.settings, tell)
        else:
            _require_room(work, int(chain.blocks["transactions"].sum()))
            join_on_duckdb(copy, blocks, work, engine.limits, tell)
        limits = engine.limits if isinstance(engine, OnDuckDB) else Limits()
        with limited(limits, work / "spill") as connection:
            spent, created = (_summed(connection, work, name) for name in KEYS)
            require_sound(pl.scan_parquet(spent), pl.read_parquet(created), chain)
            reach = Reach(WAY, chain.first_height, chain.last_height, chain.last_hash, chain.last_day)

            def write(folder: Path) -> None:
                for summed, (name, keys) in zip((spent, created), KEYS.items(), strict=True):
                    connection.execute(
                        f"copy (select {keys}, satoshi, coins from read_parquet({text(summed)}) order by {keys}) "
                        f"to {text(folder / f'{name}.parquet')} (format parquet)"
                    )

            cells = publish(root, write, reach)
        shutil.rmtree(work)
    rows = [pq.read_metadata(file).num_rows for file in (cells.spent, cells.created)]
    return Joined(cells, cells_digest(cells.spent, cells.created), *rows)


def _summed(connection: duckdb.DuckDBPyConnection, work: Path, name: str) -> Path:
    """A file with the cells of all buckets together."""
    files = ", ".join(text(file) for file in sorted(work.glob(f"**/cells/*/{name}.parquet")))
    summed, keys = work / f"{name}.parquet", KEYS[name]
    connection.execute(
        f"copy (select {keys}, cast(sum(columns(* exclude ({keys}))) as bigint) from read_parquet([{files}]) "
        f"group by {keys}) to {text(summed)} (format parquet)"
    )
    return summed


def _require_room(work: Path, transactions: int) -> None:
    free, wanted = shutil.disk_usage(work).free, transactions * _WORK_BYTES_A_TRANSACTION
    if free < wanted:
        raise JoinError(
            f"{work} has {free / 1e9:,.0f} GB free, and the join needs about {wanted / 1e9:,.0f} GB to work. Free "
            "some, or set LEADLINE_HOME to a larger disk."
        )


@contextmanager
def _alone(works: Path) -> Iterator[Path]:
    """The folder for half-done work, which only one process uses at a time."""
    works.mkdir(parents=True, exist_ok=True)
    with (works / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JoinError(f"Another join works in {works}. Let it end, or end it.") from error
        yield works
