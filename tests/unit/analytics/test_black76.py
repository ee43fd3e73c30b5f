"""Black's formulas against an independent library."""

import numpy as np
import pytest
from vollib.black import undiscounted_black
from vollib.black.greeks.analytical import delta as vollib_delta

from analytics.black76 import call_delta, d1, d2, put_over_strike

CASES = [
    (forward, forward * moneyness, days / 365, volatility)
    for forward in (35_000.0, 70_000.0)
    for moneyness in (0.4, 0.8, 0.99, 1.0, 1.2, 2.5)
    for days in (2, 30, 365)
    for volatility in (0.2, 0.65, 3.0)
]


@pytest.mark.parametrize(("forward", "strike", "years", "volatility"), CASES)
def test_call_delta_is_vollibs(forward, strike, years, volatility):
    ours = call_delta(np.log(np.array([strike / forward])), np.array([volatility * np.sqrt(years)]))
    assert ours[0] == pytest.approx(vollib_delta("c", forward, strike, years, 0.0, volatility), abs=1e-12)
    assert ours[0] - 1 == pytest.approx(vollib_delta("p", forward, strike, years, 0.0, volatility), abs=1e-12)


@pytest.mark.parametrize(("forward", "strike", "years", "volatility"), CASES)
def test_put_is_vollibs(forward, strike, years, volatility):
    ours = put_over_strike(np.log(np.array([strike / forward])), np.array([volatility * np.sqrt(years)]))
    theirs = undiscounted_black(forward, strike, volatility, years, "p")
    assert strike * ours[0] == pytest.approx(theirs, abs=1e-7 * strike)


def test_d1_and_d2_differ_by_the_total_volatility():
    log_moneyness, total_volatility = np.array([-0.3, 0.0, 0.2]), np.array([0.1, 0.2, 0.4])
    difference = d1(log_moneyness, total_volatility) - d2(log_moneyness, total_volatility)
    np.testing.assert_allclose(difference, total_volatility)
