"""Small line charts as plain coordinates, which the page's template draws as inline SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from reporting.board import History, Series

WIDE: Final = 720.0
NARROW: Final = 380.0
LEFT: Final = 64.0  # room for the numbers of the scale
TOP: Final = 10.0
BOTTOM: Final = 18.0  # room for the dates
DAY_WIDTH: Final = 4.0  # of one day in the strip of regimes
MARKS: Final = (0.0, 0.5, 1.0)  # shares of the scale that get a number


@dataclass(frozen=True)
class Label:
    """A number or date beside an axis."""

    x: float
    y: float
    value: float | date


@dataclass(frozen=True)
class Span:
    """A stretch of days with one regime, for the strip under the price."""

    x: float
    width: float
    regime: str


@dataclass(frozen=True)
class Chart:
    """Coordinates of one chart in a box of `width` by `height`; lines and bands are SVG `points`."""

    width: float
    height: float
    lines: tuple[str, ...]
    steps: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    zero: float | None = None
    values: tuple[Label, ...] = ()
    dates: tuple[Label, ...] = ()
    spans: tuple[Span, ...] = ()


class _Frame:
    """From days and values to coordinates."""

    def __init__(self, days: Sequence[date], values: Sequence[float], width: float, height: float):
        self.first, self.last = min(days), max(days)
        self.low, self.high = min(values), max(values)
        self.width, self.height = width, height

    def x(self, day: date) -> float:
        span = (self.last - self.first).days or 1
        return round(LEFT + (self.width - LEFT) * (day - self.first).days / span, 1)

    def y(self, value: float) -> float:
        room = self.height - TOP - BOTTOM
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(TOP + room * (1 - share), 1)

    def lines(self, series: Series) -> tuple[str, ...]:
        """The known stretches of a series: a gap stays a gap."""
        return tuple(" ".join(f"{self.x(day)},{self.y(value)}" for day, value in run) for run in _known(series))

    def bands(self, low: Series, high: Series) -> tuple[str, ...]:
        """Polygons between two series, along the one and back along the other."""
        upper = dict(zip(high.dates, high.values, strict=True))
        polygons = []
        for run in _known(low):
            edge = [(day, upper[day]) for day, _ in run]
            there = [f"{self.x(day)},{self.y(value)}" for day, value in run]
            back = [f"{self.x(day)},{self.y(value)}" for day, value in reversed(edge) if value is not None]
            polygons.append(" ".join(there + back))
        return tuple(polygons)

    def value_labels(self) -> tuple[Label, ...]:
        values = dict.fromkeys(self.low + share * (self.high - self.low) for share in MARKS)
        return tuple(Label(LEFT - 6, self.y(value) + 3, value) for value in values)

    def date_labels(self) -> tuple[Label, ...]:
        days = (self.first, self.first + (self.last - self.first) / 2, self.last)
        return tuple(Label(self.x(day), self.height - 4, day) for day in dict.fromkeys(days))


def _known(series: Series) -> list[list[tuple[date, float]]]:
    pairs = zip(series.dates, series.values, strict=True)
    runs = groupby(pairs, key=lambda pair: pair[1] is None)
    return [[(day, value) for day, value in run if value is not None] for missing, run in runs if not missing]


def line_chart(series: Series, height: float = 110.0) -> Chart | None:
    """One series with its zero line where it has one; None when nothing is known."""
    values = [value for value in series.values if value is not None]
    if not values:
        return None
    frame = _Frame(series.dates, values, NARROW, height)
    zero = frame.y(0.0) if frame.low < 0 < frame.high else None
    return Chart(NARROW, height, frame.lines(series), zero=zero, values=frame.value_labels(), dates=frame.date_labels())


def price_chart(history: History, height: float = 260.0) -> Chart | None:
    """The close with level, cluster and a strip of regimes; None when no close is known."""
    shown = (history.close, history.level, history.cluster_low, history.cluster_high)
    values = [value for series in shown for value in series.values if value is not None]
    if not any(value is not None for value in history.close.values):
        return None
    frame = _Frame(history.close.dates, values, WIDE, height)
    return Chart(
        WIDE,
        height + 12,
        frame.lines(history.close),
        steps=frame.lines(history.level),
        bands=frame.bands(history.cluster_low, history.cluster_high),
        values=frame.value_labels(),
        dates=frame.date_labels(),
        spans=tuple(_spans(frame, history)),
    )


def _spans(frame: _Frame, history: History) -> Iterator[Span]:
    """A stretch lasts until the next one begins, and a single day still shows."""
    for regime, run in groupby(history.regimes, key=lambda pair: pair[1]):
        days = [day for day, _ in run]
        start = frame.x(days[0])
        yield Span(start, round(frame.x(days[-1]) - start + DAY_WIDTH, 1), regime)
