"""Numbers, rules and sentences in both languages."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import reporting
from reporting.localization import Words, number, signed, threshold
from reporting.published import read_board
from tests.unit.reporting.warehouses import publish

THIN = "\u202f"


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (None, "USD", 0, "–"),
        (69_950, "USD", 0, f"69{THIN}950 USD"),
        (-434.1e6, "USD", 0, "−434.1 m USD"),
        (49.1e9, "USD", 0, "49.10 bn USD"),
        (-0.0061, "%", 4, "−0.0061 %"),
        (-9.42, "vol points", 1, "−9.4 vol"),
        (0.98, "ratio", 3, "0.980"),
        (33.4, "USD/PH/s/day", 2, "33.40 USD/PH/s/day"),
        (3.14159, None, None, "3.14"),
    ],
)
def test_numbers_carry_their_unit(value, unit, decimals, text):
    assert number(value, unit, decimals) == text


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (-434.1e6, "USD", 0, "−4.34 亿美元"),
        (50.2e6, "USD", 0, f"5{THIN}020 万美元"),
        (69_950, "USD", 0, f"69{THIN}950 美元"),
        (-9.42, "vol points", 1, "−9.4 波动率点"),
        (33.4, "USD/PH/s/day", 2, "33.40 美元/PH/s/日"),
    ],
)
def test_chinese_counts_in_ten_thousands(value, unit, decimals, text):
    assert number(value, unit, decimals, "zh") == text


def test_a_unit_can_be_kept_on_the_line_of_its_number():
    assert Words("en", binds_units=True).money(1e9) == "1.00\u00a0bn\u00a0USD"


def test_a_difference_shows_its_sign():
    assert signed(1.42, "vol points", 1) == "+1.4 vol"
    assert signed(-1.42, "vol points", 1) == "−1.4 vol"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(-8.0, "vol points", "−8 vol"), (-0.005, "%", "−0.005 %"), (-400e6, "USD", "−400 m USD"), (5, "percentile", "5")],
)
def test_thresholds_are_written_as_the_analyst_wrote_them(value, unit, text):
    assert threshold(value, unit) == text


def test_every_text_is_there_in_both_languages():
    texts = tomllib.loads((Path(reporting.__file__).parent / "texts.toml").read_text(encoding="utf-8"))
    for section, entries in texts.items():
        for key, entry in entries.items():
            if section != "headlines":
                assert set(entry) == {"en", "zh"}, f"{section}.{key}"


def test_a_language_without_texts_is_refused():
    with pytest.raises(ValueError, match="no texts in 'de'"):
        Words("de")


def test_a_key_without_a_text_speaks_for_itself():
    assert Words("en").say("states", "brand_new") == "brand new"


def test_rules_of_a_group_are_joined_and_marked(board):
    mining = next(bucket for bucket in board.buckets if bucket.bucket == "mining")
    assert Words("en").rules(mining.continues, board.readings, mining.primary) == [
        "✓ 365-day percentile ≤ 5 and ✗ ≤ 30 USD/PH/s/day"
    ]


def test_rules_can_show_what_they_were_held_against(board):
    rules = [rule for bucket in board.buckets for rule in (*bucket.confirms, *bucket.continues)]
    rules += [rule for condition in board.conditions.values() for rule in condition.rules]
    lines = Words("en").rules(rules, board.readings, with_values=True)
    assert "✓ Spot ETF net flow ≤ −400 m USD for 2 readings [−434.1 m USD]" in lines
    assert any(line.startswith("✓ Hashprice 365-day percentile ≤ 5 [4] and ✗ Hashprice") for line in lines)
    assert "? S&P and Nasdaq, five days ≥ 0 % for 3 readings" in lines
    assert "✗ days since the last capitulation > 7 [1]" in lines
    bullish = replace(board.conditions["H1"].rules[0], value=2.0, holds=True)
    assert Words("en").rules([bullish], board.readings, with_values=True) == ["✓ Macro: cross-asset risk = bull [bull]"]


def test_a_refuting_rule_is_an_exception(board):
    refuting = replace(board.conditions["R3"].rules[0], direction="refutes")
    assert Words("en").rules([refuting], board.readings) == ["unless ✓ Spot ETF net flow < 0 USD"]


def test_rules_on_another_signal_name_it(board):
    flows = next(bucket for bucket in board.buckets if bucket.bucket == "flows")
    assert Words("en").rules(flows.continues, board.readings, flows.primary) == [
        "✓ Spot ETF net flow ≤ −400 m USD for 2 readings"
    ]
    assert Words("zh").rules(flows.continues, board.readings, flows.primary) == [
        "✓ 现货ETF净流量 ≤ −4 亿美元 连续 2 次读数"
    ]


def test_rules_on_states_say_the_state(board):
    (rule,) = board.conditions["H1"].rules
    assert Words("en").rule(rule, board.readings) == "Macro: cross-asset risk = bull"
    (rule,) = board.conditions["H2"].rules
    assert Words("en").rule(rule, board.readings) == "days since the last capitulation > 7"


def test_freshness_tells_age_and_what_may_still_change(board):
    words = Words("en")
    assert words.freshness(board.readings["rr25_30d"]) == "2026-02-06"
    assert words.freshness(board.readings["etf_net_flow_usd"]) == "2026-02-05, 1 d old, not final"
    assert words.freshness(board.readings["equities_return_5d_pct"]) == "not known"


def test_a_flip_says_how_far_what_else_it_needs_and_where_to(board):
    words = Words("en")
    flips = {bucket.bucket: words.flip(bucket, board.readings) for bucket in board.buckets}
    assert flips["derivatives"] == "+0.0061 % → neutral"
    also = "needs also +3.2 vol · 25-delta risk reversal, 7 days"
    assert flips["options"] == f"+1.5 vol, {also} → worsening"
    assert flips["leverage"] == "already met, then 1 more reading → bull"
    assert flips["flows"] == "+34.2 m USD · Spot ETF net flow → improving"
    assert flips["onchain"] == "no change of readings flips it"
    assert flips["mining"] == "+1.50 USD/PH/s/day → improving"
    assert flips["macro"] == "–"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "69 950 USD is 0.1 % below the level 70 000 USD, inside the cluster 66 900–70 600 USD"),
        ({"btc_close_usd": 77_000.0}, "77 000 USD is 10.0 % above the level 70 000 USD, above the cluster"),
        ({"btc_close_usd": 63_000.0}, "63 000 USD is 10.0 % below the level 70 000 USD, below the cluster"),
        ({"level_usd": None}, "69 950 USD, no level is in force"),
        ({"btc_close_usd": None}, "the price of the day is not known"),
    ],
)
def test_price_against_level_and_cluster(board, change, sentence):
    changed = replace(board, regime=replace(board.regime, **change))
    assert Words("en").price(changed).replace(THIN, " ").startswith(sentence)


def test_price_without_a_cluster_says_nothing_of_one(board):
    changed = replace(board, regime=replace(board.regime, cluster_low_usd=None))
    assert Words("en").price(changed).endswith("70 000 USD")


def test_the_next_condition_is_named_with_its_truth(board, tmp_path):
    assert Words("en").next_condition(board) == "S1: macro risk appetite holds (unknown)"
    all_met = read_board(publish(tmp_path / "leadline.duckdb", next_condition=None))
    assert Words("en").next_condition(all_met) == "none, S1–S3 are all met"


def test_since_counts_days(board):
    assert Words("en").since(board) == "since 6 February 2026, day 1"
    assert Words("zh").since(board) == "自 2026 年 2 月 6 日起\uff0c第 1 天"


def test_axis_numbers_go_without_their_unit():
    words = Words("en")
    assert words.short(1.5e9) == "1.5 bn"
    assert words.short(-2.5e6) == "−2.5 m"
    assert Words("zh").short(4.5e8) == "4.5亿"
