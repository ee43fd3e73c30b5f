"""The build file made again from the landing zone: every decision replayed in its order.

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
from warehouse.errors import DamagedError
from warehouse.files import flush, stamp
from warehouse.home import Home
from warehouse.loader import Loader
from warehouse.logs import replay_log

LOGS = frozenset({"attempt", "regime_log"})


@dataclass(frozen=True)
class RebuildResult:
    """What a rebuild did, and what a person should know of it."""

    decisions: int
    skipped: tuple[str, ...]  # datasets that are no longer declared
    lost: tuple[str, ...]  # why batches that were loaded once are turned away by the code of today
    set_aside: Path | None  # folder with the old build file, None when there was none


def rebuild(home: Home, datasets: Sequence[Dataset]) -> RebuildResult:
    """Make a new build file from the landing files, and put it in the place of the old one.

    The raw tables get the same rows as before, by `table_hash`. Raises BusyError while a run writes, LandingError when
    a landing file is missing or damaged; the old file stays in place then.
    """
    _require_unused(home)
    new_file = home.build / "rebuild.duckdb"
    _set_aside(home, new_file)  # what an interrupted rebuild left
    declared = {dataset.id: dataset for dataset in datasets}
    skipped: set[str] = set()
    lost: list[str] = []
    count = 0
    with Warehouse(home, file=new_file) as warehouse:
        warehouse.ensure_tables(datasets)
        loader = Loader(warehouse)
        for decision in warehouse.landing.decisions():
            count += 1
            if decision.kind in LOGS:
                replay_log(warehouse.connection, decision.kind, decision.record)
            elif decision.kind == forecast_log.KIND:
                forecast_log.replay(warehouse.connection, decision.record)
            elif dataset := declared.get(decision.record["dataset"]):
                if reason := loader.replay(dataset, decision.kind, decision.record, decision.decided_at):
                    lost.append(reason)
            else:
                skipped.add(decision.record["dataset"])
    aside = _set_aside(home, home.build_file)
    new_file.rename(home.build_file)
    flush(home.build)
    return RebuildResult(count, tuple(sorted(skipped)), tuple(lost), aside)


def _require_unused(home: Home) -> None:
    if home.build_file.exists():
        try:
            connect(home.build_file, read_only=True).close()
        except DamagedError:
            return  # the very case that a rebuild is for


def _set_aside(home: Home, file: Path) -> Path | None:
    wal = file.with_name(f"{file.name}.wal")
    found = [path for path in (file, wal) if path.exists()]
    if not found:
        return None
    folder = home.build / "set_aside" / stamp(datetime.now(UTC))
    folder.mkdir(parents=True)
    for path in found:
        path.rename(folder / path.name)
    flush(folder)
    return folder
