"""Implied probabilities against integration, differences of prices and a closed form."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analytics.black76 import put_over_strike
from analytics.options import surface
from analytics.probability import probability_touch, without_arbitrage
from tests.unit.analytics.chains import chain, flat, skewed

FORWARD = 70_000.0
DAYS = 21


def distribution(rows):
    return surface(rows).probabilities.filter(pl.col("horizon_days") == DAYS)


def total_volatility(log_moneyness, smile=skewed, days=DAYS):
    return smile(log_moneyness, days) / 100 * np.sqrt(days / 365)


def test_probability_is_the_slope_of_put_prices():
    """Central differences of Black prices on the true smile, one dollar apart."""
    read = distribution(chain(skewed, days=(DAYS,), strikes=401))
    strikes = read["strike_usd"].to_numpy()

    def put(strike):
        log_moneyness = np.log(strike / FORWARD)
        return strike * put_over_strike(log_moneyness, total_volatility(log_moneyness))

    expected = 100 * (put(strikes + 1) - put(strikes - 1)) / 2
    np.testing.assert_allclose(read["prob_below_pct"].to_numpy(), expected, atol=2e-3)
    assert np.ptp(strikes) > 30_000


def test_probability_integrates_the_density():
    """The density is the second difference of put prices; summed up to a strike it is the probability below it."""
    read = distribution(chain(skewed, days=(DAYS,), strikes=401))
    grid = np.arange(1_000, 300_001, 10.0)
    log_moneyness = np.log(grid / FORWARD)
    prices = grid * put_over_strike(log_moneyness, total_volatility(log_moneyness))
    density = np.diff(prices, 2) / 10
    assert density.min() > -1e-9
    assert density.sum() == pytest.approx(1, abs=1e-6)
    # The middle cell counts half on either side of its strike.
    below = dict(zip(grid[1:-1], 100 * (np.cumsum(density) - density / 2), strict=True))
    expected = [below[strike] for strike in read["strike_usd"]]
    np.testing.assert_allclose(read["prob_below_pct"].to_numpy(), expected, atol=5e-3)


@given(level=st.floats(20, 150))
@settings(max_examples=20, deadline=None)
def test_a_flat_smile_is_the_lognormal_distribution(level):
    read = distribution(chain(flat(level), days=(14, 28), reach=4 * level / 60))
    deviation = level / 100 * np.sqrt(DAYS / 365)
    strikes = read["strike_usd"].to_numpy()
    expected = norm.cdf((np.log(strikes / FORWARD) + deviation**2 / 2) / deviation)
    np.testing.assert_allclose(read["prob_below_pct"].to_numpy(), 100 * expected, atol=1e-6)
    # The mean is the forward and the median lies below it.
    assert np.interp(FORWARD, strikes, read["prob_below_pct"].to_numpy()) > 50


def test_touch_is_the_barrier_probability_of_a_walk_with_steady_volatility():
    """Closed forms for a driftless price: the lowest price below the forward, the highest from it on."""
    read = distribution(chain(flat(60), days=(DAYS,)))
    deviation = 0.6 * np.sqrt(DAYS / 365)
    log_moneyness = np.log(read["strike_usd"].to_numpy() / FORWARD)
    reached = norm.cdf((log_moneyness + deviation**2 / 2) / deviation)
    reflected = np.exp(-log_moneyness) * norm.cdf((log_moneyness - deviation**2 / 2) / deviation)
    up = norm.cdf((-log_moneyness - deviation**2 / 2) / deviation)
    up += np.exp(-log_moneyness) * norm.cdf((-log_moneyness + deviation**2 / 2) / deviation)
    expected = np.where(log_moneyness < 0, reached + reflected, up)
    np.testing.assert_allclose(read["prob_touch_pct"].to_numpy(), 100 * expected, atol=1e-6)


def test_touch_and_holds_agree_with_simulated_paths():
    """Paths watched 96 times a day touch a little less often than one seen at every instant; closes are each 96th."""
    rng = np.random.default_rng(7)
    a_day, paths = 96, 4_000
    deviation = 0.6 * np.sqrt(1 / 365)
    position = np.zeros(paths)
    lowest, highest, lowest_close = np.zeros(paths), np.zeros(paths), np.full(paths, np.inf)
    for step in range(1, DAYS * a_day + 1):
        position += rng.normal(-(deviation**2) / 2 / a_day, deviation / np.sqrt(a_day), paths)
        np.minimum(lowest, position, out=lowest)
        np.maximum(highest, position, out=highest)
        if step % a_day == 0:
            np.minimum(lowest_close, position, out=lowest_close)
    asked = [55_000.0, 60_000.0, 65_000.0, 68_000.0, 75_000.0, 85_000.0]
    read = distribution(chain(flat(60), days=(DAYS,))).filter(pl.col("strike_usd").is_in(asked))
    moves = np.log(read["strike_usd"].to_numpy() / FORWARD)
    touched = [100 * np.mean(lowest <= move if move < 0 else highest >= move) for move in moves]
    np.testing.assert_allclose(read["prob_touch_pct"].to_numpy(), touched, atol=3)
    held = [100 * np.mean(lowest_close >= move) for move in moves]
    np.testing.assert_allclose(read["prob_holds_pct"].to_numpy(), held, atol=1.7)


def test_distribution_lies_between_its_bounds_and_touch_above_it():
    read = distribution(chain(skewed))
    assert read["prob_below_pct"].is_sorted()
    assert read["prob_below_pct"].is_between(0, 100).all()
    under, over = read.filter(pl.col("strike_usd") < FORWARD), read.filter(pl.col("strike_usd") >= FORWARD)
    assert (under["prob_touch_pct"] >= under["prob_below_pct"]).all()
    assert (over["prob_touch_pct"] >= 100 - over["prob_below_pct"] - 1e-9).all()
    assert (read["prob_touch_pct"] <= 100).all()
    assert over["prob_touch_pct"].is_sorted(descending=True)
    held = read.drop_nulls("prob_holds_pct")
    assert held["prob_holds_pct"].is_sorted(descending=True)
    assert (held["prob_holds_pct"] <= 100 - held["prob_below_pct"] + 1e-9).all()


def test_skew_moves_probability_to_the_downside():
    fat = distribution(chain(skewed, days=(DAYS,)))
    level = float(skewed(np.zeros(1), DAYS)[0])
    even = distribution(chain(flat(level), days=(DAYS,)))
    both = fat.join(even, on="strike_usd", suffix="_even").row(by_predicate=pl.col("strike_usd") == 50_000, named=True)
    assert both["prob_below_pct"] > both["prob_below_pct_even"]


def test_a_young_expiry_with_few_strikes_goes_on_in_the_shape_of_its_neighbour():
    """Flat smiles at one level: what is carried on is known exactly, and reaches as far as the neighbour quotes."""
    near, far = chain(flat(60), days=(14,), reach=1.0), chain(flat(60), days=(28,), reach=4.0)
    read = distribution(pl.concat([near, far]))
    strikes = read["strike_usd"]
    reach = np.exp(4 * 0.6 * np.sqrt(14 / 365))
    assert strikes.min() == np.ceil(FORWARD / reach / 1000) * 1000
    assert strikes.max() == np.floor(FORWARD * reach / 1000) * 1000
    assert strikes.diff().drop_nulls().unique().to_list() == [1000.0]
    deviation = 0.6 * np.sqrt(DAYS / 365)
    expected = norm.cdf((np.log(strikes.to_numpy() / FORWARD) + deviation**2 / 2) / deviation)
    np.testing.assert_allclose(read["prob_below_pct"].to_numpy(), 100 * expected, atol=1e-6)


def test_carrying_a_smile_on_comes_near_what_its_own_strikes_say():
    """The near expiry with all its strikes against the same one with the middle of them only."""
    far = chain(skewed, days=(28,))
    whole = distribution(pl.concat([chain(skewed, days=(14,)), far]))
    cut = distribution(pl.concat([chain(skewed, days=(14,), reach=1.2), far]))
    both = whole.join(cut, on="strike_usd", suffix="_cut").drop_nulls(["prob_below_pct", "prob_below_pct_cut"])
    beyond = both.filter(np.abs(np.log(pl.col("strike_usd") / FORWARD)) > 1.2 * 0.6 * np.sqrt(14 / 365))
    assert beyond.height >= 10
    np.testing.assert_allclose(beyond["prob_below_pct_cut"], beyond["prob_below_pct"], atol=1.0)


@pytest.mark.parametrize("days", [(7, 14), (28, 49), (20.9,)])
def test_there_is_no_probability_without_expiries_on_both_sides(days):
    assert distribution(chain(skewed, days=days)).is_empty()


def test_too_few_strikes_are_not_a_smile():
    assert distribution(chain(skewed, days=(14, 28), strikes=4)).is_empty()


def test_no_round_strike_within_reach_gives_no_rows():
    assert distribution(chain(skewed, days=(DAYS,), forward_usd=70_500, reach=0.02, strikes=9)).is_empty()


def test_other_horizons_can_be_asked_for():
    read = surface(chain(skewed), horizons_days=(7, 21, 30)).probabilities
    assert read["horizon_days"].unique().sort().to_list() == [7, 21, 30]


def test_a_smile_that_contradicts_itself_gives_null_there_and_only_there():
    def bumped(log_moneyness, days):
        return skewed(log_moneyness, days) + np.where(np.abs(log_moneyness + 0.20) < 0.015, 15, 0)

    read, clean = distribution(chain(bumped, days=(DAYS,))), distribution(chain(skewed, days=(DAYS,)))
    assert 0 < read["prob_below_pct"].null_count() < 12
    assert read["prob_below_pct"].drop_nulls().is_sorted()
    assert read["prob_touch_pct"].is_null().equals(read["prob_below_pct"].is_null())
    far = pl.col("strike_usd") > 65_000
    np.testing.assert_allclose(read.filter(far)["prob_below_pct"], clean.filter(far)["prob_below_pct"], atol=1e-6)


def test_points_in_the_wrong_order_go_together():
    judged = without_arbitrage(np.array([-0.01, 0.1, 0.3, 0.2, 0.4, 0.39995, 1.2]))
    np.testing.assert_allclose(judged, [np.nan, 0.1, np.nan, np.nan, 0.4, 0.4, np.nan])


@given(st.lists(st.floats(-0.2, 1.2) | st.just(float("nan")), min_size=1, max_size=30))
def test_what_is_left_always_ascends(probabilities):
    kept = without_arbitrage(np.array(probabilities))
    kept = kept[~np.isnan(kept)]
    assert (np.diff(kept) >= 0).all()
    assert ((kept >= 0) & (kept <= 1)).all()


def test_touch_of_an_unknown_probability_is_unknown():
    touch = probability_touch(np.array([-0.1, 0.1]), np.array([0.02, 0.02]), np.array([np.nan, np.nan]))
    assert np.isnan(touch).all()


def test_no_strike_above_the_price_is_certain_to_be_touched():
    read = distribution(chain(skewed)).filter(pl.col("strike_usd") > 1.1 * FORWARD)
    assert (read["prob_touch_pct"] < 60).all()
