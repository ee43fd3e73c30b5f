"""Interpolation inside groups: exact on rows, linear between them, nothing outside."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.bracket import bracket, group_starts


def test_group_starts_are_the_first_rows_of_each_run():
    assert group_starts(np.array([1, 1, 2, 2, 2]), np.array([1, 1, 1, 2, 2])).tolist() == [0, 2, 3]
    assert group_starts(np.array([])).tolist() == []


def test_no_rows_give_no_brackets():
    assert len(bracket(np.empty(0), np.empty(0, dtype=np.intp), 1.0).of(np.empty(0))) == 0


def test_a_missing_upper_neighbour_does_not_matter_on_the_row_itself():
    found = bracket(np.array([1.0, 2.0]), np.array([0]), 1.0).of(np.array([5.0, np.nan]))
    assert found.tolist() == [5.0]


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=8, unique=True), min_size=1, max_size=6),
    st.integers(-5, 55),
)
def test_every_group_interpolates_as_numpy_does_alone(groups, target):
    groups = [np.sort(np.array(group, dtype=float)) for group in groups]
    x = np.concatenate(groups)
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    found = bracket(x, starts, target).of(x**2)
    expected = [np.interp(target, group, group**2, left=np.nan, right=np.nan) for group in groups]
    np.testing.assert_allclose(found, expected)
