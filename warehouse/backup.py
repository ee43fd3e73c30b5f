"""Backup: a consistent copy of the landing files, which nobody can fetch again, and of the build file, to save time."""

import os
import shutil
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.database import Warehouse
from warehouse.files import flush, stamp
from warehouse.home import Home


@dataclass(frozen=True)
class Backup:
    """A folder with `landing.tar`, `warehouse.duckdb` and `origin`.

    To return: unpack `landing.tar` into an empty home beside `origin`, then `leadline rebuild`. Or, quicker, also copy
    `warehouse.duckdb` to `.build/`.
    """

    folder: Path
    landing_files: int


def backup(home: Home) -> Backup:
    """Copy landing zone and build file into a new folder under `backup/`. The folder appears only when it is complete.

    Raises BusyError while a run writes, HomeError when the disk is too full.
    """
    files = sorted(path for path in home.landing.rglob("*.json.gz")) if home.landing.is_dir() else []
    build_bytes = home.build_file.stat().st_size if home.build_file.exists() else 0
    home.require_free(2 * build_bytes + sum(file.stat().st_size for file in files))
    folder = home.backup / stamp(datetime.now(UTC))
    aside = home.backup / f".{folder.name}.{os.getpid()}"
    try:
        with Warehouse(home) as warehouse:
            # Only one process can have the build file open, so a half-made folder here belongs to no running process.
            for half in home.backup.glob(".*"):
                shutil.rmtree(half, ignore_errors=True)
            aside.mkdir(parents=True)
            # The build file is open and cannot change, so landing files copied now are at least as new as it is.
            _copy_database(warehouse, aside / "warehouse.duckdb")
            with tarfile.open(aside / "landing.tar", "w") as archive:
                for file in files:
                    archive.add(file, arcname=str(file.relative_to(home.path)))
        origin = home.path / "origin"
        if origin.exists():
            shutil.copy2(origin, aside / "origin")
        for file in aside.iterdir():
            flush(file)
        aside.rename(folder)
        flush(home.backup)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Backup(folder, len(files))


def _copy_database(warehouse: Warehouse, target: Path) -> None:
    connection = warehouse.connection
    # A plain copy of an open file would silently lose what is still in its WAL.
    connection.execute("checkpoint")
    name = connection.execute("select current_database()").fetchone()
    connection.execute(f"attach '{str(target).replace(chr(39), chr(39) * 2)}' as target")
    connection.execute(f"copy from database {name[0] if name else 'warehouse'} to target")
    connection.execute("detach target")
