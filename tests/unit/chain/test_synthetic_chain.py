"""A synthetic chain over the node's way: the true cells through every reorganisation, and what they are worth."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from analytics.cost_basis import stock, unspent
from analytics.realised import PRICES, flows
from chain.follow import follow
from chain.nodes import CoreNode
from chain.store import BlockStore
from sandbox.bitcoin_core import NodeStandIn, serving_node
from sandbox.chain import Plan, mine, true_cells
from sandbox.chain.rpc import rpc_block
from sources.bitcoin_core import BitcoinCore, Credentials

# Twenty days with both pairs of repeated coinbases, an oversized script and three reorganisations, one of them 3 deep.
FIRST = 91_690
REORGANISATIONS = ((FIRST + 60, 1), (FIRST + 130, 3), (FIRST + 200, 2))
PLAN = Plan(
    blocks=240, transactions_per_block=15, blocks_per_day=12, first_height=FIRST, reorganisations=REORGANISATIONS
)
WHO = Credentials(user="__cookie__", password="stand-in")


@pytest.fixture(scope="module")
def ledger():
    return mine(PLAN)


@pytest.fixture(scope="module")
def cells(ledger, tmp_path_factory):
    """What the node's way makes of it, first the end of every branch, then the main chain."""
    main = [rpc_block(ledger, FIRST + number) for number in range(ledger.blocks)]
    stand_in = NodeStandIn(main[:1])
    with serving_node(stand_in) as address, BlockStore(tmp_path_factory.mktemp("store"), kept_blocks=40) as store:
        node = CoreNode(BitcoinCore(address, WHO))
        store.begin_at(FIRST, node.way)
        store.add_times({height: height for height in range(FIRST)})  # nothing is spent from below
        orphaned = 0
        for branch in ledger.branches:
            heights = range(branch.fork_height + 1, branch.fork_height + branch.depth + 1)
            common = main[: branch.fork_height - FIRST + 1]
            stand_in.replace_chain([*common, *(rpc_block(ledger, height, branch) for height in heights)])
            orphaned += follow(store, node).orphaned
        stand_in.replace_chain(main)
        orphaned += follow(store, node).orphaned
        assert orphaned == sum(depth for _, depth in REORGANISATIONS)
        assert store.tip().height == ledger.tip_height
        return store.cells()


def test_the_nodes_way_gives_the_true_cells(ledger, cells):
    truth = true_cells(ledger)
    assert cells["spent"].equals(truth.spent)
    assert cells["created"].equals(truth.created)


def test_some_coins_stayed_with_their_owner_and_most_did_not(cells):
    own, spent = cells["own"]["coins"].sum(), cells["spent"]["coins"].sum()
    assert 0.02 < own / spent < 0.3  # six in a hundred transactions pay only their sender


@pytest.fixture(scope="module")
def prices(cells):
    """A price for every day from the first coin on: a random walk with crashes, whole cents."""
    first = min(cells["created"]["created_day"])
    walk = np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.08, 400)))
    return pl.DataFrame(
        [(first + timedelta(days=n), round(7_000_000 * factor)) for n, factor in enumerate(walk)],
        schema=PRICES,
        orient="row",
    )


def test_cap_price_and_mvrv_satisfy_their_identities_day_by_day(cells, prices):
    spent, created = cells["spent"], cells["created"]
    moves = {row["day"]: row for row in flows(spent, created, prices).to_dicts()}
    cap = supply = 0
    profit = loss = 0
    for day, coins in unspent(spent, created, sorted(moves)):
        [row] = stock(day, coins, prices).to_dicts()
        move = moves[day]
        issued = move["created_satoshi"] - move["spent_satoshi"]
        change = issued * move["price_cents"] + move["profit_satcent"] - move["loss_satcent"]
        assert row["realized_cap_satcent"] - cap == change
        assert row["supply_satoshi"] - supply == issued
        # MVRV = price over realised price, both being over the same supply.
        assert row["market_cap_satcent"] == row["supply_satoshi"] * row["price_cents"]
        cap, supply = row["realized_cap_satcent"], row["supply_satoshi"]
        profit, loss = profit + move["profit_satcent"], loss + move["loss_satcent"]
    assert len(moves) >= 20
    assert min(profit, loss) > 0
    # All that was ever issued at its day's price, and all that was ever realised, is what unspent coins cost today.
    issued_value = sum((m["created_satoshi"] - m["spent_satoshi"]) * m["price_cents"] for m in moves.values())
    assert cap == issued_value + profit - loss


def test_supply_is_what_subsidies_allow_less_what_was_lost(ledger, cells):
    supply = cells["created"]["satoshi"].sum() - cells["spent"]["satoshi"].sum()
    assert 0 < supply < ledger.blocks * 50 * 10**8  # coinbases that claim less, burnt coins, two replaced coinbases
    assert supply > (ledger.blocks - 5) * 50 * 10**8
    assert min(cells["created"]["created_day"]) > date(2009, 1, 2)
