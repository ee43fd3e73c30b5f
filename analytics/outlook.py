"""A forecast as one sample a variable: what it says of any price, its quantiles, and its score against what came.

Five variables of the days ahead are forecast, each as a log move from today's close: the close at the horizon, the
lowest low, the highest high, the lowest close and the highest close. All questions are about one of them:

- close below K: the close;
- touch from above (K at or under the price): the lowest low at or below K;
- touch from below (K over the price): the highest high at or above K;
- holds: the lowest close at or above K;
- stays below: the highest close at or below K.

The score is the continuous ranked probability score (Matheson and Winkler 1976), E|X − y| − ½·E|X − X′|.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from analytics.black76 import Floats

VARIABLES: Final = ("close", "low", "high", "lowest_close", "highest_close")
CLOSE, LOW, HIGH, LOWEST_CLOSE, HIGHEST_CLOSE = range(5)
EVENTS: Final = ("close_below", "touch", "holds", "stays_below")


@dataclass(frozen=True)
class Sample:
    """Sorted values of the five variables (5 × n), without a unit; `independent` of the n do not overlap.

    `crowd` (5 × n) are the running sums that scores need.
    """

    values: Floats
    independent: float = np.inf

    @cached_property
    def crowd(self) -> Floats:
        """Sums of the first 0 … n values."""
        return np.insert(np.cumsum(self.values, axis=1), 0, 0.0, axis=1)

    @cached_property
    def spread(self) -> Floats:
        """Half the mean distance of two values, for each variable."""
        n = self.values.shape[1]
        weights = 2 * np.arange(1, n + 1) - n - 1
        spread: Floats = (self.values * weights).sum(axis=1) / n**2
        return spread

    @property
    def least(self) -> float:
        """The smallest probability that it can vouch for: half of one independent value."""
        return 0.5 / self.independent


@dataclass(frozen=True)
class Outlook:
    """A sample times `scale`, plus `shift`: the five variables at each of some days, as log moves from their closes."""

    sample: Sample
    scale: Floats  # days
    shift: Floats = field(default_factory=lambda: np.zeros((5, 1)))  # 5 × days, or 5 × 1

    def below(self, variable: int, log_move: Floats) -> Floats:
        """P(variable ≤ log_move) for days × prices, never surer than half an independent value allows."""
        standard = (log_move - self._shift(variable)[:, None]) / self.scale[:, None]
        values = self.sample.values[variable]
        share = (np.searchsorted(values, standard, "left") + np.searchsorted(values, standard, "right")) / (
            2 * len(values)
        )
        clipped: Floats = np.clip(share, self.sample.least, 1 - self.sample.least)
        return clipped

    def touch(self, log_move: Floats) -> Floats:
        """P(the price trades there), always by side: from above at or under the close, from below over it."""
        return np.where(log_move <= 0, self.below(LOW, log_move), 1 - self.below(HIGH, log_move))

    def holds(self, log_move: Floats) -> Floats:
        """P(every daily close lies at or above)."""
        return 1 - self.below(LOWEST_CLOSE, log_move)

    def events(self, log_move: Floats) -> dict[str, Floats]:
        """The four answers, by `EVENTS`, for days × prices."""
        return {
            "close_below": self.below(CLOSE, log_move),
            "touch": self.touch(log_move),
            "holds": self.holds(log_move),
            "stays_below": self.below(HIGHEST_CLOSE, log_move),
        }

    def quantiles(self, variable: int, probabilities: Floats) -> Floats:
        """Log moves, days × probabilities."""
        of_sample = np.quantile(self.sample.values[variable], probabilities)
        moves: Floats = of_sample[None, :] * self.scale[:, None] + self._shift(variable)[:, None]
        return moves

    def crps(self, variable: int, outcome: Floats) -> Floats:
        """Continuous ranked probability score against each day's outcome, a log move; the smaller the better."""
        values, crowd = self.sample.values[variable], self.sample.crowd[variable]
        n = len(values)
        y = (outcome - self._shift(variable)) / self.scale
        at = np.searchsorted(values, y)
        distance = (y * (2 * at - n) + crowd[n] - 2 * crowd[at]) / n
        score: Floats = self.scale * (distance - self.sample.spread[variable])
        return score

    def _shift(self, variable: int) -> Floats:
        return np.broadcast_to(self.shift[variable], self.scale.shape)
