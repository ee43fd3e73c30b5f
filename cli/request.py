"""What a person asked for at the command line, checked; and what the exit code tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cli.errors import RequestError
from sources.core.dataset import Access, Dataset
from sources.registry import DATASETS


@dataclass(frozen=True)
class RunRequest:
    """One call of the command line: a job, the days, the sources and the instant whose knowledge is built."""

    job: str
    first: date | None = None
    last: date | None = None
    selected: Sequence[str] = ()
    as_of: datetime | None = None
    keeps_history: bool = True
    public: bool = False
    csv: bool = False

    @property
    def fetches(self) -> bool:
        """Whether providers are asked, or only what is loaded already is built and published."""
        return self.job not in {"build", "publish"}

    @property
    def run_config(self) -> Mapping[str, Any]:
        """As Dagster takes it. Its own log is kept to errors: the terminal belongs to the progress display."""
        scope = {
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "each_instant": self.job == "backfill",
            "archives": any(dataset.access is Access.ARCHIVE for dataset in chosen(self.selected)),
            "public": self.public,
            "csv": self.csv,
        }
        return {
            "resources": {"scope": {"config": scope}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        }


def chosen(selected: Sequence[str]) -> list[Dataset]:
    """The datasets that names of providers or datasets stand for. Raises RequestError for an unknown name."""
    found = [dataset for dataset in DATASETS if {dataset.id, dataset.provider.name} & set(selected)]
    known = {name for dataset in DATASETS for name in (dataset.id, dataset.provider.name)}
    if unknown := sorted(set(selected) - known):
        raise RequestError(f"No source is called {', '.join(unknown)}. `leadline sources` lists them.")
    return found
