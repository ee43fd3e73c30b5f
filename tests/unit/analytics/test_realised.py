"""Realised figures from day cells, against the same figures counted coin by coin, and against their identities."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.cost_basis import ages, distribution, stock, unspent
from analytics.realised import PRICES, MissingPricesError, dollars, flows, sopr
from chain.cells import CREATED, SPENT, fold_created, fold_spent

FIRST = date(2010, 7, 18)
DAYS = [FIRST + timedelta(days=n) for n in range(40)]


@dataclass(frozen=True)
class DayCoin:
    """One output; days are places in `DAYS`, spent None = still there."""

    created: int
    spent: int | None
    satoshi: int


@st.composite
def coins(draw):
    created = draw(st.integers(0, len(DAYS) - 1))
    # From a day earlier, for time stamps that go backwards, to the last day; amounts up to all there ever was.
    spent = draw(st.none() | st.integers(max(created - 1, 0), len(DAYS) - 1))
    return DayCoin(created, spent, draw(st.integers(0, 21 * 10**14)))


ledgers = st.lists(coins(), max_size=60)
price_lists = st.lists(st.integers(0, 20_000_000), min_size=len(DAYS), max_size=len(DAYS))


def tables(ledger):
    spent = [
        pl.DataFrame([(DAYS[c.created], DAYS[c.spent], c.satoshi, 1)], schema=SPENT, orient="row")
        for c in ledger
        if c.spent is not None
    ]
    created = [pl.DataFrame([(DAYS[c.created], c.satoshi, 1)], schema=CREATED, orient="row") for c in ledger]
    quiet = pl.DataFrame({"created_day": DAYS, "satoshi": 0, "coins": 0}, schema=CREATED)
    return fold_spent(spent), fold_created([quiet, *created])


def table_of(prices):
    return pl.DataFrame({"day": DAYS, "price_cents": prices}, schema=PRICES)


def small(ledger):
    """So that all coins together fit the integers that cells are kept in, as the money supply does."""
    return [DayCoin(c.created, c.spent, c.satoshi // 64) for c in ledger]


@given(ledgers, price_lists)
def test_flows_are_what_counting_coin_by_coin_gives(ledger, prices):
    ledger = small(ledger)
    spent, created = tables(ledger)
    rows = flows(spent, created, table_of(prices)).to_dicts()
    assert [row["day"] for row in rows] == DAYS
    for number, row in enumerate(rows):
        gone = [c for c in ledger if c.spent is not None and max(c.spent, c.created) == number]
        gains = [c.satoshi * (prices[number] - prices[c.created]) for c in gone]
        assert row["profit_satcent"] == sum(gain for gain in gains if gain > 0)
        assert row["loss_satcent"] == -sum(gain for gain in gains if gain < 0)
        assert row["spent_value_satcent"] == sum(c.satoshi for c in gone) * prices[number]
        assert row["spent_cost_satcent"] == sum(c.satoshi * prices[c.created] for c in gone)
        assert row["destroyed_satoshi_days"] == sum(c.satoshi * (number - c.created) for c in gone)
        assert row["created_satoshi"] == sum(c.satoshi for c in ledger if c.created == number)
        assert (row["spent_satoshi"], row["spent_coins"]) == (sum(c.satoshi for c in gone), len(gone))


@settings(max_examples=25)  # forty days each
@given(ledgers, price_lists)
def test_realised_cap_moves_by_issuance_and_net_realised_profit_to_the_satoshi_cent(ledger, prices):
    ledger = small(ledger)
    spent, created = tables(ledger)
    before_cap = before_supply = 0
    of_day = {row["day"]: row for row in flows(spent, created, table_of(prices)).to_dicts()}
    for day, left in unspent(spent, created, DAYS):
        [row] = stock(day, left, table_of(prices)).to_dicts()
        flow = of_day[day]
        issued = flow["created_satoshi"] - flow["spent_satoshi"]
        assert row["supply_satoshi"] - before_supply == issued
        moved = issued * flow["price_cents"] + flow["profit_satcent"] - flow["loss_satcent"]
        assert row["realized_cap_satcent"] - before_cap == moved
        assert row["market_cap_satcent"] == row["supply_satoshi"] * row["price_cents"]
        before_cap, before_supply = row["realized_cap_satcent"], row["supply_satoshi"]


@given(ledgers, price_lists, st.integers(1, 5_000_000))
def test_every_split_of_the_unspent_coins_adds_up_to_the_supply(ledger, prices, bin_cents):
    ledger = small(ledger)
    spent, created = tables(ledger)
    priced = table_of(prices)
    for number, (day, left) in zip((20, 39), unspent(spent, created, [DAYS[20], DAYS[39]]), strict=True):
        there = [c for c in ledger if c.created <= number and (c.spent is None or max(c.spent, c.created) > number)]
        [row] = stock(day, left, priced).to_dicts()
        assert row["supply_satoshi"] == sum(c.satoshi for c in there)
        assert row["loss_supply_satoshi"] == sum(c.satoshi for c in there if prices[c.created] > prices[number])
        assert row["profit_supply_satoshi"] == sum(c.satoshi for c in there if prices[c.created] < prices[number])
        bins = distribution(left, priced, bin_cents=bin_cents)
        assert bins["satoshi"].sum() == row["supply_satoshi"]
        for low, high, satoshi in bins.iter_rows():
            assert satoshi == sum(c.satoshi for c in there if low <= prices[c.created] < high)
        bands = ages(day, left, [0, 1, 7, 30])
        for youngest, oldest, satoshi in bands.iter_rows():
            within = range(youngest, oldest or 10_000)
            assert satoshi == sum(c.satoshi for c in there if number - c.created in within)


def test_a_day_worked_by_hand():
    # 2 BTC bought at 100.00 and 1 BTC at 40.00 are sold at 70.00: 60.00 lost, 30.00 gained, sold for 210, cost 240.
    spent = pl.DataFrame(
        [(DAYS[0], DAYS[2], 200_000_000, 3), (DAYS[1], DAYS[2], 100_000_000, 1)], schema=SPENT, orient="row"
    )
    created = pl.DataFrame(
        [(DAYS[0], 500_000_000, 5), (DAYS[1], 100_000_000, 1), (DAYS[2], 301_000_000, 2)], schema=CREATED, orient="row"
    )
    priced = table_of([10_000, 4_000, 7_000, *[0] * 37])
    day = (
        flows(spent, created, priced)
        .with_columns(
            dollars("loss_satcent").alias("loss_usd"),
            dollars("profit_satcent").alias("profit_usd"),
            sopr().alias("sopr"),
        )
        .row(2, named=True)
    )
    assert (day["loss_usd"], day["profit_usd"], day["sopr"]) == (60.0, 30.0, 210 / 240)
    assert day["destroyed_satoshi_days"] == 2 * 200_000_000 + 100_000_000
    [(_, left)] = unspent(spent, created, [DAYS[2]])
    [row] = stock(DAYS[2], left, priced).to_dicts()
    assert row["realized_cap_satcent"] == 300_000_000 * 10_000 + 301_000_000 * 7_000
    assert row["loss_supply_satoshi"] == 300_000_000
    assert row["profit_supply_satoshi"] == 0  # what was made today costs exactly what it is worth


def test_a_day_without_a_price_is_named_and_never_worth_nothing():
    spent, created = tables([DayCoin(3, 5, 1)])
    some = table_of([100] * len(DAYS)).filter(pl.col("day") != DAYS[3])
    with pytest.raises(MissingPricesError, match="1 days between 2010-07-21 and 2010-07-21"):
        flows(spent, created, some)
    [(_, left)] = unspent(spent, created, [DAYS[4]])
    with pytest.raises(MissingPricesError):
        stock(DAYS[4], left, some)


def test_spending_coins_that_were_never_created_is_no_chain():
    spent = pl.DataFrame([(DAYS[0], DAYS[1], 5, 1)], schema=SPENT, orient="row")
    created = pl.DataFrame([(DAYS[1], 5, 1)], schema=CREATED, orient="row")
    with pytest.raises(ValueError, match="not of one chain"):
        list(unspent(spent, created, [DAYS[1]]))


def test_sopr_of_coins_that_cost_nothing_is_unknown():
    spent, created = tables([DayCoin(0, 1, 7)])
    assert flows(spent, created, table_of([0, 5, *[5] * 38])).select(sopr().alias("sopr"))["sopr"][1] is None
