"""The option surface on made-up chains whose answer is known."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.optimize import brentq
from vollib.black.greeks.analytical import delta as vollib_delta

from analytics.options import surface
from tests.unit.analytics.chains import SNAPSHOT, chain, flat, skewed


def at_tenor(read, tenor_days):
    return read.tenors.row(by_predicate=pl.col("tenor_days") == tenor_days, named=True)


@given(level=st.floats(5, 399), forward=st.floats(100, 1e6))
@settings(max_examples=30, deadline=None)
def test_a_flat_smile_has_no_skew_and_no_wings(level, forward):
    read = surface(chain(flat(level), days=(7, 30, 90, 180), forward_usd=forward, reach=4 * level / 60))
    assert read.tenors["atm_iv_pct"].to_list() == pytest.approx([level] * 4)
    assert read.tenors["rr25"].to_list() == pytest.approx([0] * 4, abs=1e-9 * level)
    assert read.tenors["bf25"].to_list() == pytest.approx([0] * 4, abs=1e-9 * level)
    assert read.tenors["forward_usd"].to_list() == pytest.approx([forward] * 4)


def test_points_are_those_of_the_smile_solved_for_delta():
    """Each wing's strike found by root finding on vollib's delta, on a grid fine enough to interpolate."""
    days = 30
    read = surface(chain(skewed, days=(days,), strikes=4001))
    expected = {}
    for name, flag, target in (("call25", "c", 0.25), ("put25", "p", -0.25), ("atm", "c", 0.5)):

        def miss(log_moneyness, flag=flag, target=target):
            volatility = skewed(np.array([log_moneyness]), days)[0] / 100
            return vollib_delta(flag, 1.0, np.exp(log_moneyness), days / 365, 0.0, volatility) - target

        expected[name] = skewed(np.array([brentq(miss, -0.5, 0.5)]), days)[0]
    smile = read.smiles.row(0, named=True)
    for name, volatility in expected.items():
        assert smile[f"{name}_iv_pct"] == pytest.approx(volatility, abs=1e-4)
    month = at_tenor(read, 30)
    assert month["rr25"] == pytest.approx(expected["call25"] - expected["put25"], abs=1e-4)
    assert month["bf25"] == pytest.approx((expected["call25"] + expected["put25"]) / 2 - expected["atm"], abs=1e-4)
    assert month["expiries_used"] == 1


def test_total_variance_is_linear_in_time_between_expiries():
    """Worked by hand: 40 % at 20 days and 60 % at 40 days; at 30 days the mean of 0.16·20 and 0.36·40, over 30."""
    read = surface(chain(lambda k, days: np.full_like(k, 40.0 if days == 20 else 60.0), days=(20, 40)))
    month = at_tenor(read, 30)
    assert month["atm_iv_pct"] == pytest.approx(100 * np.sqrt((0.16 * 20 + 0.36 * 40) / 2 / 30))
    assert month["expiries_used"] == 2


def test_nothing_is_extrapolated_in_time():
    read = surface(chain(flat(50), days=(10, 100)))
    known = {row["tenor_days"]: row["atm_iv_pct"] for row in read.tenors.iter_rows(named=True)}
    assert known[7] is None
    assert known[180] is None
    assert known[30] == pytest.approx(50)
    assert at_tenor(read, 7)["expiries_used"] == 0


def test_nothing_is_extrapolated_in_delta():
    """An expiry quoted near the money only has a middle and no wings; neither has a tenor that needs it."""
    narrow = chain(flat(60), days=(20,), reach=0.3)
    read = surface(pl.concat([narrow, chain(flat(60), days=(40,))]))
    assert at_tenor(read, 30)["atm_iv_pct"] == pytest.approx(60)
    assert at_tenor(read, 30)["rr25"] is None
    assert at_tenor(read, 30)["bf25"] is None
    assert read.smiles["put25_iv_pct"].to_list() == [None, pytest.approx(60)]


def test_expiries_under_two_days_are_left_out():
    read = surface(chain(flat(60), days=(1.9, 2.0, 30)))
    assert read.smiles["days_to_expiry"].to_list() == [2.0, 30.0]


def test_in_the_money_options_are_not_used():
    clean = chain(skewed)
    in_the_money = (pl.col("option_type") == "C") == (pl.col("strike_usd") < pl.col("underlying_price_usd"))
    broken = clean.with_columns(mark_iv_pct=pl.when(in_the_money).then(pl.lit(350.0)).otherwise("mark_iv_pct"))
    assert_frame_equal(surface(broken).tenors, surface(clean).tenors)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mark_iv_pct": 0.0}, "implausible_iv"),
        ({"mark_iv_pct": 400.0}, "implausible_iv"),
        ({"mark_iv_pct": None}, "missing"),
        ({"mark_iv_pct": float("nan")}, "missing"),
        ({"mark_iv_pct": float("inf")}, "missing"),
        ({"strike_usd": 0.0}, "missing"),
        ({"strike_usd": None}, "missing"),
        ({"option_type": "X"}, "missing"),
        ({"expiry_time": SNAPSHOT}, "expired"),
        ({"expiry_time": SNAPSHOT - timedelta(days=3)}, "expired"),
        ({"bid_price_btc": 0.02}, "crossed_quote"),
    ],
)
def test_a_bad_row_is_left_out_and_counted(change, reason):
    clean = chain(skewed, days=(7, 30))
    bad = clean.head(1).with_columns(
        **{name: pl.lit(value, dtype=clean.schema[name]) for name, value in change.items()}
    )
    read = surface(pl.concat([clean, bad]))
    assert_frame_equal(read.tenors, surface(clean).tenors)
    assert read.left_out.rows() == [(SNAPSHOT, reason, 1)]


def test_one_quoted_side_is_not_a_crossed_quote():
    half = chain(skewed).with_columns(bid_price_btc=pl.lit(None, dtype=pl.Float64))
    assert surface(half).left_out.is_empty()


def test_one_forward_an_expiry_whatever_the_rows_say():
    clean = chain(skewed, days=(30,))
    cents = pl.when(pl.int_range(pl.len()) % 3 == 0).then(0.4).otherwise(0.0)
    jittered = clean.with_columns(underlying_price_usd=pl.col("underlying_price_usd") + cents)
    assert_frame_equal(surface(jittered).smiles, surface(clean).smiles)


def test_a_broken_underlying_price_does_not_move_the_forward():
    clean = chain(skewed, days=(30,))
    broken = clean.with_columns(
        underlying_price_usd=pl.when(pl.int_range(pl.len()) % 4 == 0).then(0.0).otherwise("underlying_price_usd")
    )
    assert_frame_equal(surface(broken).smiles, surface(clean).smiles)


def test_a_strike_sent_twice_counts_once():
    clean = chain(skewed)
    assert_frame_equal(surface(pl.concat([clean, clean])).tenors, surface(clean).tenors)


def test_a_useless_snapshot_still_says_that_nothing_is_known():
    read = surface(chain(flat(0)))
    assert read.tenors["tenor_days"].to_list() == [7, 30, 90, 180]
    assert read.tenors["atm_iv_pct"].null_count() == 4
    assert read.smiles.is_empty()
    assert read.probabilities.is_empty()


def test_an_empty_chain_gives_empty_frames_with_columns():
    read = surface(chain(flat(50)).clear())
    assert read.tenors.is_empty()
    assert read.probabilities.columns == [
        "snapshot_time",
        "horizon_days",
        "strike_usd",
        "prob_below_pct",
        "prob_touch_pct",
        "prob_holds_pct",
    ]
    assert read.tenors.schema == surface(chain(flat(50))).tenors.schema


def test_a_chain_without_a_needed_column_is_refused_by_name():
    with pytest.raises(ValueError, match="lacks mark_iv_pct"):
        surface(chain(flat(50)).drop("mark_iv_pct"))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(seed):
    rows = chain(skewed)
    read, shuffled = surface(rows), surface(rows.sample(fraction=1, shuffle=True, seed=seed))
    for name in ("tenors", "smiles", "probabilities"):
        assert_frame_equal(getattr(shuffled, name), getattr(read, name))


@given(scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_volatilities_do_not_know_the_currency(scale):
    rows = chain(skewed)
    rescaled = rows.with_columns(pl.col("strike_usd", "underlying_price_usd") * scale)
    points = ["atm_iv_pct", "rr25", "bf25"]
    assert_frame_equal(surface(rescaled).tenors.select(points), surface(rows).tenors.select(points), abs_tol=1e-8)


def test_many_snapshots_read_as_each_does_alone():
    snapshots = [
        chain(skewed, snapshot=SNAPSHOT + timedelta(hours=6 * n), forward_usd=70_000 + 500 * n) for n in range(4)
    ]
    together, alone = surface(pl.concat(snapshots)), [surface(rows) for rows in snapshots]
    for name in ("tenors", "smiles", "probabilities"):
        assert_frame_equal(getattr(together, name), pl.concat([getattr(read, name) for read in alone]))
