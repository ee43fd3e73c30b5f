"""The forecast step on a real build file: append-only, live or back-test, as known at the cut-off, small."""

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from analytics.forecast import METHOD
from pipeline import forecast as step
from pipeline.forecast_record import record
from sources.registry import DATASETS
from tests.unit.analytics.price_paths import bars
from tests.unit.pipeline.forecast_home import board, home_with, load, midnight
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.rebuild import rebuild

DAYS = 1500  # to 2018-05-09
LAST = date(2014, 4, 1) + timedelta(days=DAYS - 1)
SOON = midnight(LAST) + timedelta(days=1, minutes=30)


def table(home: Home, name: str) -> pl.DataFrame:
    with Warehouse(home) as warehouse:
        return warehouse.connection.sql(f"select * from {name} order by all").pl()


def run(home: Home, at: datetime = SOON) -> step.Made:
    with Warehouse(home) as warehouse:
        return step.forecast(warehouse, code_version="test", issued_at=at)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_with(tmp_path_factory.mktemp("forecast"), DAYS, implied_days=100)
    made = run(home)
    assert made.head is not None
    return home


def test_the_newest_day_is_live_and_all_before_it_are_back_tests(filled: Home) -> None:
    log = table(filled, "raw.forecast_log")
    assert log.filter(pl.col("origin") == "live")["forecast_date"].unique().to_list() == [LAST]
    assert sorted(log.filter(pl.col("forecast_date") == LAST)["horizon_days"]) == [7, 21, 90]
    assert log["forecast_date"].min() == date(2018, 1, 1)
    assert log["price_source"].unique().to_list() == ["bitstamp.spot_history_1d"]
    assert log.filter(pl.col("implied_used") == "dvol")["forecast_date"].n_unique() == 100


def test_live_rows_hold_their_quantiles_and_back_tests_keep_them_in_a_file_beside(filled: Home) -> None:
    log = table(filled, "raw.forecast_log")
    live, back = log.filter(pl.col("origin") == "live"), log.filter(pl.col("origin") == "backtest")
    assert live["close_moves"].list.len().to_list() == [199] * 3
    assert back["close_moves"].null_count() == back.height
    beside = pl.read_parquet(filled.path / "forecast" / "backtest_quantiles.parquet")
    joined = back.join(beside, on=["method", "price_source", "horizon_days", "pool_until"], how="left")
    assert joined["close_quantiles"].null_count() == 0
    row = joined.row(17, named=True)
    move = row["close_quantiles"][49] * row["sigma_pct"] / 100 * (row["horizon_days"] / 365) ** 0.5
    assert row["spot_usd"] * 2.718281828459045**move == pytest.approx(row["p25_usd"], rel=1e-6)


def test_level_and_cluster_are_asked_of_every_board_day_and_round_prices_of_live_ones(filled: Home) -> None:
    said = table(filled, "raw.forecast_strike_log")
    assert said.filter(pl.col("role") == "level")["forecast_date"].n_unique() == 30
    assert said.filter(pl.col("role") == "round")["forecast_date"].unique().to_list() == [LAST]
    of_close_only = said.filter(pl.col("horizon_days") == 90)
    assert of_close_only["prob_close_below"].null_count() == 0
    assert of_close_only["prob_touch"].null_count() == of_close_only.height


def test_a_second_run_appends_nothing(filled: Home) -> None:
    before = table(filled, "raw.forecast_log")
    made = run(filled, SOON + timedelta(hours=3))
    assert (made.live, made.backtest, made.head) == (0, 0, None)
    assert table(filled, "raw.forecast_log").equals(before)


def test_outcomes_are_settled_once_and_scored(filled: Home) -> None:
    with Warehouse(filled) as warehouse:
        first = record(warehouse)
        assert record(warehouse).ended == 0
        assert record(warehouse).scores == 0
    log = table(filled, "raw.forecast_log")
    ended = log.filter(pl.col("target_date") <= LAST).height
    assert first.ended == ended
    outcomes = table(filled, "analytics.forecast_outcome")
    assert outcomes.filter(pl.col("forecaster") == METHOD).height == ended
    assert outcomes["forecaster"].n_unique() == 5
    scores = table(filled, "analytics.forecast_score")
    few = scores.filter(pl.col("independent_windows") < 20)
    assert few.height > 0
    assert set(few["verdict"]) == {"too_few"}


def test_a_rebuild_from_landing_brings_the_log_back(tmp_path: Path) -> None:
    home = home_with(tmp_path, DAYS)
    run(home)
    names = ("raw.forecast_log", "raw.forecast_strike_log", "raw.forecast_head")
    before = [table(home, name) for name in names]
    home.build_file.unlink()
    rebuild(home, DATASETS)
    for name, kept in zip(names, before, strict=True):
        assert table(home, name).equals(kept)


def test_what_was_landed_before_a_run_was_cut_off_is_taken_in_and_not_said_twice(tmp_path: Path) -> None:
    home = home_with(tmp_path, DAYS)
    before = home.build_file.read_bytes()
    run(home)
    said = table(home, "raw.forecast_log")
    home.build_file.write_bytes(before)  # the run landed its rows and was killed before it committed them
    assert run(home).head is None
    assert table(home, "raw.forecast_log").equals(said)


def test_a_correction_that_comes_later_changes_no_row_and_is_seen_from_then_on(tmp_path: Path) -> None:
    home = home_with(tmp_path, DAYS)
    run(home)
    said = table(home, "raw.forecast_log")
    rows = bars(DAYS + 1, implied_days=0)
    wrong = pl.col("date") == LAST - timedelta(days=3)
    corrected = rows.with_columns(high_usd=pl.when(wrong).then(pl.col("high_usd") * 1.2).otherwise("high_usd"))
    next_day = LAST + timedelta(days=1)
    load(home, corrected.tail(10), midnight(next_day) + timedelta(days=1, minutes=20))
    board(home, next_day)
    made = run(home, midnight(next_day) + timedelta(days=1, minutes=30))
    assert made.live == 3
    log = table(home, "raw.forecast_log")
    assert log.filter(pl.col("forecast_date") <= LAST).equals(said)
    untouched = home_with(tmp_path / "other", DAYS + 1)
    run(untouched, midnight(next_day) + timedelta(days=1, minutes=30))
    of_next = pl.col("forecast_date") == next_day
    other = table(untouched, "raw.forecast_log").filter(of_next, pl.col("horizon_days") == 7)["sigma_pct"][0]
    assert log.filter(of_next, pl.col("horizon_days") == 7)["sigma_pct"][0] > other


def test_a_missed_day_is_only_ever_a_back_test(tmp_path: Path) -> None:
    home = home_with(tmp_path, DAYS)
    made = run(home, SOON + timedelta(days=5))
    assert made.live == 0
    assert made.backtest > 0


def test_short_history_says_which_horizons_it_cannot_answer(tmp_path: Path) -> None:
    home = home_with(tmp_path, 1374)  # to 2018-01-03, with a hole that costs ninety paths
    last = date(2014, 4, 1) + timedelta(days=1373)
    with Warehouse(home) as warehouse:
        warehouse.connection.execute("delete from raw.bitstamp__spot_history_1d where open_time < '2014-08-01'")
        made = step.forecast(warehouse, code_version="test", issued_at=midnight(last) + timedelta(days=1, hours=1))
    assert made.too_short == (90,)
    assert made.live == 2


def test_a_year_of_live_rows_stays_under_five_megabytes(filled: Home, tmp_path: Path) -> None:
    """A year of log and prices in a file of their own, with other numbers each day."""
    target = tmp_path / "year.duckdb"
    moves = ", ".join(
        f"list_transform({name}_moves, lambda move: cast(move * (0.5 + random()) as float)) as {name}_moves"
        for name in ("close", "low", "high", "lowest_close", "highest_close")
    )
    with Warehouse(filled) as warehouse:
        connection = warehouse.connection
        connection.execute(f"attach '{target}' as year")
        for name, changed in (
            (
                "forecast_log",
                f"replace ({moves}, spot_usd * random() as spot_usd, sha256(day::varchar) as inputs_sha256)",
            ),
            ("forecast_strike_log", "replace (cast(prob_touch * random() as float) as prob_touch)"),
        ):
            connection.execute(
                f"create table year.{name} as select * exclude (day) {changed} from "
                f"(select * from raw.{name} where origin = 'live') cross join range(365) as days (day)"
            )
        assert connection.execute("select count(*) from year.forecast_log").fetchone() == (3 * 365,)
        connection.execute("detach year")
    assert target.stat().st_size < 5_000_000
