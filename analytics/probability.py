"""What the smile says about the price at a horizon: the risk-neutral probability of ending, or trading, below a strike.

Ending below (Breeden and Litzenberger, "Prices of state-contingent claims implicit in option prices", 1978). The
probability is the slope of the undiscounted put price in the strike, P(S_T < K) = ∂Put/∂K. With the smile's total
volatility s(k) = √w(k) at k = ln(K/F), Put = K·N(−d2) − F·N(−d1) and the chain rule give

    P(S_T < K) = N(−d2) + φ(d2) · ∂s/∂k,

for F·φ(d1) = K·φ(d2) is the derivative of the put in s, and ∂s/∂K = (∂s/∂k)/K. The first term is the flat-smile
answer, the second its correction for skew. Total variance w is a smooth curve through the quotes of an expiry
(modified Akima: it does not swing around an outlying quote) and linear in time between the expiries next to the
horizon.

Trading at a strike before the horizon, always by side: for a strike below the forward F that the lowest price reaches
it, else that the highest one does. By the reflection principle for a forward without drift of its own

    K < F: P(min S ≤ K) = N(−d2) + (F/K) · N(−d1) = 2 · P(S_T < K) − Put(K)/K,
    K ≥ F: P(max S ≥ K) = N(d2) + (F/K) · N(d1) = 2 · P(S_T > K) + Call(K)/K.

The first forms are exact when volatility is the same at every price; the second are the same numbers then, and take the
smile's own probability and price otherwise. With a smile they are approximations: they look at the horizon's
distribution only, not at how volatility moves on the way, and with a steep skew they stay short of certainty just
beside the forward. They watch the price at every instant, as daily lows and highs do, and count from the forward, not
from spot.

Holding a strike: that every daily close up to the horizon lies at or above it. The same reflection at a strike lower
by 0.5826 of a day's volatility, because closes see the price once a day (Broadie, Glasserman and Kou 1997).

Tails. A young weekly expiry lists few strikes. Where one of the two expiries next to the horizon quotes a strike and
the other does not, the other's smile goes on from its last quote in the shape of its neighbour: at equal k/√T the
change of volatility beyond that quote is the same. Beyond both there is no value.

These are prices of insurance, not forecasts: they hold what people pay to be protected.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from scipy.special import ndtr

from analytics.black76 import Floats, d2, put_over_strike
from analytics.bracket import Indices, bracket, group_starts
from analytics.smile import Smiles
from analytics.smile_tails import ExtendedSmile, SmileCurve

STRIKE_STEP_USD: Final = 1_000.0
FEWEST_STRIKES: Final = 5  # fewer points do not make a curve with a slope
# What printing marks to 0.01 points may do to a probability (fraction): half a unit of volatility times √T (0.24 at 21
# days) over the distance of two strikes (1.4 % in log-moneyness at 70 000), times φ(0).
ROUNDING: Final = 3e-4
DAILY_CLOSE_SHIFT: Final = 0.5826  # −ζ(½)/√(2π), of a day's volatility

COLUMNS: Final = {
    "snapshot_time": pl.Datetime("us"),
    "horizon_days": pl.Int32(),
    "strike_usd": pl.Float64(),
    "prob_below_pct": pl.Float64(),
    "prob_touch_pct": pl.Float64(),
    "prob_holds_pct": pl.Float64(),
}


def probability_below(log_moneyness: Floats, total_variance: Floats, slope: Floats) -> Floats:
    """P(S_T < K) as a fraction; `slope` is ∂w/∂k, and total variance is positive."""
    total_volatility = np.sqrt(total_variance)
    at = d2(log_moneyness, total_volatility)
    density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    probability: Floats = ndtr(-at) + density * slope / (2 * total_volatility)
    return probability


def probability_touch(log_moneyness: Floats, total_variance: Floats, below: Floats) -> Floats:
    """P(the price trades at K before the horizon) as a fraction: from above for K below the forward, else from below.

    Never less than the chance to end beyond K.
    """
    put = put_over_strike(log_moneyness, np.sqrt(total_variance))
    call = put + np.exp(-log_moneyness) - 1
    down = np.minimum(np.maximum(2 * below - put, below), 1)
    up = np.minimum(np.maximum(2 * (1 - below) + call, 1 - below), 1)
    return np.where(log_moneyness < 0, down, up)


def probability_holds(log_moneyness: Floats, total_variance: Floats, below: Floats) -> Floats:
    """P(no daily close lies below K) as a fraction; arguments are those of the strike that `seen_daily` gives for K."""
    put = put_over_strike(log_moneyness, np.sqrt(total_variance))
    breaks = np.where(log_moneyness < 0, np.minimum(np.maximum(2 * below - put, below), 1), 1)
    return np.where(np.isnan(below), np.nan, 1 - breaks)


def seen_daily(log_moneyness: Floats, total_variance: Floats, horizon_days: int) -> Floats:
    """The strike (log-moneyness) that a price watched at every instant breaks as often as daily closes break this."""
    return log_moneyness - DAILY_CLOSE_SHIFT * np.sqrt(total_variance / horizon_days)


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
    """For each snapshot that has expiries on both sides of the horizon: strike_usd, prob_below_pct, prob_touch_pct,
    prob_holds_pct.

    Strikes are every 1 000 USD that both expiries quote or reach (in log-moneyness, carried to the horizon's forward).
    Null where the smile contradicts itself.
    """
    points = smiles.points
    starts = group_starts(points["snapshot_time"].to_physical().to_numpy())
    days, forwards = points["days_to_expiry"].to_numpy(), points["forward_usd"].to_numpy()
    at = bracket(days, starts, horizon_days)
    forward = np.exp(at.of(np.log(forwards)))
    frames = [pl.DataFrame(schema=COLUMNS)]
    for n in np.flatnonzero(at.inside):
        distribution = _distribution(smiles, at.lower[n], at.upper[n], at.weight[n], forward[n], horizon_days)
        if distribution is not None:
            frames.append(
                distribution.select(
                    pl.lit(points["snapshot_time"][int(starts[n])], dtype=pl.Datetime("us")).alias("snapshot_time"),
                    pl.lit(horizon_days, dtype=pl.Int32).alias("horizon_days"),
                    "strike_usd",
                    "prob_below_pct",
                    "prob_touch_pct",
                    "prob_holds_pct",
                )
            )
    return pl.concat(frames)


def _distribution(
    smiles: Smiles, lower: int, upper: int, weight: float, forward: float, horizon_days: int
) -> pl.DataFrame | None:
    """The distribution between two smiles of one snapshot, None where either has too few strikes or none is shared."""
    days = smiles.points["days_to_expiry"].to_numpy()
    shares = [(lower, 1 - weight), (upper, weight)] if weight else [(lower, 1.0)]
    wings = [SmileCurve(*smiles.wing(smile), days=days[smile]) for smile, _ in shares]
    if any(len(wing.moneyness) < FEWEST_STRIKES for wing in wings):
        return None
    curves = [(wing.beside(other), share) for wing, other, (_, share) in zip(wings, wings[::-1], shares, strict=True)]
    from_strike = forward * np.exp(max(curve.reach[0] for curve, _ in curves))
    to_strike = forward * np.exp(min(curve.reach[1] for curve, _ in curves))
    strikes = STRIKE_STEP_USD * np.arange(np.ceil(from_strike / STRIKE_STEP_USD), to_strike // STRIKE_STEP_USD + 1)
    if not len(strikes):
        return None
    log_moneyness = np.log(strikes / forward)
    variance, slope = _between(curves, log_moneyness)
    below = without_arbitrage(probability_below(log_moneyness, variance, slope))
    touch = probability_touch(log_moneyness, variance, below)
    shifted = seen_daily(log_moneyness, variance, horizon_days)
    shifted_variance, shifted_slope = _between(curves, shifted)
    shifted_below = without_arbitrage(probability_below(shifted, shifted_variance, shifted_slope))
    holds = np.where(np.isnan(below), np.nan, probability_holds(shifted, shifted_variance, shifted_below))
    return pl.DataFrame(
        {
            "strike_usd": strikes,
            "prob_below_pct": 100 * below,
            "prob_touch_pct": 100 * touch,
            "prob_holds_pct": 100 * np.minimum(holds, 1 - below),
        }
    ).fill_nan(None)


def _between(curves: Sequence[tuple[ExtendedSmile, float]], log_moneyness: Floats) -> tuple[Floats, Floats]:
    """Total variance at the horizon, and its slope in log-moneyness."""
    variance, slope = np.zeros_like(log_moneyness), np.zeros_like(log_moneyness)
    for curve, share in curves:
        its_variance, its_slope = curve.at(log_moneyness)
        variance, slope = variance + share * its_variance, slope + share * its_slope
    # The curve may dip below zero between quotes that are far apart; there is no price there. Past a quote by a
    # rounding error it is NaN already.
    return np.where(variance > 0, variance, np.nan), slope
