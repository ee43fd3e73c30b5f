"""Runs a Dagster job in this process for a person at a terminal: progress, a closing summary, an exit code."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console

from orchestration.instance import instance_for
from orchestration.progress import listening
from orchestration.settings import Settings
from orchestration.terminal import RichProgress
from sources import DATASETS
from sources.dataset import Dataset

EXIT_PUBLISHED = 0
EXIT_REFUSED = 1
EXIT_DEAD_SOURCES = 3

SOURCE_CHECKS = frozenset({"answered", "contract"})


class RequestError(ValueError):
    """What was asked for cannot be done as asked."""


@dataclass(frozen=True)
class Request:
    """One call of the command line: a job, the days, the sources and the instant whose knowledge is built."""

    job: str
    first: date | None = None
    last: date | None = None
    selected: Sequence[str] = ()
    as_of: datetime | None = None
    keeps_history: bool = True

    @property
    def run_config(self) -> Mapping[str, Any]:
        """As Dagster takes it. Its own log is kept to errors: the terminal belongs to the progress display."""
        scope = {
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "each_instant": self.job == "backfill",
        }
        return {
            "resources": {"scope": {"config": scope}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        }


@dataclass(frozen=True)
class Outcome:
    """How a run ended. `dead` names sources that gave nothing usable, with the reason."""

    succeeded: bool
    published: bool
    dead: Mapping[str, str]
    failures: Sequence[str]
    new_rows: int
    revised_rows: int

    @property
    def exit_code(self) -> int:
        """0 published, 3 published with dead sources, else 1."""
        if not (self.succeeded and self.published):
            return EXIT_REFUSED
        return EXIT_DEAD_SOURCES if self.dead else EXIT_PUBLISHED


def chosen(selected: Sequence[str]) -> list[Dataset]:
    """The datasets that names of providers or datasets stand for. Raises RequestError for an unknown name."""
    found = [dataset for dataset in DATASETS if {dataset.id, dataset.provider.name} & set(selected)]
    known = {name for dataset in DATASETS for name in (dataset.id, dataset.provider.name)}
    if unknown := sorted(set(selected) - known):
        raise RequestError(f"No source is called {', '.join(unknown)}. `leadline sources` lists them.")
    return found


def execute(request: Request) -> Outcome:
    """Run the job through Dagster, in this process, and say how it ended."""
    from orchestration.definitions import defs
    from orchestration.ingestion import BY_KEY, asset_key
    from orchestration.schedules import BUILD

    if request.first and request.last and request.first > request.last:
        raise RequestError(f"--from {request.first} is after --to {request.last}.")
    selection = None
    if request.selected:
        selection = [*(asset_key(dataset) for dataset in chosen(request.selected)), *BUILD]
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    with instance_for(Settings().home, keeps_history=request.keeps_history) as instance:
        result = defs.resolve_job_def(request.job).execute_in_process(
            run_config=dict(request.run_config),
            instance=instance,
            asset_selection=selection,
            raise_on_error=False,
            tags={"leadline/pid": str(os.getpid())},
        )
    materialised = {
        event.asset_key: event.materialization.metadata
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    }
    raw = [metadata for key, metadata in materialised.items() if key in BY_KEY]
    return Outcome(
        succeeded=result.success,
        published=dg.AssetKey(["published", "warehouse"]) in materialised,
        dead={
            BY_KEY[check.asset_key].id: check.description or check.check_name
            for check in result.get_asset_check_evaluations()
            if check.check_name in SOURCE_CHECKS and not check.passed and check.asset_key in BY_KEY
        },
        failures=[_reason(event) for event in result.all_events if event.is_step_failure],
        new_rows=sum(_number(metadata["new rows"]) for metadata in raw),
        revised_rows=sum(_number(metadata["revised rows"]) for metadata in raw),
    )


def run_and_tell(request: Request, *, upstream: str | None = None, console: Console | None = None) -> int:
    """Run with a progress display and a closing summary. Returns the exit code."""
    console = console or Console()
    if upstream:
        os.environ["LEADLINE_UPSTREAM"] = upstream
    with RichProgress(console) as display, listening(display):
        outcome = execute(request)
    tell(outcome, request, Settings().home, console)
    return outcome.exit_code


def tell(outcome: Outcome, request: Request, home: Path, console: Console) -> None:
    """The closing summary."""
    for name, reason in outcome.dead.items():
        console.print(f"[red]dead source[/] {name}: {reason}", highlight=False)
    for reason in outcome.failures:
        console.print(f"[red]failed[/] {reason}", highlight=False)
    if outcome.published:
        changed = f"{outcome.new_rows:,} new rows, {outcome.revised_rows:,} revised"
        if not (outcome.new_rows or outcome.revised_rows):
            changed = "nothing new"
        where = home if request.as_of is None else f"{home}, under as_of/"
        console.print(f"[green]published[/] {changed} · {where}", highlight=False)
    else:
        console.print("[red]nothing was published[/]; readers keep what they had", highlight=False)


def _reason(event: dg.DagsterEvent) -> str:
    data: Any = event.event_specific_data
    failure = data.user_failure_data
    if failure and failure.description:
        return f"{event.step_key}: {failure.description}"
    error = data.error
    while error and error.cause:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'no reason given'}"


def _number(value: Any) -> int:
    return int(value.value)
