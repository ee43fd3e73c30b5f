"""The chain over Esplora: the same cells as over a node, from the same blocks."""

import pytest

from chain.follow import follow
from chain.nodes import CoreNode, EsploraNode
from chain.store import BlockStore
from sandbox.bitcoin_core import NodeStandIn, serving_node
from sandbox.esplora import EsploraStandIn, serving_esplora
from sources.bitcoin_core import BitcoinCore, Credentials
from sources.core.errors import SourceError
from sources.core.http import Session
from sources.esplora import PROVIDER, Esplora
from tests.unit.chain.mining import mined

WHO = Credentials(user="__cookie__", password="stand-in")


def test_esplora_and_a_node_give_the_same_cells(tmp_path):
    chain = mined(31, 40, transactions=30)  # more than one page
    stand_in = EsploraStandIn(chain.blocks)
    with (
        serving_node(NodeStandIn(chain.blocks)) as address,
        serving_esplora(stand_in) as upstream,
        Session(PROVIDER, upstream=upstream) as session,
        BlockStore(tmp_path / "node") as by_node,
        BlockStore(tmp_path / "esplora") as by_esplora,
    ):
        follow(by_node, CoreNode(BitcoinCore(address, WHO)), first_height=0)
        follow(by_esplora, EsploraNode(Esplora(session)), first_height=0)
        for name, frame in by_node.cells().items():
            assert by_esplora.cells()[name].equals(frame)
        assert by_node.cells()["spent"].rows() == chain.spent()
        assert by_node.tip() == by_esplora.tip()


def test_what_was_read_once_is_not_asked_again(tmp_path):
    chain = mined(32, 30, transactions=5)
    stand_in = EsploraStandIn(chain.blocks)
    with serving_esplora(stand_in) as upstream, Session(PROVIDER, upstream=upstream) as session:
        with BlockStore(tmp_path) as store:
            follow(store, EsploraNode(Esplora(session)))
        # Twice the tip, and for each block its hash, header and one page; no look-up, for all spent coins are in them.
        assert stand_in.requests == 2 + 3 * 30


def test_a_chain_joined_in_the_middle_looks_up_when_spent_coins_were_created(tmp_path):
    chain = mined(33, 60, transactions=5)
    stand_in = EsploraStandIn(chain.blocks)
    with (
        serving_esplora(stand_in) as upstream,
        Session(PROVIDER, upstream=upstream) as session,
        BlockStore(tmp_path) as store,
    ):
        follow(store, EsploraNode(Esplora(session)), first_height=45)
        spent = store.cells()["spent"]
    inputs = sum(len(tx["vin"]) for block in chain.blocks[45:] for tx in block["tx"][1:])
    assert spent["coins"].sum() == inputs
    assert set(spent["created_day"]) <= {day for day, *_ in chain.created()}
    assert stand_in.requests > 2 + 3 * 15


class Forgetful(EsploraStandIn):
    """Has nothing on the second page of any block."""

    def answer(self, path):
        return (200, "application/json", b"[]") if path.endswith("/txs/25") else super().answer(path)


def test_a_block_with_pages_missing_is_refused(tmp_path):
    chain = mined(34, 20, transactions=30)
    with (
        serving_esplora(Forgetful(chain.blocks)) as upstream,
        Session(PROVIDER, upstream=upstream) as session,
        BlockStore(tmp_path) as store,
        pytest.raises(SourceError, match="announced"),
    ):
        follow(store, EsploraNode(Esplora(session)))
