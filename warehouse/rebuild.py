"""Makes the build file again from the landing zone: replays every decision in its order.

The old file, damaged or not, is set aside with its WAL and never deleted: a WAL may hold the only copy of something,
and a person may want to look. The marts come back with the next `leadline build`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sources.core.dataset import Dataset
from warehouse import forecast_log
from warehouse.database import Warehouse, connect
from warehouse.errors import DamagedError, LandingError
from warehouse.files import flush, stamp
from warehouse.home import Home
from warehouse.loader import Loader
from warehouse.logs import replay_log

REBUILDING = "rebuild.duckdb"
LOGS = frozenset({"attempt", "regime_log"})


@dataclass(frozen=True)
class RebuildResult:
    """What a rebuild did, and what a person should know of it."""

    decisions: int
    skipped: tuple[str, ...]  # datasets that are no longer declared
    lost: tuple[str, ...]  # why batches that were loaded once are turned away by the code of today
    set_aside: Path | None  # folder with the old build file and damaged landing files, None when there were none
    damaged: tuple[str, ...] = ()  # what could not be read, and so is not in the new file


def rebuild(home: Home, datasets: Sequence[Dataset], *, without_damaged: bool = False) -> RebuildResult:
    """Make a new build file from the landing files, and put it in the place of the old one.

    The raw tables get the same rows as before, by `table_hash`. Raises BusyError while a run writes, LandingError when
    a landing file or a decision is missing or damaged; the old file stays in place then. With `without_damaged` such
    files are set aside and named in the result, and the rest is replayed: whatever else their loads held is taken up
    by the next run.
    """
    _require_unused(home)
    new_file = home.build / REBUILDING
    forget(new_file)  # left by an interrupted rebuild; all of it is in the landing files
    declared = {dataset.id: dataset for dataset in datasets}
    skipped: set[str] = set()
    lost: list[str] = []
    damaged: list[LandingError] = []
    count = 0
    with Warehouse(home, file=new_file) as warehouse:
        warehouse.ensure_tables(datasets)
        loader = Loader(warehouse)
        for decision in warehouse.landing.decisions(lost=damaged.append if without_damaged else None):
            count += 1
            if decision.kind in LOGS:
                replay_log(warehouse.connection, decision.kind, decision.record)
            elif decision.kind == forecast_log.KIND:
                forecast_log.replay(warehouse.connection, decision.record)
            elif dataset := declared.get(decision.record["dataset"]):
                try:
                    reason = loader.replay(dataset, decision.kind, decision.record, decision.decided_at)
                except LandingError as error:
                    if not without_damaged:
                        raise
                    damaged.append(error)
                    continue
                if reason:
                    lost.append(reason)
            else:
                skipped.add(decision.record["dataset"])
    aside = _set_aside(home, home.build_file, [error.path for error in damaged if error.path is not None])
    new_file.rename(home.build_file)
    flush(home.build)
    said = tuple(dict.fromkeys(error.what for error in damaged))
    return RebuildResult(count, tuple(sorted(skipped)), tuple(lost), aside, said)


def forget(file: Path) -> None:
    """Remove a database file that was being made, with its WAL."""
    for path in (file, file.with_name(f"{file.name}.wal")):
        path.unlink(missing_ok=True)


def _require_unused(home: Home) -> None:
    if home.build_file.exists():
        try:
            connect(home.build_file, read_only=True).close()
        except DamagedError:
            return  # the very case that a rebuild is for


def _set_aside(home: Home, file: Path, others: Sequence[Path]) -> Path | None:
    wal = file.with_name(f"{file.name}.wal")
    found = [path for path in dict.fromkeys((file, wal, *others)) if path.exists()]
    if not found:
        return None
    folder = home.build / "set_aside" / stamp(datetime.now(UTC))
    folder.mkdir(parents=True)
    for path in found:
        # Landing files keep the name of their dataset's folder.
        target = folder / (path.name if path.parent == file.parent else f"{path.parent.name}/{path.name}")
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    flush(folder)
    return folder
