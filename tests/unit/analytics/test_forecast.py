"""The forecast's own properties, on prices of our own making."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.baselines import baselines
from analytics.forecast import HORIZONS_DAYS, Forecaster, Prices, strikes
from tests.unit.analytics.price_paths import bars, prices

DAYS = 2400


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return Forecaster(prices(DAYS))


@given(day=st.integers(1700, DAYS - 1), log_move=st.floats(-1.5, 1.5))
def test_answers_agree_with_each_other(forecaster: Forecaster, day: int, log_move: float) -> None:
    for horizon in HORIZONS_DAYS:
        made = forecaster.forecast(day, horizon)
        assert made is not None
        said = {name: float(value[0, 0]) for name, value in made.outlook.events(np.array([[log_move]])).items()}
        assert said["close_below"] <= 1 - said["holds"] + 1e-12
        assert said["stays_below"] <= said["close_below"] + 1e-12
        if log_move <= 0:
            assert 1 - said["holds"] <= said["touch"] + 1e-12
        else:
            assert 1 - said["stays_below"] <= said["touch"] + 1e-12
        least = 0.5 / made.pool.independent_paths
        assert all(least - 1e-12 <= value <= 1 - least + 1e-12 for value in said.values())


@given(day=st.integers(1700, DAYS - 1), first=st.floats(-1, 1), second=st.floats(-1, 1))
def test_a_lower_price_is_never_closed_below_more_often(
    forecaster: Forecaster, day: int, first: float, second: float
) -> None:
    made = forecaster.forecast(day, 21)
    assert made is not None
    below = made.outlook.events(np.array([sorted((first, second))]))
    assert below["close_below"][0, 0] <= below["close_below"][0, 1]
    assert below["holds"][0, 0] >= below["holds"][0, 1]


def test_what_came_later_changes_no_forecast(forecaster: Forecaster) -> None:
    everything = bars(DAYS)
    asked = np.array([[-0.3, -0.1, -0.02, 0.0, 0.04, 0.2]])
    for day in range(1600, DAYS, 101):
        then = Forecaster(Prices.of(everything.head(day + 1)))
        for horizon in HORIZONS_DAYS:
            now, before = forecaster.forecast(day, horizon), then.forecast(day, horizon)
            assert now is not None
            assert before is not None
            assert now.sigma == before.sigma
            assert now.pool.until == before.pool.until < forecaster.prices.dates[day].astype(object)
            for event, said in now.outlook.events(asked).items():
                np.testing.assert_array_equal(said, before.outlook.events(asked)[event])


def test_a_pool_is_renewed_on_the_first_of_a_month_and_sees_no_day_of_it(forecaster: Forecaster) -> None:
    paths = forecaster.paths[7]
    pools = [paths.pool(day) for day in range(1600, 1700)]
    months = forecaster.prices.dates[1600:1700].astype("M8[M]")
    for pool, month in zip(pools, months, strict=True):
        assert pool is not None
        assert np.datetime64(pool.until, "D") == month.astype("M8[D]") - 1


def test_short_history_gives_fewer_horizons() -> None:
    young = Forecaster(prices(700))
    assert young.forecast(699, 7) is not None
    assert young.forecast(699, 21) is not None
    assert young.forecast(699, 90) is None
    assert young.forecast(363, 7) is None


def test_no_path_runs_over_a_missing_day_and_none_is_filled() -> None:
    whole = bars(900)
    hole = whole["date"][500]
    holed = Forecaster(Prices.of(whole.filter(pl.col("date") != hole)))
    assert np.isnan(holed.prices.close[500])
    assert all(np.isnan(holed.sigma[horizon][500]) for horizon in HORIZONS_DAYS)
    assert holed.forecast(500, 7) is None
    full = Forecaster(Prices.of(whole)).forecast(899, 7)
    left = holed.forecast(899, 7)
    assert full is not None
    assert left is not None
    assert full.pool.paths - left.pool.paths == 8  # 7 paths cross the day, one would begin on it


def test_a_stale_history_gives_no_forecast() -> None:
    whole = bars(900)
    gone = whole["date"][880:897].to_list()
    assert Forecaster(Prices.of(whole.filter(~pl.col("date").is_in(gone)))).forecast(899, 7) is None


def test_implied_volatility_counts_half_of_the_fast_part() -> None:
    known, unknown = bars(800, implied_days=800), bars(800, implied_days=0)
    at, without = Forecaster(Prices.of(known)), Forecaster(Prices.of(unknown))
    implied = np.log((0.86 * known["implied_pct"].to_numpy() / 100) ** 2 / 365)
    change = 2 * np.log(at.sigma[7] / without.sigma[7])
    fast_change = change / 0.7  # half of ln(implied) less half of ln(fast)
    fast = implied - 2 * fast_change
    again = 0.06 / 0.94 * np.exp(fast[:-1])  # the exponential mean steps by 6 % of a day's own variance
    assert np.isfinite(again).all()
    day = 799
    variance = (np.exp(fast[day]) - 0.94 * np.exp(fast[day - 1])) / 0.06
    bar = known.row(day, named=True)
    parkinson = np.log(bar["high_usd"] / bar["low_usd"]) ** 2 / (4 * np.log(2))
    assert variance == pytest.approx((parkinson + np.log(bar["close_usd"] / known["close_usd"][day - 1]) ** 2) / 2)


def test_two_bars_of_one_date_are_refused() -> None:
    with pytest.raises(ValueError, match="more than one"):
        Prices.of(pl.concat([bars(400), bars(400).tail(1)]))


@given(spot=st.floats(50, 2e6), sigma=st.floats(0.005, 0.07), horizon=st.sampled_from(sorted(HORIZONS_DAYS)))
def test_round_strikes_are_few_and_around_the_price(spot: float, sigma: float, horizon: int) -> None:
    found = strikes(spot, sigma, horizon)
    assert 5 <= len(found) <= 14
    assert min(found) <= spot < max(found)
    steps = np.diff(found)
    assert np.allclose(steps, steps[0])


@pytest.mark.parametrize("days", [1, 5, 29, 30, 100])
def test_a_history_of_some_days_gives_no_forecast(days: int) -> None:
    forecaster = Forecaster(prices(days))
    for horizon in HORIZONS_DAYS:
        assert forecaster.forecast(days - 1, horizon) is None
        assert baselines(forecaster)["climatology"].outlook(horizon, np.array([days - 1])) is None
