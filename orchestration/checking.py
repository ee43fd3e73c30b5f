"""`leadline probe` and `leadline doctor`: does everything that a run needs work?"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from orchestration import dbt, terminal
from orchestration.request import EXIT_DEAD_SOURCES, EXIT_PUBLISHED, EXIT_REFUSED, chosen
from orchestration.settings import Settings
from orchestration.upstream import newest
from sources import DATASETS, PROVIDERS
from sources.dataset import Access, Dataset, Window
from sources.errors import Failure, SourceError
from sources.http import Session
from sources.payload import Payload

LEAST_FREE_BYTES = 2_000_000_000  # a first back-fill lands and builds well under one gigabyte
CLOCK_TOLERANCE = timedelta(minutes=2)  # provider stamps and cut-offs are compared with the machine's clock


def probe_providers(selected: Sequence[str]) -> int:
    """One request to each provider, nothing stored. Returns 3 when one does not answer."""
    settings = Settings()
    datasets = chosen(selected) if selected else list(DATASETS)
    cheapest = {dataset.provider.name: dataset for dataset in reversed(datasets)}
    clock = newest(settings) if settings.upstream else None
    with ThreadPoolExecutor(len(cheapest)) as pool:
        answers = dict(zip(cheapest, pool.map(lambda d: _probe(d, settings, clock), cheapest.values()), strict=True))
    table = Table("provider", "dataset", "answer", box=None, pad_edge=False)
    for name in sorted(answers):
        table.add_row(name, cheapest[name].id, answers[name])
    terminal.console().print(table)
    fine = ("answered", Failure.NEEDS_KEY.value)
    return EXIT_PUBLISHED if all(answer.startswith(fine) for answer in answers.values()) else EXIT_DEAD_SOURCES


def _probe(dataset: Dataset, settings: Settings, clock: datetime | None) -> str:
    try:
        with Session(
            dataset.provider,
            key=settings.key(dataset.provider.name),
            upstream=settings.upstream,
            clock=clock,
            ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
        ) as session:
            now = session.now()
            week = timedelta(days=1 if dataset.access is Access.NOW else 7)
            payload = next(dataset.fetch(session, Window(now - week, now)), None)
        rows = dataset.read(payload).rows.height if payload else 0
    except SourceError as error:
        return f"{error.failure}: {error.what}"
    return f"answered, {rows} rows"


def examine() -> int:
    """Print what was checked and what to do. Returns 1 when something would keep a run from working."""
    console = terminal.console()
    sound = True
    for name, problem, detail in _findings():
        sound = sound and not problem
        console.print(f"[{'red' if problem else 'green'}]{'✗' if problem else '✓'}[/] {name:<14}{problem or detail}")
    return EXIT_PUBLISHED if sound else EXIT_REFUSED


def _findings() -> Iterator[tuple[str, str, str]]:
    """(what, problem or empty, detail)."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield "python", "" if sys.version_info >= (3, 11) else f"{python}: Leadline needs 3.11 or newer", python
    packages = ", ".join(f"{name} {version(name)}" for name in ("leadline", "dagster", "dbt-core", "duckdb", "polars"))
    yield "packages", "", packages
    settings = Settings()
    yield "home", *_writable(settings.home)
    free = shutil.disk_usage(_existing(settings.home)).free
    little = f"only {free / 1e9:.1f} GB free; a back-fill needs {LEAST_FREE_BYTES / 1e9:.0f}"
    yield "disk", little if free < LEAST_FREE_BYTES else "", f"{free / 1e9:.1f} GB free"
    yield "upstream", "", settings.upstream or "public sources"
    for provider in PROVIDERS:
        if provider.key_variable:
            state = "set" if settings.key(provider.name) else f"not set; {provider.title} is left out until it is"
            yield provider.key_variable.removeprefix("LEADLINE_").lower(), "", state
    yield "dbt project", "", "manifest is stale and will be prepared" if dbt.is_stale() else "manifest is current"
    yield "clock", *_clock(settings)


def _writable(home: Path) -> tuple[str, str]:
    folder = _existing(home)
    trial = folder / ".leadline-doctor"
    try:
        trial.touch()
        trial.unlink()
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror}); set LEADLINE_HOME to another folder", ""
    return "", str(home)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _clock(settings: Settings) -> tuple[str, str]:
    """The machine's clock against the Date header of a provider; not comparable offline or with a stand-in."""
    if settings.upstream:
        return "", "not compared: a stand-in has no clock of its own"
    payloads: list[Payload] = []
    dataset = next(d for d in DATASETS if not d.provider.needs_key)
    try:
        with Session(dataset.provider, receive=payloads.append) as session:
            now = session.now()
            next(dataset.fetch(session, Window(now - timedelta(days=7), now)), None)
    except SourceError as error:
        if not payloads:
            return "", f"not compared: {dataset.provider.title} gave no answer ({error.failure})"
    stamp = next(
        (payload.headers[name] for payload in payloads for name in payload.headers if name.lower() == "date"), ""
    )
    if not stamp:
        return "", "not compared: no Date header"
    off = abs(datetime.now(UTC) - parsedate_to_datetime(stamp))
    if off > CLOCK_TOLERANCE:
        return f"off by {off}; set it by NTP, or knowledge times come out wrong", ""
    return "", f"within {CLOCK_TOLERANCE} of {dataset.provider.title}"
