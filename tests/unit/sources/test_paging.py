"""Whatever a page holds, the same rows come out: property tests of the paging helpers on servers that misbehave."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.core.errors import Failure, SourceError
from sources.core.paging import by_offset, covered, events, seconds_within
from sources.core.payload import Payload

STEP = 10


def page(rows: list[int]) -> Payload:
    return Payload(
        "https://venue.example/rows", {}, 200, {}, json.dumps(rows).encode(), datetime(2026, 1, 1, tzinfo=UTC)
    )


def stamps(payload: Payload) -> list[int]:
    return [int(stamp) for stamp in json.loads(payload.body)]


class Venue:
    """Rows at each step; gives at most `most` of what was asked, newest or oldest ones, and slips now and then."""

    def __init__(self, rows: list[int], most: int, *, newest: bool, empty_at: int, repeats_at: int) -> None:
        self.rows, self.most, self.newest = rows, most, newest
        self.empty_at, self.repeats_at = empty_at, repeats_at
        self.answers: list[Payload] = []

    def ask(self, first: int, last: int) -> Payload:
        inside = [row for row in self.rows if first <= row <= last]
        sent = inside[-self.most :] if self.newest else inside[: self.most]
        answer = page(sent)
        if len(self.answers) == self.empty_at:
            answer = page([])
        elif self.answers and len(self.answers) == self.repeats_at:
            answer = self.answers[-1]
        self.answers.append(answer)
        return answer


@given(
    count=st.integers(0, 40),
    most=st.integers(1, 40),
    newest=st.booleans(),
    empty_at=st.integers(-1, 12),
    repeats_at=st.integers(-1, 12),
)
def test_a_walk_gives_all_rows_of_its_window(
    count: int, most: int, newest: bool, empty_at: int, repeats_at: int
) -> None:
    rows = [STEP * nth for nth in range(count)]
    # Two slips at the very same place are two empty answers, which end a walk.
    repeats_at = -1 if abs(repeats_at - empty_at) <= 1 else repeats_at
    venue = Venue(rows, most, newest=newest, empty_at=empty_at, repeats_at=repeats_at)
    pages = list(covered(venue.ask, stamps, 0, STEP * count - 1, step=STEP)) if count else []
    assert sorted({stamp for each in pages for stamp in stamps(each)}) == rows


@pytest.mark.parametrize("most", [2, 3, 7])
def test_events_that_share_a_time_are_not_lost_between_pages(most: int) -> None:
    times = [1, 5, 5, 9, 12, 12, 20]
    listed = list(enumerate(times))

    def ask(first: int, last: int) -> Payload:
        newest_first = [time for _, time in reversed(listed) if first <= time <= last]
        return page(newest_first[:most])

    if most == 2:
        with pytest.raises(SourceError, match="same page"):  # a page of nothing but one time cannot be passed
            list(events(ask, stamps, 0, 30))
        return
    seen = [stamps(each) for each in events(ask, stamps, 0, 30)]
    assert {stamp for each in seen for stamp in each} == set(times)


def test_an_offset_counts_the_rows_that_came_and_not_those_asked_for() -> None:
    rows = list(range(25))
    pages = list(by_offset(lambda offset: page(rows[offset : offset + 4]), lambda payload: len(stamps(payload))))
    assert [stamp for each in pages for stamp in stamps(each)] == rows


@pytest.mark.parametrize(
    "walk",
    [
        lambda stuck: covered(lambda first, last: stuck, stamps, 100, 200, step=STEP),
        lambda stuck: by_offset(lambda offset: stuck, lambda payload: len(stamps(payload))),
    ],
    ids=["covered", "by_offset"],
)
def test_a_page_that_comes_again_and_again_ends_in_an_error(walk: Callable[[Payload], object]) -> None:
    with pytest.raises(SourceError, match="same page") as caught:
        list(walk(page([1, 2, 3])))  # type: ignore[call-overload]
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_a_provider_that_is_asked_in_seconds_does_not_send_the_row_before_again() -> None:
    hour = 3_600_000
    venue = Venue([0, hour], 300, newest=True, empty_at=-1, repeats_at=-1)

    def ask(first: int, last: int) -> Payload:
        start, end = seconds_within(first, last)
        return venue.ask(1000 * start, 1000 * end)

    pages = list(covered(ask, stamps, 0, 3 * hour, step=hour))  # the two newest rows are not there yet
    assert [stamps(each) for each in pages] == [[0, hour], [], []]
