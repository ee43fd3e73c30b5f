"""Runs a Dagster job in this process for a person at a terminal: progress, a closing summary, an exit code."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG

from cli import terminal
from cli.errors import EXIT_DEAD_SOURCES, EXIT_PUBLISHED, EXIT_REFUSED, RequestError
from cli.request import RunRequest, chosen
from cli.terminal import PlainConsole, RichProgress
from orchestration.instance import instance_for
from pipeline.origin import origin
from pipeline.progress import listening
from pipeline.settings import Settings, environment
from warehouse.home import Home

NAMES_CHECKS_LEFT_OUT = "dagster._core.execution.plan.active"  # a line for each test of a model that was not built
SOURCE_CHECKS = frozenset({"answered", "contract"})


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended. `dead` names sources that gave nothing usable, with the reason."""

    succeeded: bool
    published: bool
    dead: Mapping[str, str]
    incomplete: Mapping[str, str]  # sources with periods missing that may still come, and which
    failures: Sequence[str]
    datasets: int  # that were asked
    new_rows: int
    revised_rows: int
    seconds: float
    run_id: str

    @property
    def exit_code(self) -> int:
        """0 published, 3 published with dead sources, else 1."""
        if not (self.succeeded and self.published):
            return EXIT_REFUSED
        return EXIT_DEAD_SOURCES if self.dead else EXIT_PUBLISHED


def execute(request: RunRequest) -> RunOutcome:
    """Run the job through Dagster, in this process, and say how it ended.

    Raises RequestError, HomeError or UpstreamError before anything starts when the request cannot be met.
    """
    if request.first and request.last and request.first > request.last:
        raise RequestError(f"--from {request.first} is after --to {request.last}.")
    settings = Settings()
    if request.fetches:
        Home(settings.home).claim_origin(origin(settings))
    from orchestration.definitions import defs
    from orchestration.raw_assets import BY_KEY, COMPLETE, asset_key
    from orchestration.schedules import BUILD

    selection = None
    if request.selected:
        selection = [*(asset_key(dataset) for dataset in chosen(request.selected)), *BUILD]
    for name in ("dagster", NAMES_CHECKS_LEFT_OUT):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    started = time.monotonic()
    with instance_for(settings.home, keeps_history=request.keeps_history) as instance:
        result = defs.resolve_job_def(request.job).execute_in_process(
            run_config=dict(request.run_config),
            instance=instance,
            asset_selection=selection,
            raise_on_error=False,
            tags={MAX_RETRIES_TAG: "0"},  # whoever started it, a person or cron, starts it again
        )
    materialised = {
        event.asset_key: event.materialization.metadata
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    }
    raw = [metadata for key, metadata in materialised.items() if key in BY_KEY]
    return RunOutcome(
        succeeded=result.success,
        published=dg.AssetKey(["published", "warehouse"]) in materialised,
        dead={
            BY_KEY[check.asset_key].id: check.description or check.check_name
            for check in result.get_asset_check_evaluations()
            if check.check_name in SOURCE_CHECKS
            and not check.passed
            and check.severity is dg.AssetCheckSeverity.ERROR
            and check.asset_key in BY_KEY
        },
        incomplete={
            BY_KEY[check.asset_key].id: check.description or check.check_name
            for check in result.get_asset_check_evaluations()
            if check.check_name == COMPLETE and not check.passed and check.asset_key in BY_KEY
        },
        failures=[_reason(event) for event in result.all_events if event.is_step_failure],
        datasets=len(raw),
        new_rows=sum(_number(metadata["new rows"]) for metadata in raw),
        revised_rows=sum(_number(metadata["revised rows"]) for metadata in raw),
        seconds=time.monotonic() - started,
        run_id=result.run_id,
    )


def run_and_tell(request: RunRequest, *, upstream: str | None = None, console: PlainConsole | None = None) -> int:
    """Run with a progress display and a closing summary. Returns the exit code."""
    console = console or terminal.console()
    with environment(**({"LEADLINE_UPSTREAM": upstream} if upstream else {})):
        with RichProgress(console) as display, listening(display):
            outcome = execute(request)
        tell(outcome, request, Settings().home, console)
        if not outcome.published:
            from pipeline.alerting import tell_of_failure

            tell_of_failure(outcome.run_id, outcome.failures)
    return outcome.exit_code


def tell(outcome: RunOutcome, request: RunRequest, home: Path, console: PlainConsole) -> None:
    """The closing summary."""
    for name, reason in outcome.dead.items():
        console.say(("dead source", "red"), f" {name}: {reason}")
    for name, gaps in outcome.incomplete.items():
        console.say(("incomplete", "yellow"), f" {name}: {gaps}; asked for again in the next runs")
    for reason in outcome.failures:
        console.say(("failed", "red"), f" {reason}")
    if outcome.published:
        changed = f"{outcome.new_rows:,} new rows, {outcome.revised_rows:,} revised"
        if not (outcome.new_rows or outcome.revised_rows):
            changed = "nothing new"
        where = home if request.as_of is None else f"{home}, under as_of/"
        usable = f"{outcome.datasets - len(outcome.dead)} of {outcome.datasets} datasets usable · "
        told = f"{changed} · {usable if outcome.datasets else ''}{outcome.seconds:.0f} s · {where}"
        console.say(("published", "green"), f" {told}")
    else:
        console.say(("nothing was published", "red"), "; readers keep what they had")


def _reason(event: dg.DagsterEvent) -> str:
    data: Any = event.event_specific_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{event.step_key}: {data.user_failure_data.description}"
    error = data.error
    while error.cause and error.cls_name.startswith("Dagster"):
        error = error.cause
    # Dagster writes the class in front; the messages of our own rooms say all that is needed without it.
    return f"{event.step_key}: {error.message.strip().removeprefix(f'{error.cls_name}: ')}"


def _number(value: Any) -> int:
    return int(value.value)
