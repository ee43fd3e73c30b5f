"""What surrounds the board of a date."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from reporting.context import (
    CalendarEvent,
    Expiry,
    Strike,
    Tenor,
    is_monthly_ahead,
    read_context,
    read_contexts,
    read_history,
)
from reporting.published import open_published
from reporting.view import View
from tests.unit.reporting.warehouses import DAY, FIRST_DAY, HASHPRICE


@pytest.fixture(scope="module")
def context(published):
    with open_published(published) as warehouse:
        return read_context(warehouse, warehouse.board())


def test_history_ends_on_the_date_and_keeps_gaps(published):
    with open_published(published) as warehouse:
        history = read_history(warehouse, warehouse.board(DAY - timedelta(days=1)))
    assert history.close.dates[-1] == DAY - timedelta(days=1)
    assert None in history.close.values
    assert FIRST_DAY + timedelta(days=3) not in dict(history.close.known)
    assert history.regimes[-1][1] == "capitulation"


def test_regimes_running_are_one_stretch(context):
    stretches = context.history.stretches
    assert [(each.first, each.last, each.regime) for each in stretches] == [
        (FIRST_DAY, DAY - timedelta(days=2), "stabilizing"),
        (DAY - timedelta(days=1), DAY - timedelta(days=1), "capitulation"),
        (DAY, DAY, "relief_rally"),
    ]


def test_a_bucket_is_drawn_by_its_primary_and_the_signal_that_most_rules_hold_against_a_number(context):
    assert context.history.panels["flows"] == ("etf_net_flow_5d_bp", "etf_net_flow_usd")
    # A percentile is no number on the axis of its signal.
    assert context.history.panels["mining"] == (HASHPRICE,)
    assert [value for _, value in context.history.signals["rr25_30d"].known][-1] == -9.42


def test_options_are_those_of_the_date_with_earlier_curves_beside_them(context):
    assert {ago: [tenor.tenor_days for tenor in curve] for ago, curve in context.tenors.items()} == {
        0: [7, 30, 90],
        7: [7, 90],
    }
    assert [expiry.expiry for expiry in context.expiries] == [date(2026, 2, 13), date(2026, 2, 27)]
    assert context.monthly is not None
    assert context.monthly.expiry == date(2026, 2, 27)
    assert context.monthly.puts_btc == 20_000
    assert context.monthly.calls_btc == 5_001


def test_the_smile_is_what_risk_reversal_and_butterfly_say():
    put, atm, call = Tenor(30, 66.0, -9.0, 2.0).smile
    assert (put, atm, call) == (72.5, 66.0, 63.5)
    assert call - put == -9.0  # the definition of the risk reversal
    assert (put + call) / 2 - atm == 2.0  # and of the butterfly
    assert Tenor(30, 66.0, None, 2.0).smile == (None, 66.0, None)


def test_puts_below_the_level_are_a_share_of_all_puts():
    expiry = Expiry(DAY, (Strike(50_000, 3.0, 0.0), Strike(70_000, 1.0, 9.0)))
    assert expiry.puts_below_share_pct(70_000) == 75.0
    assert expiry.puts_below_share_pct(None) is None
    assert expiry.largest_put == Strike(50_000, 3.0, 0.0)
    assert Expiry(DAY, (Strike(50_000, 0.0, 1.0),)).largest_put is None


@pytest.mark.parametrize(
    ("expiry", "is_monthly"),
    [
        (date(2026, 2, 27), True),
        (date(2026, 2, 20), False),  # a Friday, not the last
        (date(2026, 2, 26), False),  # no Friday
        (date(2026, 1, 30), False),  # gone
    ],
)
def test_the_monthly_expiry_is_the_last_friday_a_week_out(expiry, is_monthly):
    assert is_monthly_ahead(expiry, DAY) is is_monthly


def test_a_monthly_expiry_within_the_week_is_not_ahead():
    assert not is_monthly_ahead(date(2026, 2, 27), date(2026, 2, 21))


def test_yesterday_is_the_day_before_and_the_calendar_reaches_back_a_fortnight(context):
    assert context.yesterday is not None
    assert context.yesterday.signal_date == DAY - timedelta(days=1)
    assert [event.kind for event in context.events] == ["policy", "option expiry", "CPI"]
    assert [move.return_pct for move in context.moves] == [-14.4, 11.7]


def test_the_first_date_has_no_yesterday(published):
    with open_published(published) as warehouse:
        assert read_context(warehouse, warehouse.board(FIRST_DAY)).yesterday is None


def test_many_dates_at_once_are_the_same_as_one_by_one(published):
    with open_published(published) as warehouse:
        days = [DAY, DAY - timedelta(days=1)]
        alone = [warehouse.board(day) for day in days]
        together = list(warehouse.boards(days))
        assert together == alone
        assert list(read_contexts(warehouse, together)) == [read_context(warehouse, board) for board in alone]


def test_the_next_dates_are_the_ones_that_matter_and_stand_in_their_order(published, context):
    expiries = [
        CalendarEvent(DAY + timedelta(days=n), "08:00", "option expiry", "Options expire", None) for n in (1, 2, 3)
    ]
    rates = CalendarEvent(DAY + timedelta(days=9), "19:00", "FOMC", "Decision on rates", None)
    prices = CalendarEvent(DAY + timedelta(days=5), "13:30", "CPI", "US Consumer Price Index", None)
    far = CalendarEvent(DAY + timedelta(days=90), "19:00", "FOMC", "Decision on rates", None)
    with open_published(published) as warehouse:
        view = View(warehouse.board(), replace(context, events=(*expiries, prices, rates, far)), {}, "en")
    assert view.next_events() == [expiries[0], prices, rates]
