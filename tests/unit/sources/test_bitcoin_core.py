"""A Bitcoin Core node over RPC: who may ask, what its errors mean, and that no secret is ever said."""

import json
from base64 import b64encode

import orjson
import pytest

from sandbox.bitcoin_core import NodeStandIn, serving_node
from sources.bitcoin_core import BitcoinCore, Credentials, permitted
from sources.core.blocks import read_core_block
from sources.core.errors import Failure, SourceError
from tests.unit.chain.mining import mined

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def chain():
    return mined(51, 12)


@pytest.fixture
def stand_in(chain):
    return NodeStandIn(chain.blocks, password=PASSWORD)


@pytest.fixture
def address(stand_in):
    with serving_node(stand_in) as address:
        yield address


def node(address, password=PASSWORD):
    return BitcoinCore(address, Credentials(user="__cookie__", password=password), backoff_s=0)


def refused(call):
    with pytest.raises(SourceError) as caught:
        call()
    said = str(caught.value)
    assert PASSWORD not in said
    assert b64encode(f"__cookie__:{PASSWORD}".encode()).decode() not in said
    return caught.value


def test_a_block_is_read_with_the_coins_it_spends(address, chain):
    wanted = chain.blocks[9]
    block = node(address).block(wanted["hash"])
    assert (block.height, block.time_s, block.previous_hash) == (9, wanted["time"], chain.blocks[8]["hash"])
    inputs = [(n, sent["prevout"]) for n, tx in enumerate(wanted["tx"]) for sent in tx["vin"] if "prevout" in sent]
    assert block.inputs.rows() == [
        (n, coin["height"], round(coin["value"] * 1e8), coin["scriptPubKey"]["hex"]) for n, coin in inputs
    ]
    assert block.outputs.height == sum(len(tx["vout"]) for tx in wanted["tx"])


def test_the_cookie_is_read_anew_for_each_request(stand_in, address, tmp_path):
    cookie = tmp_path / ".cookie"
    core = BitcoinCore(address, Credentials(cookie=cookie), backoff_s=0)
    missing = refused(core.tip_height)
    assert missing.failure is Failure.NEEDS_KEY
    assert str(cookie) in missing.what
    cookie.write_text("__cookie__:of an earlier start")
    assert refused(core.tip_height).failure is Failure.BAD_KEY
    cookie.write_text(f"__cookie__:{PASSWORD}")
    assert core.tip_height() == 11


def test_credentials_do_not_show_themselves():
    assert PASSWORD not in repr(Credentials(user="u", password=PASSWORD))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (f"http://user:{PASSWORD}@127.0.0.1:8332", "leave them out of the address"),
        ("http://10.0.0.5:8332", "over https"),
        ("http://169.254.169.254/", "over https"),
        ("file:///etc/passwd", "over https"),
        ("http://[::1", "over https"),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_before_it_is(address, words):
    error = refused(lambda: permitted(address))
    assert error.failure is Failure.UNSAFE
    assert words in error.what


def test_a_node_that_warms_up_is_asked_again(stand_in, address):
    warming = {"result": None, "error": {"code": -28, "message": "Loading block index…"}, "id": 0}
    stand_in.faults += [(500, json.dumps(warming).encode()), (503, b"Work queue depth exceeded")]
    assert node(address).tip_height() == 11


@pytest.mark.parametrize(
    ("status", "body", "failure", "words"),
    [
        (500, b'{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":0}', "refused", "-8"),
        (
            500,
            b'{"result":null,"error":{"code":-1,"message":"Block not available (pruned data)"},"id":0}',
            "refused",
            "public Parquet copy",
        ),
        (404, b"<html>nginx</html>", "not_data", "RPC port"),
        (200, b'{"result":nul', "not_data", "no JSON"),
        (200, b"[1]", "changed_layout", "no JSON-RPC answer"),
    ],
)
def test_what_a_node_refuses_says_what_to_do(stand_in, address, status, body, failure, words):
    stand_in.faults += [(status, body)] * 5
    error = refused(node(address).tip_height)
    assert (error.failure.value, words in str(error)) == (failure, True)


def test_an_unknown_block_and_another_block_are_refused(stand_in, address, chain):
    assert refused(lambda: node(address).block("00" * 32)).failure is Failure.REFUSED
    stand_in.faults.append((200, orjson.dumps({"result": chain.blocks[3], "error": None, "id": 0})))
    assert "when asked for" in refused(lambda: node(address).block(chain.blocks[4]["hash"])).what


def test_a_block_without_what_its_inputs_spend_is_refused(chain):
    block = orjson.loads(orjson.dumps(chain.blocks[9]))
    for change in (
        lambda: block["tx"][1]["vin"][0].pop("prevout"),  # a node before release 25, or a pruned block
        lambda: block.update(tx=[tx["txid"] for tx in chain.blocks[9]["tx"]]),  # verbosity 1
        lambda: block.pop("tx"),
    ):
        change()
        with pytest.raises(SourceError, match="Bitcoin Core 25"):
            read_core_block(orjson.dumps({"result": block, "error": None, "id": 0}))


def test_a_part_of_a_satoshi_is_refused(chain):
    block = orjson.loads(orjson.dumps(chain.blocks[9]))
    block["tx"][0]["vout"][0]["value"] = 0.123456789
    with pytest.raises(SourceError):
        read_core_block(orjson.dumps({"result": block}))


def test_the_smallest_and_the_largest_amounts_are_exact(chain):
    block = orjson.loads(orjson.dumps(chain.blocks[9]))
    for value, satoshi in ((1e-08, 1), (20_999_999.9769, 2_099_999_997_690_000), (0.30000001, 30_000_001)):
        block["tx"][0]["vout"][0]["value"] = value
        assert read_core_block(orjson.dumps({"result": block})).outputs["satoshi"][0] == satoshi
