"""Asks all providers at once, one thread for each. Bodies are landed as they arrive, before anything reads them.

A provider that is down costs only its own datasets. What is fetched is handed on as it comes, so that loading goes on
while slower providers still answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from itertools import groupby
from queue import SimpleQueue
from threading import Event

from pipeline.plan import PlannedRequest
from pipeline.settings import Settings
from sources.core.dataset import Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from warehouse.errors import WarehouseError
from warehouse.landing import Landing, LandingFile


class FetchOutcome(StrEnum):
    """How asking for a dataset ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    NEEDS_KEY = "needs_key"
    NOT_ASKED = "not_asked"  # it is all here already, or the stand-in says that it has none


@dataclass(frozen=True)
class FetchResult:
    """What asking for one dataset came to. `covered` is the time that answered questions were about."""

    dataset: Dataset
    outcome: FetchOutcome
    started_at: datetime
    finished_at: datetime
    failure: Failure | None = None
    message: str = ""  # why it failed; of an answer that was taken, what a person should know about it
    requests: int = 0
    bytes: int = 0
    covered: Window | None = None
    refilled: Sequence[PlannedRequest] = ()  # stretches that an earlier answer lacked, asked for once more
    files: Sequence[LandingFile] = ()  # the answers that hold data; error pages are landed too, but not among them


@dataclass(frozen=True)
class DatasetPlan:
    """A dataset and what it will be asked."""

    dataset: Dataset
    asks: Sequence[PlannedRequest]


@dataclass
class _Tally:
    """Counts what one dataset received, and which requests it answered; "no data" is an answer too."""

    requests: int = 0
    bytes: int = 0
    files: list[LandingFile] = field(default_factory=list)
    asked: list[PlannedRequest] = field(default_factory=list)
    empty: int = 0

    @property
    def covered(self) -> Window | None:
        usual = [ask.window for ask in self.asked if not ask.refills]
        return Window(usual[0].start, usual[-1].end) if usual else None

    @property
    def refilled(self) -> tuple[PlannedRequest, ...]:
        return tuple(ask for ask in self.asked if ask.refills)


def fetch(
    plan: Sequence[DatasetPlan],
    settings: Settings,
    landing: Landing,
    asked: Callable[[Dataset], None] = lambda dataset: None,
) -> Iterator[Sequence[FetchResult]]:
    """Ask everything planned, all providers at once; yields the datasets whose last answer has been landed by then.

    Never raises for a provider's fault. `asked` hears of every answered question, in the provider's thread.
    """
    done: SimpleQueue[FetchResult | Exception] = SimpleQueue()
    stop = Event()
    by_name = sorted(plan, key=lambda planned: planned.dataset.id)
    providers = [list(own) for _, own in groupby(by_name, key=lambda planned: planned.dataset.provider.name)]

    def work(own: Sequence[DatasetPlan]) -> None:
        try:
            for planned in own:
                done.put(_fetch_dataset(planned.dataset, planned.asks, settings, landing, asked, stop))
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that waits
            done.put(error)

    with ThreadPoolExecutor(max(len(providers), 1), thread_name_prefix="provider") as pool:
        try:
            for own in providers:
                pool.submit(work, own)
            left = len(by_name)
            while left:
                answered = _arrived(done)
                left -= len(answered)
                yield answered
        finally:
            stop.set()  # an interrupted run does not wait for every page that is left


def _arrived(done: SimpleQueue[FetchResult | Exception]) -> Sequence[FetchResult]:
    """Waits for one answer, and takes along what came meanwhile. Raises what a thread could not."""
    arrived = list[FetchResult]()
    while not arrived or not done.empty():
        answer = done.get()
        if isinstance(answer, Exception):
            raise answer
        arrived.append(answer)
    return arrived


def _fetch_dataset(
    dataset: Dataset,
    asks: Sequence[PlannedRequest],
    settings: Settings,
    landing: Landing,
    asked: Callable[[Dataset], None],
    stop: Event,
) -> FetchResult:
    tally = _Tally()
    started = datetime.now(UTC)

    def receive(payload: Payload) -> None:
        tally.requests += 1
        tally.bytes += len(payload.body)
        landing.store(dataset.id, payload)

    def ended(outcome: FetchOutcome, failure: Failure | None = None, message: str = "") -> FetchResult:
        return FetchResult(
            dataset,
            outcome,
            started,
            datetime.now(UTC),
            failure,
            message,
            tally.requests,
            tally.bytes,
            tally.covered,
            tally.refilled,
            tuple(dict.fromkeys(tally.files)),
        )

    if not asks:
        return ended(FetchOutcome.NOT_ASKED)
    session = _session(dataset.provider, settings, receive, partial(landing.answer, dataset.id))
    try:
        with session:
            empty = _ask_all(dataset, asks, session, landing, tally, asked, stop)
    except SourceError as error:
        if error.failure is Failure.NEEDS_KEY:
            return ended(FetchOutcome.NEEDS_KEY, error.failure, f"Set {dataset.provider.key_variable} to turn it on.")
        return ended(FetchOutcome.FAILED, error.failure, f"{error.failure}: {error.what} {error.advice}")
    except (WarehouseError, OSError):
        raise  # no room to land an answer: nothing that another provider could make good
    except Exception as error:  # noqa: BLE001 - a mistake in one provider's module must not sink all the others
        return ended(
            FetchOutcome.FAILED, None, f"{type(error).__name__}: {error}. This is a bug of Leadline; report it."
        )
    if empty is not None and tally.empty == len(tally.asked):
        return ended(FetchOutcome.FAILED, empty.failure, f"{empty.failure}: {empty.what} {empty.advice}")
    return ended(FetchOutcome.ANSWERED, None, "; ".join(dict.fromkeys(session.notes)))


def _ask_all(
    dataset: Dataset,
    asks: Sequence[PlannedRequest],
    session: Session,
    landing: Landing,
    tally: _Tally,
    asked: Callable[[Dataset], None],
    stop: Event,
) -> SourceError | None:
    """Ask in order. A window without data is skipped and the last such answer returned; any other failure ends it."""
    empty: SourceError | None = None
    for ask in asks:
        if stop.is_set():
            break
        try:
            for payload in dataset.fetch(session if ask.clock is None else session.at(ask.clock), ask.window):
                if file := landing.find(dataset.id, payload):
                    tally.files.append(file)
        except SourceError as error:
            if error.failure is not Failure.NO_DATA:
                raise
            empty = error
            tally.empty += 1
        tally.asked.append(ask)
        asked(dataset)
    return empty


def _session(
    provider: Provider,
    settings: Settings,
    receive: Callable[[Payload], None],
    kept: Callable[[str, Mapping[str, str]], Payload | None],
) -> Session:
    return Session(
        provider,
        key=settings.key(provider.name),
        upstream=settings.upstream,
        receive=receive,
        kept=kept,
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )
