"""Linear interpolation in many small sorted groups at once, such as the deltas of one expiry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.black76 import Floats

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Bracket:
    """For each group the rows on either side of the target, and how far the target lies from lower to upper.

    `weight` is 0 on a row itself and NaN where the target lies outside the group: there is no extrapolation.
    """

    lower: Indices
    upper: Indices
    weight: Floats

    @property
    def inside(self) -> NDArray[np.bool_]:
        """True for the groups that reach the target from both sides."""
        return ~np.isnan(self.weight)

    def of(self, values: Floats) -> Floats:
        """The value at the target, one for each group; NaN outside, or where a value that it needs is NaN."""
        # On the row itself the upper neighbour must not matter: nought times NaN is NaN.
        between = (1 - self.weight) * values[self.lower] + self.weight * values[self.upper]
        return np.where(self.weight == 0, values[self.lower], between)


def group_starts(*keys: NDArray[np.generic]) -> Indices:
    """Where each run of equal keys begins, for rows sorted by these keys."""
    rows = len(keys[0])
    changed = np.zeros(rows, dtype=bool)
    changed[:1] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def bracket(x: Floats, starts: Indices, target: float) -> Bracket:
    """Where `target` falls among the `x` of each group; `x` ascends within a group, groups begin at `starts`."""
    if not len(x):
        nothing = np.empty(0, dtype=np.intp)
        return Bracket(nothing, nothing, np.empty(0))
    last = np.append(starts[1:], len(x)) - 1
    at_or_below = np.add.reduceat(x <= target, starts, dtype=np.intp)
    lower = starts + np.maximum(at_or_below, 1) - 1
    upper = np.minimum(lower + 1, last)
    gap = x[upper] - x[lower]
    weight = np.divide(target - x[lower], gap, out=np.zeros_like(gap), where=gap > 0)
    inside = (x[starts] <= target) & (target <= x[last])
    return Bracket(lower, upper, np.where(inside, weight, np.nan))
