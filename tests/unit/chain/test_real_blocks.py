"""Real blocks: what goes in, what comes out, coin-days and realised profit and loss, against values worked by hand.

Height 739 990 is a recorded answer of Bitcoin Core. Height 170, the first payment ever made, is written here from what
every node knows of it. Of height 363 366 an explorer's totals are recorded.
"""

import gzip
import json
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from analytics.realised import PRICES, flows
from chain.blocks import contribution, subsidy_satoshi
from chain.cells import CREATED, SPENT
from chain.follow import follow
from chain.nodes import CoreNode
from chain.store import BlockStore
from sandbox.bitcoin_core import NodeStandIn, serving_node
from sources.bitcoin_core import BitcoinCore, Credentials
from sources.core.blocks import read_core_block

GENESIS_DAY = date(2009, 1, 3)


@pytest.fixture(scope="module")
def body(real):
    return gzip.decompress((real / "data/utxo/block_739990.json.gz").read_bytes())


@pytest.fixture(scope="module")
def by_hand(body):
    """The block with exact decimals, for counting it in another way than the code does."""
    return json.loads(body, parse_float=Decimal)


@pytest.fixture(scope="module")
def history(real):
    """Day -> (price in cents, height of its last block), from the number of blocks of each day after the genesis."""
    rows = pl.read_csv(real / "data/coinmetrics/btc.csv", columns=["time", "BlkCnt", "PriceUSD"], infer_schema=False)
    # Its count runs five ahead of the heights that another vendor gives for the days of 2010 to 2020.
    known, blocks = {}, -5
    for day, count, price in rows.iter_rows():
        blocks += int(float(count or 0))
        known[date.fromisoformat(day[:10])] = (round(Decimal(price or 0) * 100), blocks)
    return known


def answer(block):
    return b'{"result":' + block + b',"error":null,"id":0}'


def day_of_height(history, height):
    return next(day for day, (_, blocks) in history.items() if height <= blocks)


def test_sums_of_block_739_990_are_exact(body, by_hand):
    block = contribution(read_core_block(answer(body)))
    _, *others = by_hand["tx"]
    paid_in = sum(sent["prevout"]["value"] for tx in others for sent in tx["vin"])
    paid_out = sum(output["value"] for tx in others for output in tx["vout"])
    assert (block.spent_satoshi, block.paid_satoshi) == (paid_in * 10**8, paid_out * 10**8)
    assert (block.spent_satoshi, block.paid_satoshi, block.fees_satoshi) == (
        124_429_585_129,
        124_427_602_128,
        1_983_001,
    )
    # Its miner took subsidy and fees to the last satoshi, so the coinbase proves the sums: 6.25 + 0.01983001.
    assert block.coinbase_satoshi == 626_983_001 == 625_000_000 + block.fees_satoshi
    spendable = [
        output["value"] * 10**8
        for tx in by_hand["tx"]
        for output in tx["vout"]
        if output["scriptPubKey"]["type"] != "nulldata"
    ]
    assert (block.created_satoshi, block.created_coins) == (sum(spendable), len(spendable))
    assert block.spent["coins"].sum() == 2_169
    assert (block.height, block.time_s, block.spent["created_height"].n_unique()) == (739_990, 1_654_745_578, 480)


def test_coin_days_and_realised_result_of_block_739_990_are_those_worked_by_hand(body, by_hand, history, tmp_path):
    spent_day = date(2022, 6, 9)
    price = history[spent_day][0]
    destroyed = profit = loss = Decimal(0)
    for tx in by_hand["tx"][1:]:
        for sent in tx["vin"]:
            created_day = day_of_height(history, sent["prevout"]["height"])
            value = sent["prevout"]["value"]
            destroyed += value * (spent_day - created_day).days
            gained = value * (price - history[created_day][0]) / 100
            profit, loss = profit + max(gained, 0), loss + max(-gained, 0)

    heights = {sent["prevout"]["height"] for tx in by_hand["tx"][1:] for sent in tx["vin"]}
    noon_s = {height: 43_200 + (day_of_height(history, height) - date(1970, 1, 1)).days * 86_400 for height in heights}
    with BlockStore(tmp_path) as store:
        store.begin_at(739_990, "bitcoin_core")
        store.add_times(noon_s)
        store.take_in([contribution(read_core_block(answer(body)))])
        cells = store.cells()
    prices = pl.DataFrame([(day, cents) for day, (cents, _) in history.items()], schema=PRICES, orient="row")
    [row] = flows(cells["spent"], cells["created"], prices).to_dicts()
    assert row["day"] == spent_day
    assert row["profit_satcent"] == profit * 10**10
    assert row["loss_satcent"] == loss * 10**10
    assert row["destroyed_satoshi_days"] == destroyed * 10**8
    # As numbers, so that a change of price file or code shows: USD, and days times bitcoin.
    assert (round(profit), round(loss), round(destroyed)) == PINNED


PINNED = (6_989, 89_095, 640)


def test_the_first_payment_ever_made_is_the_hundred_and_fiftieth_coin_day_but_no_profit(tmp_path):
    # Block 170, 12 January 2009: 10 BTC to Hal Finney, 40 BTC back, of the 50 BTC mined in block 9 on 9 January.
    finney = (
        "4104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e7aab37397f554a7df5f142c21c1b7303b8a0626"
    )
    satoshi = (
        "410411db93e1dcdb8a016b49840f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9"
    )
    block = {
        "hash": "00000000d1145790a8694403d4063f323d499e655c83426834d4ce2f8dd4a2ee",
        "previousblockhash": "000000002a22cfee1f2c846adbd12b3e183d4f97683f85dad08a79780a84bd55",
        "height": 170,
        "time": 1_231_731_025,
        "tx": [
            {"vin": [{"coinbase": "04ffff001d0102"}], "vout": [{"value": 50.0, "scriptPubKey": {"hex": "4104d46c"}}]},
            {
                "vin": [{"prevout": {"height": 9, "value": 50.0, "scriptPubKey": {"hex": satoshi}}}],
                "vout": [
                    {"value": 10.0, "scriptPubKey": {"hex": finney}},
                    {"value": 40.0, "scriptPubKey": {"hex": satoshi}},
                ],
            },
        ],
    }
    stand_in = NodeStandIn([block], below_s=dict.fromkeys(range(170), 1_231_006_505) | {9: 1_231_473_279})
    who = Credentials(user="__cookie__", password="stand-in")
    with serving_node(stand_in) as address, BlockStore(tmp_path) as store:
        follow(store, CoreNode(BitcoinCore(address, who)), first_height=170)
        cells = store.cells()
    assert cells["spent"].equals(
        pl.DataFrame([(date(2009, 1, 9), date(2009, 1, 12), 50 * 10**8, 1)], schema=SPENT, orient="row")
    )
    assert cells["created"].equals(pl.DataFrame([(date(2009, 1, 12), 100 * 10**8, 3)], schema=CREATED, orient="row"))
    free = pl.DataFrame([(GENESIS_DAY + timedelta(days=n), 0) for n in range(10)], schema=PRICES, orient="row")
    [row] = flows(cells["spent"], cells["created"], free).to_dicts()
    assert row["destroyed_satoshi_days"] == 150 * 10**8
    assert (row["profit_satcent"], row["loss_satcent"]) == (0, 0)
    assert cells["own"].is_empty()  # Hal Finney is somebody else


def test_subsidy_and_fees_of_block_363_366_are_its_reward(real):
    totals = json.loads((real / "fixtures/mempool/v1_block_363366.json").read_bytes())["extras"]
    assert totals["totalInputAmt"] - totals["totalOutputAmt"] == totals["totalFees"]
    assert subsidy_satoshi(363_366) + totals["totalFees"] == totals["reward"]
