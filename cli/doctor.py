"""`leadline doctor`: does everything that a run needs work?"""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from cli import terminal
from cli.errors import EXIT_PUBLISHED, EXIT_REFUSED
from orchestration.liveness import history_of
from pipeline import dbt_project
from pipeline.heartbeat import last_publication, silence
from pipeline.settings import Settings
from sources.core.dataset import Window
from sources.core.errors import SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.registry import DATASETS, PROVIDERS
from warehouse.database import connect
from warehouse.errors import BusyError, DamagedError
from warehouse.home import Home
from warehouse.landing import Landing

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


def listen(hours: int) -> int:
    """Say when the last publication was. Returns 1 when it is older than so many hours."""
    published = Home(Settings().home).published
    console = terminal.console()
    if trouble := silence(published, datetime.now(UTC), timedelta(hours=hours)):
        console.say((trouble, "red"), ". `leadline up` must be running; its page shows what failed.")
        return EXIT_REFUSED
    console.say(f"last publication {last_publication(published):%Y-%m-%d %H:%M} UTC")
    return EXIT_PUBLISHED


def home_findings(home: Home) -> Iterator[tuple[str, str, str]]:
    """What is damaged in the home, as far as it is seen cheaply, with the command that heals it; as `_findings`."""
    published = last_publication(home.published)
    is_lost = home.published.exists() and published is None
    trouble = f"{home.published} cannot be read; `leadline publish` makes it again" if is_lost else ""
    yield "published", trouble, f"{published:%Y-%m-%d %H:%M} UTC" if published else "nothing yet"
    wal = home.published.with_name(f"{home.published.name}.wal")
    if wal.exists():
        yield "published log", f"{wal} stands beside the published file, which is never so; move it away", ""
    if home.build_file.exists():
        try:
            connect(home.build_file, read_only=True).close()
            yield "build file", "", "can be read"
        except BusyError:
            yield "build file", "", "open in a run"
        except DamagedError as error:
            yield "build file", str(error), ""
    missing = len(Landing(home).missing_decisions())
    trouble = (
        f"{missing} are missing from {home.landing}; restore them from a backup, or go on without them by "
        "`leadline rebuild --without-damaged`"
    )
    yield "decisions", trouble if missing else "", "complete"
    history = history_of(home.path) / "history" / "runs.db"
    if history.exists():
        yield "run history", _history_trouble(history), "can be read"


def _history_trouble(file: Path) -> str:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as connection:
            [[said]] = connection.execute("pragma quick_check(1)").fetchall()
    except sqlite3.Error as error:
        said = str(error)
    if said == "ok":
        return ""
    return f"{file} is damaged ({said}); end `leadline up` and move {file.parent} away: only the list of runs is lost"


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
    yield from home_findings(Home(settings.home))
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
