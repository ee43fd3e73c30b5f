"""The split of a return: exact, blind to the future, blind to units, right where the truth is known."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analytics.attribution import BLOCKS, FEWEST_DAYS, INPUTS, WINDOW_DAYS, attribute

PARTS = [f"{block}_pct" for block in BLOCKS]
TRADING_DAY_INPUTS = [each.column for each in INPUTS if each.is_trading_day_data]
MONDAY = date(2024, 1, 1)


def world(days=400, seed=1, noise=1.0, **betas):
    """Independent inputs of standard deviation one, weekends closed, and a return of known betas plus noise."""
    random = np.random.default_rng(seed)
    dates = [MONDAY + timedelta(days=n) for n in range(days)]
    is_closed = np.array([day.weekday() >= 5 for day in dates])
    inputs = {each.column: random.standard_normal(days) for each in INPUTS}
    for column in TRADING_DAY_INPUTS:
        inputs[column] = np.where(is_closed, np.nan, inputs[column])
    returns = noise * random.standard_normal(days)
    for column, beta in betas.items():
        returns += beta * np.nan_to_num(inputs[column])
    frame = pl.DataFrame({"signal_date": dates, "is_exchange_closed": is_closed, "return_pct": returns, **inputs})
    return frame.with_columns(pl.col(TRADING_DAY_INPUTS).fill_nan(None))


def without(frame, column, days):
    return frame.with_columns(pl.when(days).then(None).otherwise(pl.col(column)).alias(column))


def last(frame):
    return attribute(frame).row(-1, named=True)


def with_last(frame, **values):
    """The frame with its last day's columns set."""
    is_last = pl.col("signal_date") == frame["signal_date"].max()
    return frame.with_columns(
        pl.when(is_last).then(value).otherwise(pl.col(column)).alias(column) for column, value in values.items()
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    days=st.integers(1, 220),
    gaps=st.floats(0, 0.6),
    scale=st.sampled_from([1e-9, 1.0, 1e9]),
)
def test_parts_sum_to_the_return(seed, days, gaps, scale):
    frame = world(days, seed)
    random = np.random.default_rng(seed)
    for each in INPUTS:
        hole = pl.Series(random.random(days) < gaps * random.random())
        frame = without(frame, each.column, hole).with_columns(pl.col(each.column) * scale)
    split = attribute(frame)
    assert split["signal_date"].to_list() == frame["signal_date"].to_list()
    total = split.select(pl.sum_horizontal(*PARTS, "unexplained_pct")).to_series()
    assert np.isfinite(total.to_numpy()).all()
    np.testing.assert_allclose(total, frame["return_pct"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("known_until", [FEWEST_DAYS, 150, 399])
def test_later_days_change_no_earlier_row(known_until):
    frame = world(oi_change_pct=1.0, equities_return_pct=1.0)
    assert_frame_equal(attribute(frame.head(known_until)), attribute(frame).head(known_until), check_exact=True)


def test_days_before_the_window_are_forgotten():
    frame = world(oi_change_pct=1.0)
    assert_frame_equal(
        attribute(frame).tail(1).drop("r2_out_of_sample"),
        attribute(frame.tail(WINDOW_DAYS + 1)).tail(1).drop("r2_out_of_sample"),
        check_exact=True,
    )


def test_the_order_of_rows_changes_nothing():
    frame = world(oi_change_pct=1.0)
    assert_frame_equal(attribute(frame.sample(fraction=1, shuffle=True, seed=3)), attribute(frame), check_exact=True)


@pytest.mark.parametrize("column", [each.column for each in INPUTS])
@pytest.mark.parametrize("factor", [1e-6, -100.0])
def test_another_unit_or_sign_of_an_input_changes_nothing(column, factor):
    frame = world(220, **{column: 1.0})
    assert_frame_equal(
        attribute(frame.with_columns(pl.col(column) * factor)), attribute(frame), check_exact=False, abs_tol=1e-9
    )


def test_known_betas_are_found_within_sampling_error():
    """One input a block; what a block catches by chance grows with its inputs, and with what later blocks explain."""
    betas = {"equities_return_pct": 1.5, "oi_change_pct": 0.8, "taker_buy_share_pct": -1.2}
    frame = world(1200, **betas)
    split = attribute(frame).tail(-WINDOW_DAYS)
    inputs = frame.tail(-WINDOW_DAYS)
    chance = frame["return_pct"].std() * np.sqrt(4 / (WINDOW_DAYS * 5 / 7))
    for part, (column, beta) in zip(PARTS, betas.items(), strict=True):
        is_known = inputs[column].is_not_null().to_numpy()
        reading, found = inputs[column].to_numpy()[is_known], split[part].to_numpy()[is_known]
        assert (reading @ found) / (reading @ reading) == pytest.approx(beta, abs=0.15)
        assert np.std(found - beta * reading) < chance
    explained = 1 - 1 / (1 + 1.5**2 * 5 / 7 + 0.8**2 + 1.2**2)
    assert split["r2"].mean() == pytest.approx(explained, abs=0.05)
    assert split["r2_out_of_sample"].drop_nulls().mean() == pytest.approx(explained, abs=0.08)


def test_noise_alone_is_worth_nothing_out_of_sample():
    split = attribute(world(1200))
    assert split["r2"].mean() == pytest.approx(11 / (WINDOW_DAYS - 1), abs=0.03)
    assert split["r2_out_of_sample"].mean() < 0


def test_a_pure_macro_day_is_attributed_to_macro():
    """Twelve standard deviations: far beyond the window, and still linear."""
    inputs = {each.column: 0.0 for each in INPUTS}
    frame = world(200, noise=0.1, equities_return_pct=1.0)
    day = last(
        with_last(frame, **inputs | {"equities_return_pct": 12.0, "return_pct": 12.0, "is_exchange_closed": False})
    )
    assert day["macro_pct"] == pytest.approx(12, abs=0.6)
    assert day["positioning_pct"] == pytest.approx(0, abs=0.4)
    assert day["spot_demand_pct"] == pytest.approx(0, abs=0.4)
    assert day["method_note"] is None or "equities" not in day["method_note"]


def test_an_echo_in_a_later_block_has_nothing_of_its_own_to_add():
    frame = world(300, noise=0.2, oi_change_pct=1.0)
    echo = frame.with_columns(taker_buy_share_pct=5 - 3 * pl.col("oi_change_pct"))
    assert_frame_equal(
        attribute(echo).select(*PARTS),
        attribute(without(frame, "taker_buy_share_pct", pl.lit(True))).select(*PARTS),
        abs_tol=1e-9,
    )


def test_blocks_are_fitted_in_sequence():
    """A second input half of which is the first: the first takes the shared half, the second the rest."""
    frame = world(2000, noise=0.5).with_columns(
        oi_change_pct=pl.col("equities_return_pct").fill_null(0.0) + pl.col("oi_change_pct")
    )
    frame = frame.with_columns(return_pct=pl.col("return_pct") + pl.col("oi_change_pct"))
    split = attribute(frame).tail(-WINDOW_DAYS)
    inputs = frame.tail(-WINDOW_DAYS).with_columns(pl.col("equities_return_pct").fill_null(0.0))
    own = (inputs["oi_change_pct"] - inputs["equities_return_pct"]).to_numpy()
    assert np.corrcoef(split["macro_pct"], inputs["equities_return_pct"])[0, 1] > 0.95
    assert np.corrcoef(split["positioning_pct"], own)[0, 1] > 0.95
    assert abs(np.corrcoef(split["positioning_pct"], inputs["equities_return_pct"])[0, 1]) < 0.1


def test_closed_days_have_no_macro_part_and_say_so():
    frame = world(300, equities_return_pct=2.0, etf_net_flow_bp=2.0)
    split = attribute(frame).filter("is_exchange_closed")
    assert split["macro_pct"].to_list() == [0.0] * split.height
    assert split["method_note"].str.contains("exchanges closed, no macro part").all()
    assert split["inputs_missing"].tail(50).to_list() == [None] * 50


def test_macro_figures_of_a_closed_day_are_not_used():
    """Gold and the dollar trade on some days without stock trading."""
    frame = world(300, gold_return_pct=1.0)
    ghost = pl.when("is_exchange_closed").then(50.0).otherwise(pl.col("gold_return_pct")).alias("gold_return_pct")
    assert_frame_equal(attribute(frame.with_columns(ghost)), attribute(frame), check_exact=True)


def test_an_input_missing_on_the_day_adds_nothing_and_is_named():
    frame = world(200, oi_change_pct=1.0)
    day = last(with_last(frame, oi_change_pct=None))
    assert day["inputs_missing"] == "oi_change_pct"
    assert "not known by the cut-off: oi_change_pct" in day["method_note"]
    assert day["positioning_inputs"] == 3


def test_a_block_with_nothing_known_is_zero_and_counts_no_input():
    frame = world(200, taker_buy_share_pct=1.0)
    for each in INPUTS:
        if each.block == "spot_demand":
            frame = without(frame, each.column, pl.lit(True))
    day = last(frame)
    assert (day["spot_demand_pct"], day["spot_demand_inputs"]) == (0.0, 0)
    assert day["inputs_missing"].startswith("spot_volume_share_pct, taker_buy_share_pct, coinbase_premium_change_bps")


@pytest.mark.parametrize(("days_known", "is_used"), [(95, False), (97, True)])
def test_an_input_is_used_once_four_fifths_of_the_window_know_it(days_known, is_used):
    frame = world(200)
    is_early = pl.col("signal_date") < frame["signal_date"].max() - timedelta(days=days_known)
    day = last(without(frame, "oi_change_pct", is_early))
    assert (day["inputs_missing"] is None) is is_used
    assert (day["method_note"] or "").startswith(
        "known on too few of the 120 days before: oi_change_pct"
    ) is not is_used
    assert day["observations"] == (97 if is_used else 120)


def test_too_short_a_past_leaves_the_day_unexplained():
    split = attribute(world(FEWEST_DAYS + 1, oi_change_pct=1.0))
    early, first = split.head(FEWEST_DAYS), split.row(-1, named=True)
    assert early["unexplained_pct"].to_list() == early["return_pct"].to_list()
    assert early["r2"].null_count() == FEWEST_DAYS
    assert early["method_note"].str.contains("no estimates").all()
    assert first["observations"] == FEWEST_DAYS
    assert first["r2"] > 0


def test_a_gap_in_the_days_shortens_the_window():
    frame = world(300).filter(~pl.col("signal_date").is_between(date(2024, 8, 1), date(2024, 9, 29)))
    assert frame.height == 240
    day = attribute(frame).filter(pl.col("signal_date") == date(2024, 9, 30)).row(0, named=True)
    assert day["observations"] == WINDOW_DAYS - 60


def test_a_wild_reading_is_held_and_named():
    frame = world(200, noise=0.1, net_liquidations_root=1.0)
    wild = {"net_liquidations_root": -40.0, "return_pct": -8.0}
    day = last(with_last(frame, **wild))
    assert -5.5 < day["positioning_pct"] < -3
    assert "held at their limits: net_liquidations_root" in day["method_note"]


def test_a_crash_does_not_set_the_coefficients_of_the_days_after_it():
    frame = world(300, noise=0.5, oi_change_pct=1.0)
    crash_day = frame["signal_date"][250]
    is_crash = pl.col("signal_date") == crash_day
    crashed = frame.with_columns(
        return_pct=pl.when(is_crash).then(-40.0).otherwise("return_pct"),
        net_liquidations_root=pl.when(is_crash).then(-60.0).otherwise("net_liquidations_root"),
    )
    after = pl.col("signal_date") > crash_day
    calm, shaken = (attribute(each).filter(after)["positioning_pct"] for each in (frame, crashed))
    assert (calm - shaken).abs().max() < 1


def test_an_input_that_never_moves_is_harmless():
    frame = world(200, equities_return_pct=1.0).with_columns(funding_change_pct=pl.lit(0.0))
    assert_frame_equal(
        attribute(frame).select(*PARTS),
        attribute(without(frame, "funding_change_pct", pl.lit(True))).select(*PARTS),
        abs_tol=1e-9,
    )


def test_a_price_that_never_moves_has_nothing_to_explain():
    day = last(world(200).with_columns(return_pct=pl.lit(0.0)))
    assert [day[part] for part in PARTS] == [0.0, 0.0, 0.0]
    assert (day["r2"], day["r2_out_of_sample"]) == (0.0, None)


def test_no_days_give_no_rows():
    assert attribute(world(100).clear()).height == 0


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="lack the columns gold_return_pct, return_pct"):
        attribute(world(10).drop("gold_return_pct", "return_pct"))


def test_a_day_that_stands_there_twice_is_refused():
    frame = world(10)
    with pytest.raises(ValueError, match="more than once"):
        attribute(pl.concat([frame, frame.head(1)]))
