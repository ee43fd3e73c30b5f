"""What is asked, and when: pure functions over declared datasets."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from cli.request import RunRequest
from pipeline.plan import FIRST_HISTORY, RunPeriod, asks, cut_off, midnight, scheduled
from sources.core.dataset import Access, Cadence, Dataset
from sources.registry import DATASETS, dataset

START, END = midnight(date(2026, 1, 1)), cut_off(date(2026, 2, 28))


@pytest.fixture
def windowed() -> Dataset:
    return replace(dataset("binance.funding_rate"), access=Access.WINDOW, reread=timedelta(days=3), depth=None)


@pytest.fixture
def now_only() -> Dataset:
    return replace(dataset("deribit.option_chain"), access=Access.NOW, cadence=Cadence.SNAPSHOT)


def test_a_dates_figures_are_read_at_one_in_the_morning_after() -> None:
    assert cut_off(date(2026, 2, 6)) == datetime(2026, 2, 7, 1, tzinfo=UTC)


def test_windows_of_a_stand_in_are_asked_at_their_own_end_and_leave_no_gap(windowed: Dataset) -> None:
    questions = asks(windowed, RunPeriod(START, END, clocked=True))
    assert [ask.clock for ask in questions] == [ask.window.end for ask in questions]
    assert questions[0].window.start == START
    assert questions[-1].window.end == END
    for earlier, later in pairwise(questions):
        assert later.window.start == earlier.window.end - windowed.reread  # late corrections arrive
        assert later.window.end - earlier.window.end <= timedelta(days=30)


def test_a_live_provider_is_asked_in_long_windows_without_a_clock(windowed: Dataset) -> None:
    [ask] = asks(windowed, RunPeriod(START, END, clocked=False))
    assert (ask.window.start, ask.window.end, ask.clock) == (START, END, None)


def test_a_live_provider_is_not_asked_beyond_its_depth(windowed: Dataset) -> None:
    [ask] = asks(replace(windowed, depth=timedelta(days=30)), RunPeriod(START, END, clocked=False))
    assert ask.window.start == END - timedelta(days=30)


def test_a_slow_provider_is_asked_for_less_at_first_and_for_as_much_as_one_names(windowed: Dataset) -> None:
    slow = replace(windowed, first_history=timedelta(days=7))
    assert asks(slow, RunPeriod(None, END, clocked=False))[0].window.start == END - timedelta(days=7)
    assert asks(slow, RunPeriod(START, END, clocked=False))[0].window.start == START


def test_a_first_run_asks_for_the_daily_spot_bars_that_a_level_looks_back_on() -> None:
    bars = {each.provider.name: each for each in DATASETS if each.name == "spot_candle_1d"}
    for venue in ("binance", "bitstamp", "coinbase", "okx"):
        assert END - asks(bars[venue], RunPeriod(None, END, clocked=False))[0].window.start > timedelta(days=819)


def test_without_a_first_day_asking_goes_on_from_the_watermark_minus_what_is_reread(windowed: Dataset) -> None:
    watermark = datetime(2026, 2, 20, tzinfo=UTC)
    [ask] = asks(windowed, RunPeriod(None, END, clocked=False), watermark)
    assert ask.window.start == watermark - windowed.reread


def test_the_first_run_of_all_asks_for_enough_history(windowed: Dataset) -> None:
    questions = asks(windowed, RunPeriod(None, END, clocked=False))
    assert questions[0].window.start == END - FIRST_HISTORY
    assert questions[-1].window.end == END


def test_an_archive_is_asked_only_when_it_is_named_and_then_once_for_all_days(windowed: Dataset) -> None:
    archive = replace(windowed, access=Access.ARCHIVE, first_history=timedelta(days=31))
    assert asks(archive, RunPeriod(START, END, clocked=True, each_instant=True)) == []
    [ask] = asks(archive, RunPeriod(START, END, clocked=True, each_instant=True, archives=True))
    assert (ask.window.start, ask.window.end, ask.clock) == (START, END, END)
    [first] = asks(archive, RunPeriod(None, END, clocked=False, archives=True))
    assert first.window.start == END - timedelta(days=31)
    named = RunRequest("backfill", START.date(), END.date(), ("binance_vision",)).run_config
    assert named["resources"]["scope"]["config"]["archives"] is True
    assert RunRequest("refresh").run_config["resources"]["scope"]["config"]["archives"] is False


def test_a_dataset_of_now_is_asked_once_at_the_end(now_only: Dataset) -> None:
    [live] = asks(now_only, RunPeriod(START, END, clocked=False, each_instant=True))
    assert live.clock is None
    [clocked] = asks(now_only, RunPeriod(START, END, clocked=True))
    assert clocked.clock == END


def test_a_back_fill_asks_a_dataset_of_now_at_every_scheduled_instant(now_only: Dataset) -> None:
    span = RunPeriod(midnight(date(2026, 2, 5)), cut_off(date(2026, 2, 6)), clocked=True, each_instant=True)
    questions = asks(now_only, span)
    assert [f"{ask.clock:%d %H:%M}" for ask in questions] == [
        *("05 05:50", "05 11:50", "05 17:50", "05 23:50"),
        *("06 05:50", "06 11:50", "06 17:50", "06 23:50"),
    ]
    # Windows meet, so that a page that reaches back some days knows how far it has to.
    assert all(a.window.end == b.window.start for a, b in pairwise(questions))


def test_nothing_is_asked_about_the_future(windowed: Dataset) -> None:
    assert asks(windowed, RunPeriod(END, START, clocked=True)) == []


def test_the_schedule_of_a_cadence_is_the_one_that_back_fills_follow(now_only: Dataset) -> None:
    etf = replace(now_only, cadence=Cadence.ETF)
    instants = list(scheduled(etf, midnight(date(2026, 2, 6)), cut_off(date(2026, 2, 6))))
    assert [f"{instant:%H:%M}" for instant in instants] == ["04:40", "10:30"]


def test_long_history_is_asked_from_its_first_day_whatever_days_are_named() -> None:
    history = dataset("bitstamp.spot_history_1d")
    named = RunPeriod(midnight(date(2026, 1, 1)), midnight(date(2026, 2, 1)), clocked=False, each_instant=True)
    first, *others = asks(history, named)
    assert first.window.start.date() == date(2014, 4, 1)
    assert first.window.end == named.start
    assert others
    assert asks(history, named, watermark=midnight(date(2025, 12, 31))) == others
