"""A join from start to publication. Readers see nothing before every check has passed."""

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
from chain.join.digest import cells_digest
from chain.join.join_sql import version
from chain.join.main_chain import main_chain
from chain.join.on_duckdb import JoinLimits, join_on_duckdb, limited, spilled_bytes, text
from chain.join.on_spark import join_on_spark
from chain.join.public_copy import PublicCopy
from chain.published import CellCoverage, Cells, publish
from chain.sums import CELLS, by_spans

WAY = "parquet"
KEYS = {"spent": "created_day, spent_day", "created": "created_day"}

# Bytes on disk for each transaction and its inputs while a join works. Measured with 20 million outputs: 65 for what is
# split; as much again for cells of buckets and for spilling.
_WORK_BYTES_A_TRANSACTION = 150


@dataclass(frozen=True)
class OnDuckDB:
    """On this machine, inside these limits."""

    limits: JoinLimits = field(default_factory=JoinLimits)


@dataclass(frozen=True)
class OnSpark:
    """On the cluster behind this master URL. `settings` are Spark's own, like spark.executor.memory."""

    master: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JoinResult:
    """What was published, and its digest (`chain.join.digest`).

    `spilled_bytes` is the most that DuckDB had spilled to disk at one time; what Spark spills on its own is not in it.
    """

    cells: Cells
    digest: str
    spent_cells: int
    created_cells: int
    spilled_bytes: int


def join(
    source: Path, root: Path, engine: OnDuckDB | OnSpark, *, tell: Callable[[str], None] = lambda _: None
) -> JoinResult:
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
        spilled = 0
        if isinstance(engine, OnSpark):
            join_on_spark(copy, blocks, work, engine.master, engine.settings, tell)
        else:
            _require_room(work, int(chain.blocks["transactions"].sum()))
            spilled = join_on_duckdb(copy, blocks, work, engine.limits, tell)
        limits = engine.limits if isinstance(engine, OnDuckDB) else JoinLimits()
        with limited(limits, work / "spill") as connection:
            spent, created = _summed(connection, work)
            require_sound(pl.scan_parquet(spent), pl.read_parquet(created), chain)
            reach = CellCoverage(WAY, chain.first_height, chain.last_height, chain.last_hash, chain.last_day)

            def write(folder: Path) -> None:
                for summed, (name, keys) in zip((spent, created), KEYS.items(), strict=True):
                    connection.execute(
                        f"copy (select {keys}, satoshi, coins from {_read(summed)} order by {keys}) "
                        f"to {text(folder / f'{name}.parquet')} (format parquet)"
                    )

            cells = publish(root, write, reach)
            spilled = max(spilled, spilled_bytes(connection))
        shutil.rmtree(work)
    spent_cells, created_cells = (pq.read_metadata(file).num_rows for file in (cells.spent, cells.created))
    return JoinResult(cells, cells_digest(cells.spent, cells.created), spent_cells, created_cells, spilled)


def _summed(connection: duckdb.DuckDBPyConnection, work: Path) -> tuple[list[Path], list[Path]]:
    """Files with the cells of all buckets together: spent ones in the order of spending, and created ones."""
    folder = work / "summed"
    shutil.rmtree(folder, ignore_errors=True)  # of a join that was killed
    folder.mkdir()
    of_buckets = {name: sorted(work.glob(f"**/cells/*/{name}.parquet")) for name in KEYS}
    wrong = ", ".join(f"cast(sum({trouble}) as bigint) as {trouble}" for trouble in ("faulty", "conflicts", "unequal"))
    sums = f"{CELLS}, {wrong}, min(unequal_outpoint) as unequal_outpoint"
    spent = []
    for number, query in enumerate(by_spans(connection, _read(of_buckets["spent"]), sums)):
        spent.append(folder / f"spent-{number:04}.parquet")
        connection.execute(f"copy ({query}) to {text(spent[-1])} (format parquet)")
    created = folder / "created.parquet"
    connection.execute(
        f"copy (select created_day, cast(sum(columns(* exclude (created_day))) as bigint) "
        f"from {_read(of_buckets['created'])} group by created_day) to {text(created)} (format parquet)"
    )
    return spent, [created]


def _read(files: list[Path]) -> str:
    """These files of Parquet as a relation of SQL."""
    return f"read_parquet([{', '.join(text(file) for file in files)}])"


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
