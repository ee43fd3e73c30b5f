"""`leadline probe`: one cheap request to each provider, so that a new user sees in ten seconds what will work."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.table import Table
from rich.text import Text

from cli import terminal
from cli.errors import EXIT_DEAD_SOURCES, EXIT_PUBLISHED
from cli.request import chosen
from pipeline.origin import newest
from pipeline.settings import Settings
from sources.core.dataset import Access, Dataset, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import HttpLimits, Session
from sources.core.payload import Payload
from sources.core.responses import is_bot_wall
from sources.registry import DATASETS

# One try, and the whole table in ten seconds.
IMPATIENT = HttpLimits(attempts=1, connect_timeout_s=4.0, read_timeout_s=6.0, deadline_s=8.0, patience_s=8.0)

BLOCKED_BY_WALL, BLOCKED_BY_REGION = "blocked: bot wall", "blocked: region or address"
ANSWERED, NEEDS_KEY = "answered", "needs a key"
WORDS: Mapping[Failure, str] = {
    Failure.OUTAGE: "no answer",
    Failure.TOO_SLOW: "no answer",
    Failure.THROTTLED: "asked too often",
    Failure.QUOTA: "quota used up",
    Failure.NEEDS_KEY: NEEDS_KEY,
    Failure.BAD_KEY: "key refused",
    Failure.MOVED: "moved",
    Failure.REFUSED: "request refused",
    Failure.CHANGED_LAYOUT: "changed layout",
    Failure.NOT_DATA: "no data",
    Failure.NO_DATA: "no data",
    Failure.TOO_LARGE: "too large",
    Failure.UNSAFE: "unsafe address",
}


@dataclass(frozen=True)
class ProbeResult:
    """How one provider answered: in words, after how long (None: not asked), and what it said or what to do."""

    dataset: Dataset
    words: str
    latency_ms: float | None
    detail: str

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to mend; a key that is not set is a choice."""
        return self.words in (ANSWERED, NEEDS_KEY)


def probe_providers(selected: Sequence[str]) -> int:
    """Print one line a provider, nothing stored. Returns 3 when one does not answer."""
    settings = Settings()
    datasets = chosen(selected) if selected else list(DATASETS)
    # The first that a module declares is its lightest: a short answer, all of it on one page.
    cheapest = {dataset.provider.name: dataset for dataset in reversed(datasets)}
    clock = newest(settings) if settings.upstream else None
    with ThreadPoolExecutor(len(cheapest)) as pool:
        answers = list(pool.map(lambda dataset: probe(dataset, settings, clock), cheapest.values()))
    table = Table("provider", "answer", "ms", "dataset", "detail", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for answer in sorted(answers, key=lambda answer: answer.dataset.provider.name):
        latency = "" if answer.latency_ms is None else f"{answer.latency_ms:,.0f}"
        table.add_row(
            answer.dataset.provider.name,
            Text(answer.words, "green" if answer.words == ANSWERED else "yellow" if answer.is_fine else "red"),
            latency,
            answer.dataset.name,
            answer.detail,
        )
    terminal.console().print(table)
    return EXIT_PUBLISHED if all(answer.is_fine for answer in answers) else EXIT_DEAD_SOURCES


def probe(dataset: Dataset, settings: Settings, clock: datetime | None) -> ProbeResult:
    """Ask for the first page of a few days. Never raises for a provider's fault."""
    received: list[Payload] = []
    started = time.monotonic()

    def answer(words: str, detail: str) -> ProbeResult:
        asked = bool(received) or words != NEEDS_KEY
        return ProbeResult(dataset, words, (time.monotonic() - started) * 1000 if asked else None, detail)

    try:
        with Session(
            dataset.provider,
            key=settings.key(dataset.provider.name),
            upstream=settings.upstream,
            clock=clock,
            receive=received.append,
            ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
            limits=IMPATIENT,
        ) as session:
            now = session.now()
            days = timedelta(days=1 if dataset.access is Access.NOW else 7)
            payload = next(dataset.fetch(session, Window(now - days, now)), None)
        parsed = dataset.read(payload) if payload else None
    except SourceError as error:
        if error.failure is Failure.BLOCKED:
            walled = bool(received) and is_bot_wall(received[-1])
            return answer(BLOCKED_BY_WALL if walled else BLOCKED_BY_REGION, error.what)
        if error.failure is Failure.NEEDS_KEY:
            return answer(NEEDS_KEY, f"set {dataset.provider.key_variable}")
        return answer(WORDS[error.failure], error.what)
    except Exception as error:  # noqa: BLE001 - a mistake in one module must not hide the others' answers
        return answer("failed", f"{type(error).__name__}: a bug of Leadline; report it")
    if parsed is None:
        return answer(ANSWERED, "nothing new in these days")
    if parsed.rejects and parsed.rows.is_empty():
        return answer(WORDS[Failure.CHANGED_LAYOUT], f"every row was refused: {parsed.rejects[0].reason}")
    return answer(ANSWERED, f"{parsed.rows.height:,} rows")
