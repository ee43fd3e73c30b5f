"""The errors of the warehouse. Each message says what happened, to what, and what to do."""

from enum import StrEnum
from pathlib import Path


class WarehouseError(Exception):
    """Base of all errors that this package raises on purpose."""


class HomeError(WarehouseError):
    """The home folder cannot be used as asked: another origin, no space, files missing."""


class LandingError(WarehouseError):
    """A landing file is missing, damaged or not what its name says: `path`, where it is still there.

    `what` happened, without the advice.
    """

    def __init__(self, what: str, advice: str, path: Path | None = None) -> None:
        super().__init__(f"{what} {advice}")
        self.what = what
        self.path = path


class BusyError(WarehouseError):
    """Another process has the build file open."""


class DamagedError(WarehouseError):
    """The build file cannot be read; `leadline rebuild` makes a new one from the landing files."""


class LoadVerdict(StrEnum):
    """How a load ended, as written in `raw.load_ledger.verdict`."""

    LOADED = "loaded"
    REFUSED = "refused"  # unreadable, or too many rejected rows
    BLOCKED = "blocked"  # readable, but not plausible; a person must accept it


class LoadError(WarehouseError):
    """A load was refused or blocked: no row of it is in the raw table, the last good data stays.

    `load_id` is what `leadline accept` takes when `verdict` is BLOCKED.
    """

    def __init__(self, dataset_id: str, load_id: str, verdict: LoadVerdict, what: str, advice: str) -> None:
        super().__init__(f"{dataset_id}: {what} {advice}")
        self.dataset_id = dataset_id
        self.load_id = load_id
        self.verdict = verdict
        self.what = what
        self.advice = advice


class PublishError(WarehouseError):
    """There is nothing to publish, or no published warehouse to make extracts from."""
