"""The declaration of a dataset: everything the rest of Leadline needs to know about it.

Assets, landing paths, the raw table, contract checks, freshness, schedule, the docs row and the line in
`leadline sources` all follow from one `Dataset`. Nothing here fetches or parses.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

from sources.core.column import INSTANT, Column
from sources.core.evidence import Evidence, recording
from sources.core.payload import Parsed, Payload
from sources.core.provider import Provider

if TYPE_CHECKING:
    from sources.core.http import Session

# The declaration's parts that the HTTP session and the parsers need too lie in modules of their own.
__all__ = [
    "CADENCE_TIMES",
    "INSTANT",
    "Access",
    "Bucket",
    "Cadence",
    "Calendar",
    "Column",
    "Dataset",
    "MarketType",
    "Provider",
    "Window",
]


class Bucket(StrEnum):
    """The question a dataset helps to answer."""

    PRICE = "price"
    DERIVATIVES = "derivatives"
    OPTIONS = "options"
    LEVERAGE = "leverage"
    FLOWS = "flows"
    ONCHAIN = "onchain"
    MINING = "mining"
    MACRO = "macro"


class Access(StrEnum):
    """Whether a provider can be asked about the past."""

    WINDOW = "window"  # takes a date range
    NOW = "now"  # answers only for the moment of asking; a missed moment is lost
    ARCHIVE = "archive"  # files of the past: asked for only when named, once, for the whole window


class MarketType(StrEnum):
    """What is traded, where one venue has several markets of bitcoin."""

    SPOT = "spot"
    PERP = "perp"


class Calendar(StrEnum):
    """On which days new data is expected."""

    EVERY_DAY = "every_day"
    US_TRADING = "us_trading"  # New York Stock Exchange sessions


class Cadence(StrEnum):
    """Which schedule refreshes a dataset."""

    DAILY = "daily"  # 00:20 UTC
    SNAPSHOT = "snapshot"  # 05:50, 11:50, 17:50, 23:50 UTC: cannot be had later
    ETF = "etf"  # 04:40 and 10:30 UTC: the morning after a trading date


# The instants of each cadence, UTC; schedules and back-fills of NOW datasets both follow them.
CADENCE_TIMES: Mapping[Cadence, tuple[time, ...]] = {
    Cadence.DAILY: (time(0, 20),),
    Cadence.SNAPSHOT: (time(5, 50), time(11, 50), time(17, 50), time(23, 50)),
    Cadence.ETF: (time(4, 40), time(10, 30)),
}


@dataclass(frozen=True)
class Window:
    """A half-open range of time [start, end), aware UTC instants."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware UTC instants")
        if self.start >= self.end:
            raise ValueError(f"an empty window: {self.start.isoformat()} to {self.end.isoformat()}")

    @classmethod
    def of_dates(cls, first: date, last: date) -> "Window":
        """The window that covers the UTC days from `first` to `last`, both included."""
        start = datetime.combine(first, time(), UTC)
        return cls(start, datetime.combine(last, time(), UTC) + timedelta(days=1))


@dataclass(frozen=True)
class Dataset:
    """One table of one provider.

    A row belongs to the time in its `observed` column, its period ends `period` later, and the provider is
    expected to publish it within `publication_lag` after that. `fetch` yields payloads for a window (all pages);
    `read` turns one payload into rows, and must need nothing but the payload, so that landing files can be
    replayed for ever. `read_together` gives of many small payloads exactly what `read` gives of each, faster.
    """

    provider: Provider
    name: str
    bucket: Bucket
    description: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    observed: str
    period: timedelta
    publication_lag: timedelta
    fetch: "Callable[[Session, Window], Iterator[Payload]]"
    read: Callable[[Payload], Parsed]
    access: Access = Access.WINDOW
    cadence: Cadence = Cadence.DAILY
    calendar: Calendar = Calendar.EVERY_DAY
    fresh_for: timedelta = timedelta(days=1)  # market data one day, chain data three
    final_after: timedelta = timedelta(0)  # after the publication lag; until then the value may be revised
    depth: timedelta | None = None  # how far back the provider answers; None = its whole history
    first_history: timedelta | None = None  # what a first run asks for, where the usual is too much or too little
    history_from: date | None = None  # asked from this day on when nothing is loaded yet, whatever days a run names
    reread: timedelta = timedelta(days=3)  # fetched again at each run, so that late corrections arrive
    every: timedelta | None = None  # distance of two observations where `spacing` cannot tell it; zero = irregular
    market: MarketType | None = None
    restates: bool = False  # the provider rewrites history, so assumed publication times are doubtful
    may_be_empty: bool = False  # an empty answer is a legal answer
    read_together: Callable[[Sequence[Payload]], Sequence[Parsed]] | None = None

    def __post_init__(self) -> None:
        for identifier in (self.provider.name, self.name, *self.columns):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", identifier):
                raise ValueError(f"{identifier!r} is no identifier: lower case letters, digits and underscores only")
        missing = {*self.key, self.observed} - set(self.columns)
        if missing:
            raise ValueError(f"{self.id}: key or observed column not declared: {', '.join(sorted(missing))}")

    @property
    def id(self) -> str:
        """What people type: `binance.funding_rate`."""
        return f"{self.provider.name}.{self.name}"

    @property
    def table(self) -> str:
        """Name of the raw table and last part of the asset key: `binance__funding_rate`."""
        return f"{self.provider.name}__{self.name}"

    @property
    def evidence(self) -> Evidence:
        """What shows that its question and the shape of its answers are right, as its provider's declaration says."""
        provider = self.provider
        recorded = provider.recorded.get(self.name)
        shape = recording(recorded) if recorded else provider.described_by
        return Evidence(provider.described_by, shape, provider.unproven.get(self.name, ""))

    @property
    def spacing(self) -> timedelta | None:
        """How far apart the observations of one series lie where they come regularly; None for events and snapshots.

        Of a dataset with sessions it is a day, closed days aside.
        """
        if self.every is not None:
            return self.every or None
        if self.access is Access.NOW:
            return None
        if self.calendar is Calendar.US_TRADING:
            return timedelta(days=1)
        return self.period if self.period in (timedelta(hours=1), timedelta(days=1)) else None

    @property
    def schema(self) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Polars schema of the parsed rows."""
        return {name: column.dtype for name, column in self.columns.items()}
