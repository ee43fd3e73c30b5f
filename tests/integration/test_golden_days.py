"""The article's table, row by row, from the bundled scenario through HTTP, landing, raw and dbt to the published marts.

The expected figures are the article's own, as printed; the tolerance is the rounding that it printed them with.
"""

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

FIFTH, SIXTH = date(2026, 2, 5), date(2026, 2, 6)


@pytest.fixture(scope="module")
def marts(scenario_home: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(scenario_home / "leadline.duckdb"), read_only=True)
    connection.execute("set schema 'marts'")
    return connection


def reading(marts: duckdb.DuckDBPyConnection, signal: str, day: date, column: str = "value_as_known") -> float:
    row = marts.execute(
        f"select {column} from fct_signal_daily where signal_id = ? and signal_date = ?", [signal, day]
    ).fetchone()
    assert row is not None, f"no row of {signal} on {day}"
    return row[0]


@pytest.mark.parametrize(
    ("signal", "day", "printed", "rounding"),
    [
        ("btc_open_usd", FIFTH, 73_100, 100),
        ("btc_close_usd", FIFTH, 62_600, 50),
        ("btc_open_usd", SIXTH, 62_600, 50),
        ("btc_low_usd", SIXTH, 60_000, 100),
        ("btc_high_usd", SIXTH, 71_422, 1),
        ("btc_close_usd", SIXTH, 69_950, 1),
        ("btc_return_1d_pct", FIFTH, -14, 0.5),
        ("btc_return_1d_pct", SIXTH, 12, 0.5),
        ("btc_rebound_from_low_pct", SIXTH, 17, 0.5),
        ("liquidations_usd", FIFTH, 1.0e9, 0.1e9),
        ("rr25_7d", FIFTH, -13, 0.5),
        ("difficulty_next_change_pct", FIFTH, -13.37, 0.01),
        ("difficulty_next_in_h", FIFTH, 48, 6),
        ("spx_return_1d_pct", SIXTH, 1.97, 0.005),
        ("ixic_return_1d_pct", SIXTH, 2.18, 0.005),
        ("dji_return_1d_pct", SIXTH, 2.47, 0.005),
        ("sox_return_1d_pct", SIXTH, 5.7, 0.05),
        ("gold_return_1d_pct", SIXTH, 3.9, 0.05),
        ("silver_return_1d_pct", SIXTH, 8.6, 0.05),
        ("dxy_return_1d_pct", SIXTH, -0.2, 0.05),
        ("silver_return_1d_pct", FIFTH, -18, 0.5),
    ],
)
def test_a_reading_of_the_article_comes_out_within_its_rounding(
    marts: duckdb.DuckDBPyConnection, signal: str, day: date, printed: float, rounding: float
) -> None:
    assert reading(marts, signal, day) == pytest.approx(printed, abs=rounding)


@pytest.mark.parametrize(
    ("signal", "day", "printed_usd"),
    [
        ("etf_net_flow_usd", date(2026, 2, 4), -544.9e6),
        ("etf_net_flow_usd", FIFTH, -434.1e6),
        ("etf_net_flow_usd", SIXTH, 371.1e6),
    ],
)
def test_a_settled_flow_is_the_printed_total(
    marts: duckdb.DuckDBPyConnection, signal: str, day: date, printed_usd: float
) -> None:
    assert reading(marts, signal, day, "value") == pytest.approx(printed_usd, abs=0.05e6)


def test_the_flow_of_the_sixth_was_not_published_when_the_sixth_was_read(marts: duckdb.DuckDBPyConnection) -> None:
    row = marts.execute(
        "select value_as_known, observed_date, age_days from fct_signal_daily "
        "where signal_id = 'etf_net_flow_usd' and signal_date = ?",
        [SIXTH],
    ).fetchone()
    assert row == (pytest.approx(-434.1e6, abs=0.05e6), FIFTH, 1)
    assert reading(marts, "etf_net_flow_mtd_usd", SIXTH) == pytest.approx(-690e6, abs=1e6)


def test_open_interest_fell_from_61_to_49_billion_within_the_week(marts: duckdb.DuckDBPyConnection) -> None:
    path = marts.execute(
        "select value_as_known, provider from fct_signal_daily where signal_id = 'futures_oi_usd' "
        "and signal_date between '2026-01-29' and '2026-02-06' order by signal_date"
    ).fetchall()
    assert {provider for _, provider in path} == {"coinglass"}
    assert max(value for value, _ in path) == pytest.approx(61e9, abs=0.5e9)
    assert path[-1][0] == pytest.approx(49e9, abs=0.5e9)


def test_stress_readings_lie_on_the_side_that_the_article_says(marts: duckdb.DuckDBPyConnection) -> None:
    assert reading(marts, "funding_rate_8h_pct", SIXTH) < 0
    assert reading(marts, "iv_term_slope_7d_90d", SIXTH) < 0
    assert reading(marts, "hashprice_usd_ph_day", SIXTH) < 32
    assert reading(marts, "hashprice_usd_ph_day", SIXTH, "percentile_365d") == 0
    assert reading(marts, "realized_loss_7d_usd", SIXTH) > 1.26e9
    assert reading(marts, "put_oi_peak_strike_low", SIXTH) == 50_000
    assert reading(marts, "put_oi_peak_strike_high", SIXTH) == 60_000


def test_the_golden_days_get_their_regimes(marts: duckdb.DuckDBPyConnection) -> None:
    """The article covers the 6th, so its level counts from that day; on the 5th the level comes from the cost basis."""
    rows = marts.execute(
        "select regime, level_usd, cluster_low_usd, cluster_high_usd, cluster_source, next_condition, "
        "r1, r2, r3, h1, s1 from fct_regime_daily where signal_date in (?, ?) order by signal_date",
        [FIFTH, SIXTH],
    ).fetchall()
    regime, level, low, high, source = rows[0][:5]
    assert (regime, source, level) == ("capitulation", "cost_basis", high)
    assert 66_900 <= low < high <= 70_600  # found without the article, inside the cluster that it names
    analyst = (70_000, 66_900, 70_600, "analyst")
    assert rows[1] == ("relief_rally", *analyst, "S1", True, True, True, False, False)


def test_the_board_of_the_fifth_can_say_why_the_level_moved(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select signal_date, level_since, level_before_usd > 85_000, level_moved_because, level_closed_through_date "
        "from fct_regime_daily where signal_date in (?, ?) order by signal_date",
        [FIFTH, SIXTH],
    ).fetchall()
    assert rows[0] == (FIFTH, FIFTH, True, "price_closed_through", FIFTH)


def test_the_verdict_of_the_golden_days_is_the_one_that_the_article_gives(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select position, side, evidence_for_level, conditions_met, warnings_on, verdict_line, verdict_line_zh "
        "from fct_regime_daily where signal_date in (?, ?) order by signal_date",
        [FIFTH, SIXTH],
    ).fetchall()
    assert rows[0][:5] == ("broken", "above", "against", 0, 3)
    assert rows[1][:5] == ("tested", "above", "against", 0, 3)
    fifth, sixth = (row[5].replace("\u202f", " ") for row in rows)
    assert re.fullmatch(
        r"Broken: first close under 6\d \d{3} \(level moved from \d\d \d{3} on 5 Feb; against that one: lost\), and "
        r"evidence against: 0 of 3 conditions met, 3 of 3 warnings on \(on: R1 .+; R2 derivatives stressed; R3 .+\)\.",
        fifth,
    )
    assert sixth.startswith("Tested: back inside 66 900–70 000, under it on 5 Feb")
    assert "; evidence against: 0 of 3 conditions met, 3 of 3 warnings on (on: R1 " in sixth
    assert rows[1][6].startswith("回测：已回到 66\u202f900–70\u202f000 之内，2月5日收于其下")
    assert "证据偏空：条件满足 0/3，警示亮起 3/3（亮起：R1 " in rows[1][6]


def test_the_golden_day_gets_its_bucket_states_each_with_evidence(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select bucket, state, evidence, flip_signal_id, flip_distance from fct_bucket_daily where signal_date = ?",
        [SIXTH],
    ).fetchall()
    assert {bucket: state for bucket, state, *_ in rows} == {
        "derivatives": "bear",
        "options": "bear",
        "leverage": "improving",
        "flows": "bear",
        "onchain": "bear",
        "mining": "bear",
        "macro": "improving",
    }
    for bucket, _, evidence, flip_signal, flip_distance in rows:
        assert "2026-02-0" in evidence, f"{bucket} names no date in its evidence: {evidence}"
        assert flip_signal is not None
        assert flip_distance is not None


def test_miners_wait_for_the_adjustment_that_then_came(marts: duckdb.DuckDBPyConnection) -> None:
    evidence = marts.execute(
        "select evidence from fct_condition_daily where condition_id = 'H3' and signal_date = ?", [SIXTH]
    ).fetchone()
    assert evidence is not None
    assert evidence[0].startswith("pending")
    assert reading(marts, "difficulty_last_change_pct", date(2026, 2, 8)) == pytest.approx(-11.16, abs=0.01)


def test_no_mart_and_no_model_carries_a_number_of_the_article(marts: duckdb.DuckDBPyConnection) -> None:
    project = Path(__file__).parents[2] / "dbt_project"
    sql = "\n".join(path.read_text(encoding="utf-8") for path in project.rglob("models/**/*.sql"))
    for figure in ("544.9", "434.1", "13.37", "71422", "69950", "62600", "73100"):
        assert figure not in sql


def test_a_person_sees_that_the_scenario_is_simulated(marts: duckdb.DuckDBPyConnection, scenario_home: Path) -> None:
    assert marts.execute("select is_simulated from dim_origin").fetchone() == (True,)
    assert "SIMULATED DATA" in (scenario_home / "report" / "index.html").read_text(encoding="utf-8")
