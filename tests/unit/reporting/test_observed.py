"""The one rule about missing data: where a line breaks, what date a value belongs to, when a board is late."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reporting.observed import Point, days_late, line

FIRST = date(2026, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_a_value_stands_at_the_date_that_it_was_observed_and_is_not_drawn_again_while_it_is_carried():
    rows = [
        (day(1), 10.0, day(0), True),
        (day(2), 10.0, day(0), True),
        (day(3), 12.0, day(3), True),
    ]
    assert line(rows) == [Point(day(0), 10.0, day(1)), Point(day(3), 12.0, day(3))]


def test_a_line_breaks_once_where_nothing_fresh_is_known():
    carried = [(day(number), 10.0, day(0), number <= 2) for number in range(80)]
    assert line([*carried, (day(80), 11.0, day(80), True)]) == [
        Point(day(0), 10.0, day(0)),
        Point(day(3), None, day(3)),
        Point(day(80), 11.0, day(80)),
    ]


def test_an_observation_that_came_late_mends_the_break_before_it():
    rows = [(day(0), 1.0, day(0), True), (day(3), 1.0, day(0), False), (day(4), 2.0, day(2), True)]
    assert line(rows) == [Point(day(0), 1.0, day(0)), Point(day(2), 2.0, day(4))]


def test_a_signal_without_a_reading_has_no_line():
    assert line([(day(0), None, None, None), (day(1), None, None, False)]) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.booleans()), max_size=40))
def test_no_point_is_dated_later_than_it_was_observed_and_dates_ascend(days):
    rows = [
        (day(number), float(number) if known else None, day(number - age) if known else None, fresh)
        for number, (age, known, fresh) in enumerate(days)
    ]
    observed = {row[2] for row in rows if row[1] is not None and row[3]}
    points = line(rows)
    assert [point.observed for point in points] == sorted({point.observed for point in points})
    assert {point.observed for point in points if point.value is not None} <= observed
    assert all(point.seen >= point.observed for point in points)


def test_a_board_is_late_a_day_after_the_next_was_due():
    due = datetime(2026, 2, 8, 1, tzinfo=UTC)  # the board of the 7th is read at 01:00 of the 8th
    assert days_late(date(2026, 2, 6), due) == 0
    assert days_late(date(2026, 2, 6), due + timedelta(minutes=1)) == 1
    assert days_late(date(2026, 2, 6), due + timedelta(days=3)) == 3
