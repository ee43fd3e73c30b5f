"""From providers to raw tables: plan, fetch and load. The database is open only while rows are loaded.

The build file is open only to read what is there already and, for moments, to load what arrived.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from pipeline.fetch import DatasetPlan, FetchResult, fetch
from pipeline.freshness import newest_value, stale
from pipeline.origin import without
from pipeline.plan import PlannedRequest, RunPeriod, asks
from pipeline.progress import progress
from pipeline.settings import Settings
from sources.core.dataset import Dataset, Window
from sources.core.errors import SourceError
from sources.registry import DATASETS
from warehouse.coverage import DatasetCoverage, Gap, coverage, write_coverage
from warehouse.database import Warehouse
from warehouse.errors import LoadError
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader, LoadResult
from warehouse.logs import Attempt, log_attempts
from warehouse.table_profile import TableProfile, profile_table
from warehouse.tables import RAW

MOST_REFILLS = 10  # stretches a dataset and run; the others wait for the next run
MOST_UNREADABLE = 20  # pages set aside before a load is given up: the layout has changed for good
LONGEST_REASON = 400  # characters; the first reasons tell the rest


@dataclass(frozen=True)
class IngestResult:
    """What one run did for one dataset, and how the dataset stands after it.

    `load_error` says why rows were refused, `stale` why the newest observation is too old; both are empty when well.
    `coverage` says which periods are missing.
    """

    dataset: Dataset
    fetched: FetchResult
    load: LoadResult | None
    load_error: str
    profile: TableProfile
    newest: datetime | None
    stale: str
    coverage: DatasetCoverage

    @property
    def trouble(self) -> str:
        """What went wrong, empty when nothing did."""
        return self.fetched.message or self.load_error


@dataclass(frozen=True)
class KnownData:
    """What the warehouse holds of a dataset: its newest observation, and up to when it was asked from when on."""

    newest: datetime | None = None
    asked: Sequence[tuple[datetime, datetime]] = ()
    gaps: Sequence[Gap] = ()

    def asked_until(self, start: datetime) -> datetime | None:
        """The end of the unbroken stretch that was asked for, beginning at `start` or before; None if there is none."""
        until: datetime | None = None
        for begin, end in sorted(self.asked):
            if begin <= (until or start) <= end:
                until = end
        return until


def ingest(home: Home, settings: Settings, datasets: Sequence[Dataset], span: RunPeriod) -> Iterator[IngestResult]:
    """Fetch datasets of all providers at once and load each as it arrives. Never raises for a provider's fault.

    What a stand-in says it has nothing for is not asked.
    """
    known = _known(home, datasets, span)
    silent = without(settings)
    plan = [
        DatasetPlan(dataset, () if dataset.id in silent else _questions(dataset, known[dataset.id], span))
        for dataset in datasets
    ]
    for planned in plan:
        progress().planned(planned.dataset.id, len(planned.asks))
    landing = Landing(home)
    listener = progress()  # fetching threads have no context of their own
    for answered in fetch(plan, settings, landing, lambda dataset: listener.asked(dataset.id)):
        with Warehouse(home) as warehouse:  # opening costs more than most loads: what came meanwhile is loaded with it
            done = [_load(warehouse, fetched, span.end) for fetched in answered]
        for ingested in done:
            listener.fetched(ingested.dataset.id, ingested.trouble)
            if ingested.load:
                listener.loaded(ingested.dataset.id, ingested.load.rows_new, ingested.load.rows_revised)
        yield from done


def _questions(dataset: Dataset, known: KnownData, span: RunPeriod) -> list[PlannedRequest]:
    usual = remaining(asks(dataset, span, known.newest), known, span)
    return [*_refills(known, usual, span), *usual] if usual else []


def _refills(known: KnownData, usual: Sequence[PlannedRequest], span: RunPeriod) -> list[PlannedRequest]:
    """What earlier answers lacked and is due to be asked for again, outside of what is asked for anyway."""
    now = span.end
    due = {Window(gap.start, min(gap.end, now)) for gap in known.gaps if gap.start < now and gap.is_due(now)}
    again = [window for window in due if not any(_holds(ask.window, window) for ask in usual)]
    again.sort(key=lambda window: window.start)
    return [PlannedRequest(window, span.end if span.clocked else None, refills=True) for window in again[:MOST_REFILLS]]


def _holds(outer: Window, inner: Window) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def remaining(questions: Sequence[PlannedRequest], known: KnownData, span: RunPeriod) -> list[PlannedRequest]:
    """What an earlier back-fill of the same days has left to ask. The newest question is always asked again."""
    if not (span.each_instant and questions):
        return list(questions)
    until = known.asked_until(questions[0].window.start)
    return [ask for ask in questions if until is None or ask.window.end > until or ask is questions[-1]]


def _known(home: Home, datasets: Sequence[Dataset], span: RunPeriod) -> Mapping[str, KnownData]:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        return {
            dataset.id: KnownData(
                newest_value(warehouse.connection, dataset),
                _asked(warehouse.connection, dataset),
                coverage(warehouse.connection, dataset, span.end).gaps,
            )
            for dataset in datasets
        }


def _load(warehouse: Warehouse, fetched: FetchResult, now: datetime) -> IngestResult:
    dataset, connection = fetched.dataset, warehouse.connection
    load, refused = _load_all(Loader(warehouse), fetched)
    log_attempts(warehouse, [_attempt(fetched, refused), *_refill_attempts(fetched, refused)])
    found = coverage(connection, dataset, now)
    write_coverage(connection, dataset, found)
    newest = newest_value(connection, dataset)
    seen = profile_table(connection, RAW, dataset.table, day=dataset.observed, key=dataset.key)
    return IngestResult(dataset, fetched, load, refused, seen, newest, stale(dataset, newest, now, connection), found)


def _load_all(loader: Loader, fetched: FetchResult) -> tuple[LoadResult | None, str]:
    """Load what came, and what an interrupted run left behind; also why something was refused.

    A load is all or nothing, so one unreadable page would cost a back-fill all its other pages. It is set aside by the
    loader, and the others are tried again without it.
    """
    dataset, refused = fetched.dataset, ""
    files = [*fetched.files, *loader.pending(dataset)]
    for _ in range(MOST_UNREADABLE):
        if not files:
            break
        try:
            return loader.load(dataset, files), refused
        except (LoadError, SourceError) as error:
            refused = f"{error} {refused}".strip() if len(refused) < LONGEST_REASON else refused
            files = loader.pending(dataset)
    return None, refused


def _asked(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[tuple[datetime, datetime]]:
    stretches = connection.execute(
        "select asked_from, asked_until from raw.attempt where dataset_id = ? and asked_until is not null",
        [dataset.id],
    ).fetchall()
    return [(begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)) for begin, end in stretches]


def _refill_attempts(fetched: FetchResult, refused: str) -> list[Attempt]:
    """One entry a stretch that was asked for once more, so that it is known how often."""
    return [
        Attempt(
            fetched.dataset.id,
            fetched.started_at if ask.clock is None else ask.clock,  # of a stand-in, the instant that it answered for
            fetched.finished_at if ask.clock is None else ask.clock,
            fetched.outcome.value,
            asked_from=ask.window.start,
            asked_until=ask.window.end,
        )
        for ask in (() if refused else fetched.refilled)
    ]


def _attempt(fetched: FetchResult, refused: str) -> Attempt:
    """For the books. An attempt whose rows were refused covers no time, so that it is made again."""
    covered = None if refused else fetched.covered
    return Attempt(
        fetched.dataset.id,
        fetched.started_at,
        fetched.finished_at,
        fetched.outcome.value,
        fetched.failure.value if fetched.failure else None,
        fetched.message or refused or None,
        fetched.requests,
        fetched.bytes,
        covered.start if covered else None,
        covered.end if covered else None,
    )
