"""What the study counts and how far it moves thresholds; its numbers are only as honest as these."""

from datetime import date, timedelta
from math import exp

import duckdb
import polars as pl
import pytest

from benchmarks.study import substitutes
from benchmarks.study.forward import later, outcomes, separate
from benchmarks.study.sensitivity import judge, kappa, moved, plan, step, without_volume
from benchmarks.study.spells import spells

FIRST = date(2024, 1, 1)


def days(*labels, first=FIRST):
    return pl.DataFrame(
        {"signal_date": [first + timedelta(days=n) for n in range(len(labels))], "regime": list(labels)}
    )


def rules(*rows):
    defaults = {"scope": "bucket", "measure": "value", "operator": ">=", "unit": "%", "exit_threshold": None}
    frame = pl.DataFrame(
        [defaults | {"rule_id": f"rule_{n}", "target_id": "macro"} | row for n, row in enumerate(rows)]
    )
    return frame.cast({"enter_threshold": pl.Float64, "exit_threshold": pl.Float64})


def test_a_run_at_the_edge_or_beside_an_unknown_day_is_not_complete():
    runs = spells(days("a", "a", "b", "c", "unknown", "c", "d", "e"))
    assert runs["label"].to_list() == ["a", "b", "c", "unknown", "c", "d", "e"]
    assert runs["days"].to_list() == [2, 1, 1, 1, 1, 1, 1]
    assert runs.filter("is_complete")["label"].to_list() == ["b", "unknown", "d"]


def test_a_missing_day_ends_a_run():
    gap = pl.concat([days("a", "a"), days("a", "b", first=date(2024, 2, 1))])
    assert spells(gap)["days"].to_list() == [2, 1, 1]
    assert not spells(gap)["begins_seen"][1]


def test_entries_nearer_than_the_horizon_count_once():
    entries = [FIRST + timedelta(days=n) for n in (0, 3, 7, 8, 30)]
    assert separate(entries, 7) == [FIRST + timedelta(days=n) for n in (0, 7, 30)]


def test_no_return_over_a_missing_close():
    closes = {FIRST: 100.0, FIRST + timedelta(days=7): 110.0}
    assert later(closes, FIRST, 7) == pytest.approx(10)
    assert later(closes, FIRST, 30) is None


def test_few_entries_get_no_interval():
    prices = days(*["x"] * 60).select("signal_date", close=100.0 + pl.int_range(60))
    runs = spells(days(*["a", "b"] * 7))
    found = {(one.regime, one.horizon_d): one for one in outcomes(runs, prices)}
    assert found["a", 7].entries == 6
    assert len(found["a", 7].returns) == 2
    assert found["a", 7].low is None
    assert found["a", 7].rank_pct is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"enter_threshold": 10}, 2),
        ({"enter_threshold": -8, "operator": "<="}, -1.6),
        ({"enter_threshold": 8, "operator": "<="}, -1.6),
        ({"enter_threshold": 95, "measure": "percentile_365d"}, 1),
        ({"enter_threshold": 10, "measure": "percentile_365d", "operator": "<="}, -2),
        ({"enter_threshold": 3, "rule_id": "regime.recovery_bulls"}, 1),
        ({"enter_threshold": 2, "rule_id": "regime.recovery_conditions"}, 0),
        ({"enter_threshold": 2, "unit": "state"}, 0),
        ({"enter_threshold": 0}, 0),
    ],
)
def test_a_fifth_of_each_kind_of_threshold(row, expected):
    assert step(rules(row))["step"][0] == pytest.approx(expected)


def test_an_exit_threshold_moves_with_its_entry():
    altered = moved(rules({"enter_threshold": 10, "exit_threshold": 8}), pl.Series([1.0]))
    assert altered.select("enter_threshold", "exit_threshold").row(0) == pytest.approx((12, 10))


def test_random_variants_stay_within_a_fifth_and_repeat():
    rows = rules({"enter_threshold": 10}, {"enter_threshold": -5, "operator": "<="})
    first, again = (
        [frame["enter_threshold"].to_list() for kind, _, frame in plan(rows, 5) if kind == "random"] for _ in range(2)
    )
    assert first == again
    assert all(8 <= one <= 12 and -6 <= other <= -4 for one, other in first)


def test_kappa_forgives_no_agreement_that_frequencies_alone_would_give():
    assert kappa(pl.Series(["a", "b"]), pl.Series(["a", "b"])) == pytest.approx(1)
    assert kappa(pl.Series(["a", "a", "b", "b"]), pl.Series(["a", "b", "a", "b"])) == pytest.approx(0)


def test_a_variant_is_judged_by_the_base_labels():
    verdict = judge("one", "x", days("a", "a", "b", "capitulation"), days("a", "b", "b", "b"))
    assert verdict.kept_pct == pytest.approx(50)
    assert verdict.kept_by_regime == {"a": 50, "b": 100, "capitulation": 0}
    assert verdict.capitulations == 0


def test_without_the_stand_in_only_the_regimes_own_row_on_volume_is_left():
    volume = {"signal_id": "spot_volume_ratio_90d", "enter_threshold": 95}
    rows = rules(volume, volume | {"scope": "regime"}, {"signal_id": "sopr", "enter_threshold": 0})
    assert without_volume(rows)["rule_id"].to_list() == ["rule_1", "rule_2"]


def test_substitutes_are_counted_by_hand(tmp_path):
    build_file = tmp_path / "warehouse.duckdb"
    readings = {
        "liquidations_usd": [10, 20, 40, None, 80],
        "spot_volume_ratio_90d": [1, 2, 4, 3, 8],  # proportional where both are known
        "btc_return_1d_pct": [1, -1, 2, -2, 1],
        # Moves by a tenth of the return of the day before, in logarithms.
        "futures_oi_usd": [100 * exp(total / 10) for total in (0, 1, 0, 2, 0)],
    }
    with duckdb.connect(str(build_file)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_signal_daily (signal_date date, signal_id varchar, value double)")
        for signal_id, values in readings.items():
            for n, value in enumerate(values):
                connection.execute(
                    "insert into marts.fct_signal_daily values (?, ?, ?)", [FIRST + timedelta(days=n), signal_id, value]
                )
    found = substitutes.read(build_file)
    assert (found.days, found.extreme_liquidations, found.extreme_both) == (4, 1, 1)
    assert found.correlation == pytest.approx(1)
    assert found.open_interest_day_before == pytest.approx(1)
    assert found.open_interest_same_day < 0
