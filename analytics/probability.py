"""What the smile says about the price at a horizon: the risk-neutral probability of ending, or trading, below a strike.

Ending below (Breeden and Litzenberger, "Prices of state-contingent claims implicit in option prices", 1978). The
probability is the slope of the undiscounted put price in the strike, P(S_T < K) = ∂Put/∂K. With the smile's total
volatility s(k) = √w(k) at k = ln(K/F), Put = K·N(−d2) − F·N(−d1) and the chain rule give

    P(S_T < K) = N(−d2) + φ(d2) · ∂s/∂k,

for F·φ(d1) = K·φ(d2) is the derivative of the put in s, and ∂s/∂K = (∂s/∂k)/K. The first term is the flat-smile
answer, the second its correction for skew. Total variance w is a smooth curve through the quotes of an expiry
(modified Akima: it does not swing around an outlying quote) and linear in time between the expiries next to the
horizon.

Trading at or below a strike before the horizon: the reflection principle for a forward without drift of its own. For
K < F

    P(min S ≤ K) = N(−d2) + (F/K) · N(−d1) = 2 · P(S_T < K) − Put(K)/K,

and for K ≥ F it is certain. The first form is exact when volatility is the same at every price; the second is the same
number then, and takes the smile's own probability and put otherwise. With a smile it is an approximation: it looks at
the horizon's distribution only, not at how volatility moves on the way, and with a steep skew it stays short of
certainty just below the forward. It watches the price at every instant and counts from the forward, not from spot.

These are prices of insurance, not forecasts: they hold what people pay to be protected.
"""

from typing import Final

import numpy as np
import polars as pl
from scipy.interpolate import Akima1DInterpolator
from scipy.special import ndtr

from analytics.black76 import Floats, d2, put_over_strike
from analytics.bracket import Indices, bracket, group_starts
from analytics.smile import Smiles

STRIKE_STEP_USD: Final = 1_000.0
FEWEST_STRIKES: Final = 5  # fewer points do not make a curve with a slope
# What printing marks to 0.01 points may do to a probability (fraction): half a unit of volatility times √T (0.24 at 21
# days) over the distance of two strikes (1.4 % in log-moneyness at 70 000), times φ(0).
ROUNDING: Final = 3e-4

COLUMNS: Final = {
    "snapshot_time": pl.Datetime("us"),
    "horizon_days": pl.Int32(),
    "strike_usd": pl.Float64(),
    "prob_below_pct": pl.Float64(),
    "prob_touch_pct": pl.Float64(),
}


def probability_below(log_moneyness: Floats, total_variance: Floats, slope: Floats) -> Floats:
    """P(S_T < K) as a fraction; `slope` is ∂w/∂k, and total variance is positive."""
    total_volatility = np.sqrt(total_variance)
    at = d2(log_moneyness, total_volatility)
    density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    probability: Floats = ndtr(-at) + density * slope / (2 * total_volatility)
    return probability


def probability_touch(log_moneyness: Floats, total_variance: Floats, below: Floats) -> Floats:
    """P(the price trades at or below K before the horizon) as a fraction, never less than `below`."""
    put = put_over_strike(log_moneyness, np.sqrt(total_variance))
    reflected = np.minimum(np.maximum(2 * below - put, below), 1)
    certain = np.where(np.isnan(below), np.nan, 1.0)
    return np.where(log_moneyness < 0, reflected, certain)


def without_arbitrage(probability: Floats) -> Floats:
    """The distribution (strikes ascending) with NaN wherever it leaves [0, 1] or falls: no price there is believable.

    Kept are the points that belong to every longest ascending choice of points, so that a single broken quote takes its
    own neighbourhood away and no more, and of two points in the wrong order with nothing to tell which is right both
    go. What is left falls by no more than the rounding of the marks from one point to the next, and is levelled.
    """
    possible = np.where((probability >= 0) & (probability <= 1), probability, np.nan)
    length_to = _longest_ascent(possible)
    length_from = _longest_ascent(-possible[::-1])[::-1]
    on_a_longest = (length_to + length_from - 1 == length_to.max(initial=0)) & (length_to > 0)
    places = np.bincount(length_to[on_a_longest], minlength=len(possible) + 1)
    kept = np.where(on_a_longest & (places[length_to] == 1), possible, np.nan)
    return np.where(np.isnan(kept), np.nan, np.fmax.accumulate(kept))


def _longest_ascent(values: Floats) -> Indices:
    """For each value how many points the longest ascent that ends there has; 0 for NaN."""
    lengths = np.zeros(len(values), dtype=np.intp)
    for place in np.flatnonzero(~np.isnan(values)):
        not_above = values[:place] <= values[place] + ROUNDING
        lengths[place] = 1 + lengths[:place][not_above].max(initial=0)
    return lengths


def implied_probability(smiles: Smiles, horizon_days: int) -> pl.DataFrame:
    """For each snapshot that has expiries on both sides of the horizon: strike_usd, prob_below_pct, prob_touch_pct.

    Strikes are every 1 000 USD that both expiries quote (in log-moneyness, carried to the horizon's forward). Null
    where the smile contradicts itself.
    """
    points = smiles.points
    starts = group_starts(points["snapshot_time"].to_physical().to_numpy())
    days, forwards = points["days_to_expiry"].to_numpy(), points["forward_usd"].to_numpy()
    at = bracket(days, starts, horizon_days)
    forward = np.exp(at.of(np.log(forwards)))
    frames = [pl.DataFrame(schema=COLUMNS)]
    for n in np.flatnonzero(at.inside):
        distribution = _distribution(smiles, at.lower[n], at.upper[n], at.weight[n], forward[n])
        if distribution is not None:
            frames.append(
                distribution.select(
                    pl.lit(points["snapshot_time"][int(starts[n])], dtype=pl.Datetime("us")).alias("snapshot_time"),
                    pl.lit(horizon_days, dtype=pl.Int32).alias("horizon_days"),
                    "strike_usd",
                    "prob_below_pct",
                    "prob_touch_pct",
                )
            )
    return pl.concat(frames)


def _distribution(smiles: Smiles, lower: int, upper: int, weight: float, forward: float) -> pl.DataFrame | None:
    """The distribution between two smiles of one snapshot, None where either has too few strikes or none is shared."""
    shares = [(lower, 1 - weight), (upper, weight)] if weight else [(lower, 1.0)]
    curves = [(smiles.wing(smile), share) for smile, share in shares]
    if any(len(moneyness) < FEWEST_STRIKES for (moneyness, _), _ in curves):
        return None
    from_strike = forward * np.exp(max(moneyness[0] for (moneyness, _), _ in curves))
    to_strike = forward * np.exp(min(moneyness[-1] for (moneyness, _), _ in curves))
    strikes = STRIKE_STEP_USD * np.arange(np.ceil(from_strike / STRIKE_STEP_USD), to_strike // STRIKE_STEP_USD + 1)
    if not len(strikes):
        return None
    log_moneyness = np.log(strikes / forward)
    variance, slope = np.zeros_like(strikes), np.zeros_like(strikes)
    for (moneyness, total_variance), share in curves:
        curve = Akima1DInterpolator(moneyness, total_variance, method="makima")
        variance += share * curve(log_moneyness)
        slope += share * curve(log_moneyness, 1)
    # The curve may dip below zero between quotes that are far apart; there is no price there. Past a quote by a
    # rounding error it is NaN already.
    variance = np.where(variance > 0, variance, np.nan)
    below = without_arbitrage(probability_below(log_moneyness, variance, slope))
    touch = probability_touch(log_moneyness, variance, below)
    return pl.DataFrame({"strike_usd": strikes, "prob_below_pct": 100 * below, "prob_touch_pct": 100 * touch}).fill_nan(
        None
    )
