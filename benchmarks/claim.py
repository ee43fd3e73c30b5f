"""The claim of a benchmark: a measured figure and its limit, both from the same run."""

from dataclasses import dataclass
from enum import Enum


class Size(Enum):
    """How much a benchmark takes on. Claims are made of the full size; the small one shows that it runs."""

    SMALL = "small"
    FULL = "full"


class Bound(Enum):
    """On which side of its limit a figure has to lie."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True)
class Claim:
    """One figure against its limit, both in `unit` ("s", "MB", "× pandas"). `detail` says what was done, how often."""

    what: str
    measured: float
    bound: Bound
    limit: float
    unit: str
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.measured <= self.limit if self.bound is Bound.AT_MOST else self.measured >= self.limit
