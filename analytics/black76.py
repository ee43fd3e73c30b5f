"""Black's 1976 model for options on a forward: the quantities d1 and d2, which all its formulas use.

`log_moneyness` k = ln(strike / forward) and `total_volatility` s = σ√T, both without a unit. The rate is zero, as in
the venue's own marks, so prices are undiscounted.

Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]


def d1(log_moneyness: Floats, total_volatility: Floats) -> Floats:
    """−k/s + s/2."""
    return -log_moneyness / total_volatility + total_volatility / 2


def d2(log_moneyness: Floats, total_volatility: Floats) -> Floats:
    """−k/s − s/2."""
    return -log_moneyness / total_volatility - total_volatility / 2


def call_delta(log_moneyness: Floats, total_volatility: Floats) -> Floats:
    """Plain forward delta of a call, N(d1), between 0 and 1: not adjusted for a premium paid in coin.

    The put of the same strike has this delta minus one.
    """
    delta: Floats = ndtr(d1(log_moneyness, total_volatility))
    return delta


def put_over_strike(log_moneyness: Floats, total_volatility: Floats) -> Floats:
    """Price of a put as a fraction of its strike: N(−d2) − e^(−k) N(−d1)."""
    price: Floats = ndtr(-d2(log_moneyness, total_volatility)) - np.exp(-log_moneyness) * ndtr(
        -d1(log_moneyness, total_volatility)
    )
    return price
