"""`leadline doctor`: does everything that a run needs work?"""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path

from cli import terminal
from cli.request import EXIT_PUBLISHED, EXIT_REFUSED
from pipeline import dbt_project
from pipeline.settings import Settings
from sources import DATASETS, PROVIDERS
from sources.core.dataset import Window
from sources.core.errors import SourceError
from sources.core.http import Session
from sources.core.payload import Payload

LEAST_FREE_BYTES = 2_000_000_000  # a first back-fill lands and builds well under one gigabyte
CLOCK_TOLERANCE = timedelta(minutes=2)  # provider stamps and cut-offs are compared with the machine's clock


def examine() -> int:
    """Print what was checked and what to do. Returns 1 when something would keep a run from working."""
    console = terminal.console()
    sound = True
    for name, problem, detail in _findings():
        sound = sound and not problem
        console.say(("✗", "red") if problem else ("✓", "green"), f" {name:<14}{problem or detail}")
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
    yield (
        "dbt project",
        "",
        "manifest is stale and will be prepared" if dbt_project.is_stale() else "manifest is current",
    )
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
