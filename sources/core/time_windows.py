"""Windows in pieces, and periods that are not over yet: what providers of hourly and daily figures have in common."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from sources.core.dataset import Window
from sources.core.parsing import FUTURE_TOLERANCE
from sources.core.payload import Payload

DAY = timedelta(days=1)


def pieces(window: Window, longest: timedelta) -> Iterator[Window]:
    """The window in consecutive windows of at most `longest`, oldest first."""
    start = window.start
    while start < window.end:
        end = min(start + longest, window.end)
        yield Window(start, end)
        start = end


def days(window: Window) -> Iterator[date]:
    """The UTC days that the window touches, oldest first."""
    day = window.start.astimezone(UTC).date()
    while datetime.combine(day, time(), UTC) < window.end:
        yield day
        day += DAY


def is_unfinished(start: object, period: timedelta, payload: Payload) -> bool:
    """Whether the period from `start` (naive UTC) was still running, or not begun, when the payload was fetched.

    False for what is no instant and for one beyond the tolerance for clocks that differ: `typed` has to refuse those.
    """
    fetched_at = payload.fetched_at.astimezone(UTC).replace(tzinfo=None)
    return isinstance(start, datetime) and fetched_at - period < start <= fetched_at + FUTURE_TOLERANCE
