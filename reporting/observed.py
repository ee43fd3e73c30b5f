"""What may be drawn of a reading, and what must be said beside it: the one rule about missing data.

A date without an observation of its own carries the last one for as long as it counts as fresh. A value belongs to the
date that it was observed, so a carried value is no point of a line: the line goes on from one observation to the next,
and breaks where in between nothing fresh was known. Captions name the observed date. A board is late when its date
ended more than a day before the instant at which it is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reporting.board import Board

LATE_AFTER: Final = timedelta(days=1)
CUT_OFF: Final = timedelta(days=1, hours=1)  # a date's board is read at 01:00 UTC of the next day


@dataclass(frozen=True)
class Point:
    """A value at the date that it was observed, first known on the board of `seen`. Null: here the line breaks."""

    observed: date
    value: float | None
    seen: date


def line(rows: Iterable[tuple[date, float | None, date | None, bool | None]]) -> list[Point]:
    """The points of one signal's line, by observed date ascending.

    Rows are (signal date, value as known, observed date, whether it was fresh), by signal date ascending. Of an
    observation that several dates carry, the value first known is kept. A row without a value, or with one that is not
    fresh, breaks the line once.
    """
    points: list[Point] = []
    newest = date.min
    for seen, value, observed, is_fresh in rows:
        if value is None or observed is None or not is_fresh:
            if points and points[-1].value is not None:
                points.append(Point(seen, None, seen))
        elif observed > newest:
            newest = observed
            if points and points[-1].observed >= observed:  # it came late, for a date that had nothing yet
                points.pop()
            points.append(Point(observed, value, seen))
    return points


def days_late(signal_date: date, now: datetime) -> int:
    """Whole days for which a newer board has been due at an aware instant; 0 while the newest one is in time."""
    due = datetime.combine(signal_date, time(), UTC) + CUT_OFF + LATE_AFTER
    return 0 if now <= due else -(-(now - due) // timedelta(days=1))


def lateness(board: "Board", now: datetime | None = None) -> int:
    """Days for which the newest board is late at an instant (default: now). A simulated market is never late."""
    return 0 if board.is_simulated else days_late(board.signal_date, now or datetime.now(UTC))
