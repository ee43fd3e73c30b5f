"""One expiry's smile as a curve, and how it goes on beyond its last quotes in the shape of a neighbouring expiry.

Total variance w(k) of an expiry T is a smooth curve through its quotes (modified Akima: it does not swing around an
outlying quote). Volatilities of two expiries are alike at equal k/√T, so beyond its last quote e the smile of T is

    w(k) = w(e) + (T/T′) · [w′(k·r) − w′(e·r)],   r = √(T′/T),

with w′ and T′ of the neighbour: continuous at e, and as far as the neighbour quotes.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from analytics.black76 import Floats


@dataclass(frozen=True)
class SmileCurve:
    """The quotes of one expiry: log-moneyness (ascending), total variance, days to expiry."""

    moneyness: Floats
    total_variance: Floats
    days: float
    curve: Akima1DInterpolator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        enough = len(self.moneyness) > 1
        object.__setattr__(
            self, "curve", Akima1DInterpolator(self.moneyness, self.total_variance, method="makima") if enough else None
        )

    def beside(self, neighbour: "SmileCurve") -> "ExtendedSmile":
        """The same curve, carried on in the shape of a neighbour; the neighbour may be the curve itself."""
        return ExtendedSmile(self, neighbour)


@dataclass(frozen=True)
class ExtendedSmile:
    """A smile that goes on as its neighbour does."""

    own: SmileCurve
    neighbour: SmileCurve

    @property
    def _stretch(self) -> float:
        return float(np.sqrt(self.neighbour.days / self.own.days))

    @property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest log-moneyness that it knows."""
        low = min(self.own.moneyness[0], self.neighbour.moneyness[0] / self._stretch)
        high = max(self.own.moneyness[-1], self.neighbour.moneyness[-1] / self._stretch)
        return float(low), float(high)

    def at(self, log_moneyness: Floats) -> tuple[Floats, Floats]:
        """Total variance and its slope; NaN beyond the reach."""
        edge = np.clip(log_moneyness, self.own.moneyness[0], self.own.moneyness[-1])
        inside = edge == log_moneyness
        r = self._stretch
        beyond, at_edge = self.neighbour.curve(log_moneyness * r), self.neighbour.curve(edge * r)
        extended = self.own.curve(edge) + (beyond - at_edge) / r**2
        variance = np.where(inside, self.own.curve(log_moneyness), extended)
        slope = np.where(inside, self.own.curve(log_moneyness, 1), self.neighbour.curve(log_moneyness * r, 1) / r)
        return variance, slope
