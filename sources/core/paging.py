"""Asking for a window in pages, whatever a provider's page holds today.

Page limits are lowered without notice, and a page in the middle is empty now and then. So a short page never ends a
walk: it ends on an empty page, given twice, or at the window's edge. Where the rows of a page lie is read from the page
itself, and what is left of the window on either side is asked for next; rows that shift between two questions are
neither lost nor asked for for ever.
"""

from collections.abc import Callable, Iterator, Sequence

from sources.core.errors import Failure, SourceError
from sources.core.payload import Payload

# With one row a page, an hourly window of 80 days. Beyond that a person narrows the window.
MOST_PAGES = 2_000

Ask = Callable[[int, int], Payload]
Stamps = Callable[[Payload], Sequence[int]]


def covered(
    ask: Ask,
    stamps: Stamps,
    first: int,
    last: int,
    *,
    step: int,
    longest: int | None = None,
    due: int | None = None,
) -> Iterator[Payload]:
    """Pages that cover the times from `first` to `last`, both included.

    `ask` requests the rows of a range, `stamps` gives the times of a page's rows in the same unit, in any order. At
    most one row has a given time. Rows lie at least `step` and at most `longest` (`step` if not given) apart; nothing
    newer than `due` (`last` if not given) is waited for. Raises CHANGED_LAYOUT when pages hold only rows that were not
    asked for, and TOO_SLOW when the window does not end after MOST_PAGES.
    """
    newest_due = last if due is None else min(due, last)
    apart = step if longest is None else longest
    left = [(first, last)]
    count = 0
    while left:
        start, end = left.pop()
        expected_until = min(end, newest_due)
        for attempt in (1, 2):
            payload = ask(start, end)
            count = _counted(count, payload)
            yield payload
            sent = stamps(payload)
            inside = [stamp for stamp in sent if start <= stamp <= end]
            if inside or expected_until < start:
                break
            if sent and attempt == 2:
                raise _same_page(payload)
        if not inside:
            continue
        oldest, newest = min(inside), max(inside)
        if expected_until - newest >= (step if end == last else apart):
            left.append((newest + 1, end))
        if oldest - start >= apart:
            left.append((start, oldest - 1))


def events(ask: Ask, stamps: Stamps, first: int, last: int) -> Iterator[Payload]:
    """Pages of events, newest first, from `last` back to `first`, both included; several may share a time.

    A page begins with the oldest time of the one before, because others may share it. Raises CHANGED_LAYOUT when pages
    hold nothing but one time, which cannot be passed without losing events, and TOO_SLOW after MOST_PAGES.
    """
    end, count = last, 0
    was_empty = was_alone = False
    while True:
        payload = ask(first, end)
        count = _counted(count, payload)
        yield payload
        sent = stamps(payload)
        inside = [stamp for stamp in sent if first <= stamp <= end]
        if not inside:
            if was_empty or was_alone:
                if sent:
                    raise _same_page(payload)
                return
            was_empty = True
            continue
        oldest = min(inside)
        if oldest <= first:
            return
        if was_alone or (oldest == end and len(inside) > 1):
            raise _same_page(payload)
        was_empty, was_alone = False, oldest == end
        end = end - 1 if was_alone else oldest


def by_offset(
    ask: Callable[[int], Payload], count: Callable[[Payload], int], total: Callable[[Payload], int] | None = None
) -> Iterator[Payload]:
    """Pages counted from an offset, until one is empty or as many rows came as `total` says there are.

    `count` gives the number of a page's rows. An empty page before the total is asked for once more. Raises
    CHANGED_LAYOUT when a page comes again.
    """
    offset, seen, pages, was_empty = 0, set[str](), 0, False
    while True:
        payload = ask(offset)
        pages = _counted(pages, payload)
        yield payload
        rows = count(payload)
        if not rows:
            if was_empty or (total is not None and offset >= total(payload)):
                return
            was_empty = True
            continue
        was_empty = False
        if payload.sha256 in seen:
            raise _same_page(payload)
        seen.add(payload.sha256)
        offset += rows
        if total is not None and offset >= total(payload):
            return


def seconds_within(first_ms: int, last_ms: int) -> tuple[int, int]:
    """The whole seconds within two times in milliseconds, both included, for a provider that is asked in seconds.

    The first is rounded up: rounded down it would name the row before, and an empty rest would look full of it.
    """
    return -(-first_ms // 1000), last_ms // 1000


def _counted(count: int, payload: Payload) -> int:
    if count == MOST_PAGES:
        what = f"{payload.url} did not come to the end of the window in {MOST_PAGES} pages; ask for fewer days."
        raise SourceError(Failure.TOO_SLOW, what)
    return count + 1


def _same_page(payload: Payload) -> SourceError:
    return SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sends the same page again and again.")
