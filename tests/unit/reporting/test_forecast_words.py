"""The forecast in words: by side, in whole numbers, with its record; never as a promise."""

import re
from dataclasses import replace
from datetime import date

import pytest

from reporting.forecast import Chances, Horizon, PublishedForecast, PublishedSkill
from reporting.forecast_words import crossed, in_hundred, lines, table
from reporting.localization import LANGUAGES, Words

EN, ZH = Words("en"), Words("zh")
LEVEL = Chances(70_000.0, "level", "from_above", 0.503, 0.931, 0.192, 0.0006)
SKILL = PublishedSkill(date(2026, 2, 5), "backtest", "random_walk", 9.4, 4.2, 12.4, 27.4, 0.59, 0.91, None, "better")
OPTIONS = PublishedSkill(date(2026, 2, 5), "backtest", "options", -0.1, -2.3, 2.2, 27.4, 0.59, 0.91, None, "no_skill")
HORIZON = Horizon(
    *(21, date(2026, 2, 27), "backtest", "rescaled-history-1", "bitstamp.spot_history_1d", "dvol"),
    *(56_800.0, 64_800.0, 70_500.0, 76_600.0, 92_200.0),
    *((LEVEL,), (SKILL, OPTIONS)),
)
FORECAST = PublishedForecast(date(2026, 2, 6), (HORIZON,), "ab12")


def said(forecast: PublishedForecast | None, words: Words = EN) -> str:
    return "\n".join(lines(words, forecast))


def with_horizon(**changes: object) -> PublishedForecast:
    return replace(FORECAST, horizons=(replace(HORIZON, **changes),))


def test_the_level_is_asked_about_in_frequencies() -> None:
    text = said(FORECAST)
    assert "Does 70\u202f000 USD hold? 19 in 100: every daily close of the next 21 days at or above it." in text
    assert "93 in 100: trades there. 50 in 100: closes below it on 27 February 2026." in text
    assert "Half of the outcomes between 64\u202f800 and 76\u202f600 USD, nine in ten between 56\u202f800 and" in text


def test_the_record_stands_beside_the_number_and_names_what_it_does_not_beat() -> None:
    text = said(FORECAST)
    assert (
        "Record to 5 February 2026, 21 days (computed afterwards): of what was said to be 90 in 100, 91 happened"
        in text
    )
    assert (
        "better than a random walk by 9 % (+4 to +12); no better than the volatility index DVOL alone here (−2 to +2 %)"
        in text
    )


def test_live_and_back_test_are_told_apart() -> None:
    live = with_horizon(record=(replace(SKILL, origin="live"),))
    assert "computed afterwards" not in said(live)
    assert "事后计算" in said(FORECAST, ZH)


def test_few_windows_judge_nothing() -> None:
    text = said(with_horizon(record=(replace(SKILL, verdict="too_few", independent_windows=5.6),)))
    assert "Too few independent windows to judge (5.6)." in text
    assert "better" not in text


@pytest.mark.parametrize(
    ("verdict", "english", "chinese"), [("too_narrow", "too narrow", "偏窄"), ("too_wide", "too wide", "偏宽")]
)
def test_intervals_of_the_wrong_width_are_called_so(verdict: str, english: str, chinese: str) -> None:
    forecast = with_horizon(record=(replace(SKILL, coverage_verdict=verdict),))
    assert english in said(forecast)
    assert chinese in said(forecast, ZH)


def test_a_level_over_the_price_is_asked_about_from_below() -> None:
    over = replace(LEVEL, side="from_below", prob_touch=0.4, prob_holds=0.001, prob_stays_below=0.7)
    text = said(with_horizon(chances=(over,)))
    assert "Is 70\u202f000 USD regained? 70 in 100: every daily close of the next 21 days at or below it." in text
    assert "hold?" not in text


def test_what_may_not_be_passed_on_is_not_said() -> None:
    nothing = dict.fromkeys(("p05_usd", "p25_usd", "p50_usd", "p75_usd", "p95_usd"))
    text = said(with_horizon(chances=(replace(LEVEL, strike_usd=None),), **nothing))
    assert not re.search(r"\d{2}\u202f?\d{3}", text)
    assert "Does the level hold?" in text


def test_no_forecast_says_why() -> None:
    assert "not enough history" in said(None)
    assert "日线历史不足" in said(None, ZH)


@pytest.mark.parametrize(
    ("chance", "english"),
    [(0.0008, "under 1 in 100"), (0.995, "over 99 in 100"), (0.5, "50 in 100"), (0.01, "1 in 100")],
)
def test_ends_are_never_certain(chance: float, english: str) -> None:
    assert in_hundred(EN, chance) == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_never_promises(language: str) -> None:
    text = said(FORECAST, Words(language)).lower()
    assert not re.search(r"\b(will|signal|target|should|likely)\b|将|有望|看涨目标", text)


def test_the_table_has_a_row_a_price_and_leaves_round_ones_out() -> None:
    rows = list(table(EN, with_horizon(chances=(LEVEL, replace(LEVEL, role="round", strike_usd=65_000.0)))))
    assert rows == [("21", "level 70\u202f000 USD", "50 in 100", "93 in 100", "at or above: 19 in 100")]


@pytest.mark.parametrize(("chance", "english", "chinese"), [(0.6, "rose over", "升破"), (0.4, "fell under", "跌破")])
def test_a_crossed_line_is_said_with_both_chances(chance: float, english: str, chinese: str) -> None:
    now = replace(LEVEL, prob_close_below=chance)
    text = crossed(EN, 21, LEVEL, now, 50)
    assert english in text
    assert f"{round(100 * chance)} in 100, 50 in 100 the day before" in text
    said = crossed(ZH, 21, LEVEL, now, 50)
    assert f"概率{chinese} 50%：100 次中约 {round(100 * chance)} 次，前一日 100 次中约 50 次。" in said
