"""The cell tables that readers see: `<home>/chain/cells/<name>/*.parquet` and the pointer `<home>/chain/current`.

Every way in ends with `publish`. A set of tables is written aside, checked, flushed, and only then named by the
pointer, in one step: a reader sees the old set or the new one. Sets that the pointer no longer names are removed when
the one after the next is published, so that a reader has time to finish.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from chain.cells import CREATED, SPENT
from chain.errors import CellsError

POINTER = "current"
KEPT = 2  # the set in use and the one before it
_SCHEMAS = {"spent": SPENT, "created": CREATED, "own": SPENT}


@dataclass(frozen=True)
class CellCoverage:
    """How far a set of cells goes, and how it was made.

    Cells hold all blocks from `first_height` to `last_height`; only a set from height 0 knows all unspent coins.
    `last_day` is the last day that no further block can be stamped with: readers look no further, because later days
    are not complete.
    """

    way: str  # "bitcoin_core", "esplora", "parquet"
    first_height: int
    last_height: int
    last_hash: str
    last_day: date

    @property
    def is_whole(self) -> bool:
        """Whether the cells hold every coin there ever was."""
        return self.first_height == 0


@dataclass(frozen=True)
class Cells:
    """A published set: its files and its reach. `own` is the part of `spent` that stayed with its owner's scripts."""

    folder: Path
    reach: CellCoverage
    published_at: datetime

    @property
    def spent(self) -> Path:
        """Coins by day created and day spent."""
        return self.folder / "spent.parquet"

    @property
    def created(self) -> Path:
        """Coins by day created."""
        return self.folder / "created.parquet"

    @property
    def own(self) -> Path | None:
        """Spent coins of transactions that pay nobody else; None when the source of blocks cannot tell."""
        path = self.folder / "own.parquet"
        return path if path.exists() else None


def publish(root: Path, write: Callable[[Path], None], reach: CellCoverage) -> Cells:
    """Publish a new set under `root` (`<home>/chain`) and point to it.

    `write` puts `spent.parquet` and `created.parquet`, and perhaps `own.parquet`, into the folder it is given. Raises
    CellsError when they are no cells; then the pointer stays where it was.
    """
    at = datetime.now(UTC)
    name = at.strftime("%Y%m%dT%H%M%S%fZ")
    cells_root = root / "cells"
    aside = cells_root / f".{name}.{os.getpid()}"
    aside.mkdir(parents=True)
    try:
        write(aside)
        _check(aside)
        facts = {**asdict(reach), "last_day": reach.last_day.isoformat(), "published_at": at.isoformat()}
        (aside / "reach.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        for file in aside.iterdir():
            _flush(file)
        folder = aside.rename(cells_root / name)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _flush(cells_root)
    pointer = root / f".{POINTER}.{os.getpid()}"
    pointer.write_text(f"{name}\n", encoding="utf-8")
    _flush(pointer)
    pointer.replace(root / POINTER)
    _flush(root)
    for old in sorted(path for path in cells_root.iterdir() if not path.name.startswith("."))[:-KEPT]:
        shutil.rmtree(old)
    return Cells(folder, reach, at)


def current(root: Path) -> Cells | None:
    """The set that the pointer under `root` names; None when nothing was ever published.

    Raises CellsError when the pointer names what is not there.
    """
    try:
        name = (root / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    folder = root / "cells" / name
    try:
        facts = json.loads((folder / "reach.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CellsError(
            f"{root / POINTER} names {name!r}, which is not in {root / 'cells'}. Publish again: "
            "`leadline chain follow`, or import the table that the join made."
        ) from error
    at = datetime.fromisoformat(facts.pop("published_at"))
    return Cells(folder, CellCoverage(**{**facts, "last_day": date.fromisoformat(facts["last_day"])}), at)


def write_frames(spent: pl.DataFrame, created: pl.DataFrame, own: pl.DataFrame | None = None) -> Callable[[Path], None]:
    """A `write` for `publish` from frames in memory."""
    frames = {"spent": spent, "created": created} | ({} if own is None else {"own": own})

    def write(folder: Path) -> None:
        for name, frame in frames.items():
            frame.select(pl.col(column).cast(dtype) for column, dtype in _SCHEMAS[name].items()).write_parquet(
                folder / f"{name}.parquet"
            )

    return write


def _check(folder: Path) -> None:
    """Raise CellsError unless the files are cells, each key once, no amount below zero."""
    files = {name: folder / f"{name}.parquet" for name in _SCHEMAS if (folder / f"{name}.parquet").exists()}
    if not {"spent", "created"} <= set(files):
        raise CellsError(f"{folder} has no spent.parquet or no created.parquet.")
    with duckdb.connect() as connection:
        for name, file in files.items():
            wanted = pl.DataFrame(schema=_SCHEMAS[name]).schema
            found = pl.read_parquet_schema(file)
            if dict(found) != dict(wanted):
                raise CellsError(f"{file.name} has the columns {dict(found)}; cells have {dict(wanted)}.")
            keys = [column for column in wanted if column.endswith("_day")]
            [[rows, distinct, least, fewest]] = connection.execute(
                f"select count(*), count(distinct ({', '.join(keys)})), min(satoshi), min(coins) from read_parquet(?)",
                [str(file)],
            ).fetchall()
            if rows != distinct:
                raise CellsError(f"{file.name} has {rows - distinct} keys more than once.")
            if rows and min(least, fewest) < 0:
                raise CellsError(f"{file.name} has amounts below zero.")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
