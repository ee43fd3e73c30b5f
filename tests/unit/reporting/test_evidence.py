"""Why the board says what it says, in both languages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reporting.board import Reading, Threshold
from reporting.changes import changes
from reporting.evidence import bucket_evidence, compares, condition_evidence, regime_reason, waiting_for
from reporting.localization import Words
from reporting.published import open_published, read_board
from tests.unit.reporting.warehouses import DAY


def plain(text):
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def bucket_of(board, name):
    return next(bucket for bucket in board.buckets if bucket.bucket == name)


def reading(board, signal_id, **fields):
    return replace(board.readings["rr25_30d"], signal_id=signal_id, unit="%", decimals=1, **fields)


def test_evidence_is_the_rules_that_hold_with_their_readings_and_days(board):
    options = bucket_of(board, "options")
    assert plain(bucket_evidence(Words("en"), board, options)) == (
        "25-delta risk reversal, 30 days ≤ −8 vol [−9.4 vol, 2026-02-06]"
    )
    assert (
        plain(bucket_evidence(Words("zh"), board, options))
        == "25Δ风险逆转(30日) ≤ −8 波动率点 [−9.4 波动率点, 2026-02-06]"
    )


def test_evidence_names_what_was_skipped(board):
    macro = bucket_of(board, "macro")
    assert bucket_evidence(Words("en"), board, macro) == "skipped, no reading: S&P and Nasdaq, five days"
    derivatives = bucket_of(board, "derivatives")
    assert bucket_evidence(Words("en"), board, derivatives) == "no rule holds"


def test_an_unknown_bucket_waits_for_its_primary(board):
    macro = bucket_of(board, "macro")
    assert waiting_for(Words("en"), board, macro) == "a fresh reading of S&P and Nasdaq, five days, none has come yet"
    seen = replace(macro, primary=replace(macro.primary, observed_date=DAY - timedelta(days=6)))
    assert waiting_for(Words("en"), board, seen).endswith("the last is of 2026-01-31")
    assert waiting_for(Words("zh"), board, macro).startswith("标普与纳指五日的新读数")


def test_a_bucket_that_lacks_a_reading_says_what_it_could_be(board):
    macro = replace(bucket_of(board, "macro"), waiting_for="at best bull, at worst neutral; lacks something")
    assert waiting_for(Words("en"), board, macro) == "at best bull, at worst neutral; lacks S&P and Nasdaq, five days"
    assert waiting_for(Words("zh"), board, macro).startswith("最好为看涨，最差为中性；缺少")


def test_a_stand_in_names_what_it_stands_for(board):
    options = replace(bucket_of(board, "options"), primary=board.readings["dvol"], waiting_for="something")
    assert waiting_for(Words("en"), board, options) == "25-delta risk reversal, 30 days; DVOL stands in"


def test_a_bucket_that_waits_for_nothing_says_nothing(board):
    assert waiting_for(Words("en"), board, bucket_of(board, "options")) is None


def test_a_condition_says_each_clause_and_whether_it_holds(board):
    words = Words("en")
    assert plain(condition_evidence(words, board, board.conditions["H2"])) == (
        "days since the last capitulation > 7 [1, 2026-02-06]: no"
    )
    assert condition_evidence(words, board, board.conditions["H1"]) == "no reading of Macro"


def test_a_rally_is_told_from_the_fall_and_the_low_after_it(board):
    rally = replace(board, regime=replace(board.regime, low_since_fall_usd=60_000.0))
    assert plain(regime_reason(Words("en"), rally)) == (
        "rebound since 2026-02-06 from the low of 60 000 USD after the fall of 2026-02-05"
    )
    assert "60 000 美元" in plain(regime_reason(Words("zh"), rally))


@pytest.fixture
def capitulation(board):
    """The day of a fall on which three families of evidence speak, one of them by its stand-in."""
    readings = {
        **board.readings,
        "btc_return_1d_pct": reading(board, "btc_return_1d_pct", name_en="Bitcoin, one day", value=-14.4),
        "liquidations_usd": reading(board, "liquidations_usd", name_en="Liquidations", value=1e9, percentile_365d=99.7),
        "realized_loss_usd": reading(board, "realized_loss_usd", value=None, percentile_365d=None),
        "net_realized_pnl_7d_usd": reading(board, "net", name_en="Net P/L", value=-1e9, percentile_365d=2.0),
        "futures_oi_change_3d_pct": reading(board, "oi", name_en="Open interest", value=-9.2, percentile_365d=40.0),
    }
    thresholds = {
        "liquidations_percentile": Threshold(">=", 95),
        "net_pnl_percentile": Threshold("<=", 5),
        "realized_loss_percentile": Threshold(">=", 95),
        "open_interest_percentile": Threshold("<=", 5),
        "open_interest_change_pct": Threshold("<=", -8),
        "skew_vol_points": Threshold("<=", -9),
    }
    regime = replace(board.regime, regime="capitulation", fall_date=board.signal_date)
    return replace(board, regime=regime, readings=readings, thresholds=thresholds)


def test_a_capitulation_names_the_figures_that_speak_for_it_and_no_others(capitulation):
    said = plain(regime_reason(Words("en"), capitulation))
    assert said.split("; ") == [
        "Bitcoin −14.4 % on the day",
        "Liquidations at percentile 100 of its year (2026-02-06)",
        "Net P/L (standing in) at percentile 2 of its year (2026-02-06)",
        "25-delta risk reversal, 30 days −9.4 vol (2026-02-06)",
    ]


def test_the_day_after_a_fall_says_so(capitulation):
    after = replace(capitulation, regime=replace(capitulation.regime, fall_date=DAY - timedelta(days=1)))
    assert regime_reason(Words("en"), after) == "the day after the fall of 2026-02-05"


def test_too_little_known_names_what_is_missing(board):
    unknown = replace(board, regime=replace(board.regime, regime="unknown", buckets_known=3))
    assert regime_reason(Words("en"), unknown) == "too little is known: 3 of 7 buckets; missing: Macro"
    no_price = replace(unknown, regime=replace(unknown.regime, btc_close_usd=None))
    assert regime_reason(Words("en"), no_price) == "the price of the day is not known"


def test_any_other_regime_is_told_by_its_counts(board):
    calm = replace(board, regime=replace(board.regime, regime="stabilizing"))
    assert regime_reason(Words("en"), calm) == "0 bull and 5 bear among 6 known buckets; 0 of H1–H3 hold today"


def test_a_condition_that_is_unknown_is_not_counted_as_one_that_does_not_hold(board):
    conditions = {**board.conditions, "H2": replace(board.conditions["H2"], holds=None)}
    unsure = replace(board, regime=replace(board.regime, regime="stabilizing"), conditions=conditions)
    said = regime_reason(Words("en"), unsure)
    assert said == "0 bull and 5 bear among 6 known buckets; 0 of H1–H3 hold today (2 known)"


def test_for_the_public_the_reason_is_left_out(board):
    assert regime_reason(Words("en"), replace(board, is_public=True)) is None


@pytest.mark.parametrize(
    ("operator", "outcomes"), [("<", [True, False, False]), ("<=", [True, True, False]), (">", [False, False, True])]
)
def test_thresholds_compare_as_the_rules_write_them(operator, outcomes):
    assert [compares(value, operator, 5.0) for value in (4.0, 5.0, 6.0)] == outcomes


def test_changes_name_what_is_different_and_say_when_nothing_is(published, board):
    with open_published(published) as warehouse:
        yesterday = warehouse.board(DAY - timedelta(days=1))
    said = [plain(each) for each in changes(Words("en"), board, yesterday)]
    assert said[0] == "Regime: Capitulation → Relief rally"
    assert said[1].startswith("Close: 69 200 USD → 69 950 USD (+1.1 %)")
    assert "H1 the macro rebound lasts: unknown → no" in said
    assert "R1 option money leans to the downside: unknown → yes" in said
    assert [plain(each) for each in changes(Words("en"), board, board)] == [
        "Regime unchanged: Relief rally, day 1",
        "Close: 69 950 USD → 69 950 USD (0.0 %)",
        "No bucket changed its state",
    ]


def test_a_bucket_that_turned_is_named(board):
    options = bucket_of(board, "options")
    before = replace(board, buckets=tuple(replace(b, state="neutral") if b is options else b for b in board.buckets))
    assert "Options: neutral → bear" in changes(Words("en"), board, before)
    assert "期权\uff1a中性 → 看跌" in changes(Words("zh"), board, before)


def test_a_reading_has_the_fields_that_trace_it(board):
    flow: Reading = board.readings["etf_net_flow_usd"]
    assert (flow.provider, flow.known_at_basis, flow.publishable) == ("farside", "observed", False)


def test_an_earlier_board_reads_the_same_way(published):
    assert read_board(published, DAY - timedelta(days=2)).regime.fall_date is None
