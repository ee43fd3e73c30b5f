"""One cheap request to a provider: whether it answers, and with what."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.settings import Settings
from sources.core.dataset import Access, Dataset, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import HttpLimits, Session
from sources.core.payload import Parsed, Payload
from sources.core.responses import is_bot_wall

# One try, and all providers in ten seconds.
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
FEWEST_OFFLINE = 3  # providers that cannot be reached, before the fault is looked for on this side


@dataclass(frozen=True)
class ProbeResult:
    """How one provider answered: in words, after how long (None: not asked), and what it said or what to do.

    `payload` is the answer and `parsed` what was read of it, None where there was nothing to read.
    """

    dataset: Dataset
    words: str
    latency_ms: float | None
    detail: str
    payload: Payload | None = None
    parsed: Parsed | None = None
    is_unreachable: bool = False

    @property
    def is_fine(self) -> bool:
        """Whether there is nothing to mend; a key that is not set is a choice."""
        return self.words in (ANSWERED, NEEDS_KEY)


def lightest(datasets: Sequence[Dataset]) -> Sequence[Dataset]:
    """One dataset of each provider: the first that a module declares answers shortly, all of it on one page."""
    return list({dataset.provider.name: dataset for dataset in reversed(datasets)}.values())


def probe_all(datasets: Sequence[Dataset], settings: Settings, clock: datetime | None) -> Sequence[ProbeResult]:
    """Probe all of them at once, in order of their providers' names."""
    ordered = sorted(datasets, key=lambda dataset: dataset.id)
    with ThreadPoolExecutor(max(len(ordered), 1)) as pool:
        return list(pool.map(lambda dataset: probe(dataset, settings, clock), ordered))


def looks_offline(results: Sequence[ProbeResult]) -> bool:
    """Whether not one of several providers could be reached, so that the fault is most likely on this side."""
    asked = [result for result in results if result.words != NEEDS_KEY]
    return len(asked) >= FEWEST_OFFLINE and all(result.is_unreachable for result in asked)


def probe(dataset: Dataset, settings: Settings, clock: datetime | None) -> ProbeResult:
    """Ask for the first page of a few days. Never raises for a provider's fault."""
    received: list[Payload] = []
    started = time.monotonic()

    def answer(words: str, detail: str, parsed: Parsed | None = None) -> ProbeResult:
        asked = bool(received) or words != NEEDS_KEY
        latency_ms = (time.monotonic() - started) * 1000 if asked else None
        unreachable = not received and words == WORDS[Failure.OUTAGE]
        last = received[-1] if received else None
        return ProbeResult(dataset, words, latency_ms, detail, last, parsed, unreachable)

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
        reason = f"every row was refused: {parsed.rejects[0].reason}"
        return answer(WORDS[Failure.CHANGED_LAYOUT], reason, parsed)
    return answer(ANSWERED, f"{parsed.rows.height:,} rows", parsed)
