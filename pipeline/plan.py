"""Plans what to ask a provider in one run: which windows, at which instants. Makes no request itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sources.core.dataset import CADENCE_TIMES, Access, Dataset, Window

FIRST_HISTORY = timedelta(days=800)  # two years of percentiles, and the 365 days before them
CUT_OFF = timedelta(days=1, hours=1)  # a date's figures are read at 01:00 UTC of the next day

# A stand-in is asked about history month by month, so that what it answers is what was known soon after; a live
# provider knows only today's answer, so longer windows lose nothing and are politer.
STAND_IN_WINDOW = timedelta(days=30)
LIVE_WINDOW = timedelta(days=366)


@dataclass(frozen=True)
class PlannedRequest:
    """One question to a provider: a window and, for a stand-in, the instant at which it is asked."""

    window: Window
    clock: datetime | None
    refills: bool = False  # asks once more for what an earlier answer lacked


@dataclass(frozen=True)
class RunPeriod:
    """The time that a run is about.

    `start` None means: from what is already there. `clocked` says that a stand-in answers, for any instant that we
    name. `each_instant` asks datasets that answer only for now once for every scheduled instant, else once at the end.
    `archives` says that archives were named; a run of everything does without their thousands of files.
    """

    start: datetime | None
    end: datetime
    clocked: bool
    each_instant: bool = False
    archives: bool = False


def cut_off(day: date) -> datetime:
    """When the figures of a UTC day are read."""
    return datetime.combine(day, time(), UTC) + CUT_OFF


def midnight(day: date) -> datetime:
    """The instant at which a UTC day begins."""
    return datetime.combine(day, time(), UTC)


def asks(dataset: Dataset, span: RunPeriod, watermark: datetime | None = None) -> list[PlannedRequest]:
    """The questions for one dataset, oldest first. `watermark` is the newest observed time that is loaded."""
    if dataset.access is Access.ARCHIVE and not span.archives:
        return []
    first_history = dataset.first_history or FIRST_HISTORY
    start = span.start or (watermark - dataset.reread if watermark else span.end - first_history)
    if dataset.access is Access.NOW:
        return _asks_for_now(dataset, start, span)
    if dataset.depth is not None and not span.clocked:
        start = max(start, span.end - dataset.depth)
    asked = [] if start >= span.end else list(_asks_for_windows(dataset, start, span))
    if dataset.history_from is not None and watermark is None and (begin := midnight(dataset.history_from)) < start:
        return [PlannedRequest(Window(begin, start), start if span.clocked else None), *asked]
    return asked


def _asks_for_windows(dataset: Dataset, start: datetime, span: RunPeriod) -> Iterator[PlannedRequest]:
    """Windows that overlap by the days that a provider may still correct; an archive is asked once for all of it."""
    step = STAND_IN_WINDOW if span.clocked else LIVE_WINDOW
    if span.clocked and dataset.depth is not None:
        step = min(step, dataset.depth)  # at the end of a window the provider reaches no further back
    if dataset.access is Access.ARCHIVE:
        step = span.end - start
    begin = start
    while begin < span.end:
        end = min(begin + step, span.end)
        first = begin if begin == start else begin - dataset.reread
        yield PlannedRequest(Window(first, end), end if span.clocked else None)
        begin = end


def _asks_for_now(dataset: Dataset, start: datetime, span: RunPeriod) -> list[PlannedRequest]:
    """One ask at the end, or one for each scheduled instant; a window tells how far back the page should reach."""
    if not (span.clocked and span.each_instant):
        start = min(start, span.end - timedelta(days=1))
        return [PlannedRequest(Window(start, span.end), span.end if span.clocked else None)]
    instants = [instant for instant in scheduled(dataset, start, span.end) if instant > start]
    begins = [start, *instants]
    return [PlannedRequest(Window(begin, instant), instant) for begin, instant in zip(begins, instants, strict=False)]


def scheduled(dataset: Dataset, start: datetime, end: datetime) -> Iterator[datetime]:
    """The instants in [start, end] at which the dataset's schedule runs."""
    day = start.date()
    while midnight(day) <= end:
        for moment in CADENCE_TIMES[dataset.cadence]:
            instant = datetime.combine(day, moment, UTC)
            if start <= instant <= end:
                yield instant
        day += timedelta(days=1)
