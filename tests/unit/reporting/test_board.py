"""What the board reads from the marts."""

from datetime import date, timedelta

import duckdb
import pytest

from reporting.board import CONDITIONS
from reporting.published import BoardError, open_published, read_board
from tests.unit.reporting.warehouses import DAY, FIRST_DAY, publish


def test_the_newest_date_is_the_default(board):
    assert board.signal_date == DAY
    assert board.is_simulated
    assert board.origin == "simulated February 2026 (bundled scenario)"


def test_a_regime_lasts_since_the_day_after_the_last_other_one(published):
    assert read_board(published).regime.since == DAY
    assert read_board(published, DAY - timedelta(days=1)).regime.since == DAY - timedelta(days=1)
    assert read_board(published, DAY - timedelta(days=30)).regime.since == FIRST_DAY


def test_the_last_fall_is_as_many_days_ago_as_the_rules_count(board):
    assert board.regime.fall_date == DAY - timedelta(days=1)


def test_buckets_come_in_the_order_of_the_article(board):
    named = ["derivatives", "options", "leverage", "flows", "onchain", "mining", "macro"]
    assert [bucket.bucket for bucket in board.buckets] == named


def test_a_bucket_carries_its_primary_reading_its_rules_and_what_flips_it(board):
    options = next(bucket for bucket in board.buckets if bucket.bucket == "options")
    assert options.primary.signal_id == "rr25_30d"
    assert [rule.rule_id for rule in options.continues] == ["options.skew_30d.value"]
    assert [rule.holds for rule in options.confirms] == [False]
    assert (options.flip_signal_id, options.flip_to_state, options.flip_readings) == ("rr25_30d", "worsening", 0)
    assert options.flip_also_needs == {"rr25_7d": -9.9}


def test_readings_are_the_ones_known_at_the_cut_off(board):
    flow = board.readings["etf_net_flow_usd"]
    assert flow.value == pytest.approx(-434.1e6)
    assert (flow.observed_date, flow.age_days, flow.is_final) == (date(2026, 2, 5), 1, False)
    assert board.readings["equities_return_5d_pct"].value is None


def test_conditions_have_their_rules_and_evidence(board):
    assert tuple(board.conditions) == CONDITIONS
    assert board.conditions["S1"].holds is None
    assert board.conditions["R3"].holds is True
    assert [rule.rule_id for rule in board.conditions["R3"].rules] == ["R3.month.value"]
    assert board.conditions["R3"].evidence == "evidence of R3"


def test_a_date_before_the_marts_know_rules_still_has_a_board(published):
    earlier = read_board(published, DAY - timedelta(days=2))
    assert earlier.buckets == ()
    assert earlier.conditions["H1"].holds is None


def test_sources_are_the_datasets_in_the_order_of_their_buckets(published):
    with open_published(published) as warehouse:
        assert [row["dataset_id"] for row in warehouse.sources()] == ["farside.etf_flow", "binance.spot_candle_1d"]


def test_an_absent_warehouse_says_how_to_make_one(tmp_path):
    with pytest.raises(BoardError, match=r"no published warehouse at .*leadline run"):
        read_board(tmp_path / "leadline.duckdb")


def test_a_date_outside_the_warehouse_says_what_there_is(published):
    with pytest.raises(BoardError, match="holds 2025-10-01 to 2026-02-06"):
        read_board(published, date(2027, 1, 1))


def test_an_empty_warehouse_says_so(tmp_path):
    path = publish(tmp_path / "leadline.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from marts.fct_regime_daily")
    with pytest.raises(BoardError, match="no signal date yet"):
        read_board(path)


def test_a_file_of_another_version_says_what_to_do(tmp_path):
    path = publish(tmp_path / "leadline.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop table marts.fct_rule_daily")
    with pytest.raises(BoardError, match=r"another version of Leadline.*leadline build"):
        read_board(path)


def test_readers_never_write(published):
    with open_published(published) as warehouse, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        warehouse.rows("create table marts.mine (n integer)")
