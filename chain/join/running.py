"""A join from start to publication. Nothing is visible before every check has passed."""

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from chain.errors import JoinError
from chain.join.checks import require_sound
from chain.join.copy import PublicCopy
from chain.join.digest import cells_digest
from chain.join.logic import version
from chain.join.main_chain import main_chain
from chain.join.on_duckdb import Limits, join_on_duckdb
from chain.join.on_spark import join_on_spark
from chain.published import Cells, Reach, publish

WAY = "parquet"

# Bytes on disk for each transaction and its inputs while a join works: what is split, with some room for spilling.
_WORK_BYTES_A_TRANSACTION = 250


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
        spent, created = _summed(work, "spent"), _summed(work, "created")
        require_sound(spent, created, chain)
        reach = Reach(WAY, chain.first_height, chain.last_height, chain.last_hash, chain.last_day)

        def write(folder: Path) -> None:
            spent.select("created_day", "spent_day", "satoshi", "coins").write_parquet(folder / "spent.parquet")
            created.select("created_day", "satoshi", "coins").write_parquet(folder / "created.parquet")

        cells = publish(root, write, reach)
        shutil.rmtree(work)
    return Joined(cells, cells_digest(cells.spent, cells.created), spent.height, created.height)


def _summed(work: Path, name: str) -> pl.DataFrame:
    """The cells of all buckets together, in the order of their keys."""
    files = sorted(str(file) for file in work.glob(f"**/cells/*/{name}.parquet"))
    keys = "created_day, spent_day" if name == "spent" else "created_day"
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {keys}, cast(sum(columns(* exclude ({keys}))) as bigint) from read_parquet($files) "
            f"group by {keys} order by {keys}",
            {"files": files},
        ).pl()


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
