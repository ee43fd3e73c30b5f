"""A day of the chain, followed from a node: 144 blocks of real size, about 3 000 transactions each.

The node is a stand-in in a process of its own. Its blocks are made here: as many inputs and outputs a transaction, and
as many bytes of JSON, as the recorded block at height 739 990 has (3.4 inputs, 2.9 outputs, 5.8 kB). Twelve blocks'
transactions are repeated, which the reader cannot know.
"""

import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

from benchmarks.claim import Bound, Claim, Size
from chain.follow import follow
from chain.nodes import CoreNode
from chain.store import BlockStore
from sandbox.bitcoin_core import NodeStandIn, serving_node
from sources.bitcoin_core import BitcoinCore, Credentials

BLOCKS = {Size.SMALL: 12, Size.FULL: 144}
TRANSACTIONS = {Size.SMALL: 300, Size.FULL: 3_000}
DISTINCT = 12
FIRST_HEIGHT = 840_000
FIRST_S = 1_713_571_767
LIMIT_S = 30
LIMIT_MEGABYTES = 1_024


def run(size: Size) -> Iterator[Claim]:
    with node(size) as address, tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
        core = BitcoinCore(address, Credentials(user="__cookie__", password="stand-in"))
        with BlockStore(Path(folder)) as store:
            started = time.perf_counter()
            store.begin_at(FIRST_HEIGHT, "bitcoin_core")
            for first in range(0, FIRST_HEIGHT, 100_000):
                last = min(first + 99_999, FIRST_HEIGHT - 1)
                store.add_times({height: _time_s(height) for height in range(first, last + 1)})
            yield Claim(
                "time stamps of all earlier blocks, stored", time.perf_counter() - started, Bound.AT_MOST, LIMIT_S, "s"
            )
            started, worked = time.perf_counter(), time.process_time()
            followed = follow(store, CoreNode(core))
            elapsed, work = time.perf_counter() - started, time.process_time() - worked
            if followed.blocks != BLOCKS[size]:
                raise RuntimeError(f"{followed.blocks} blocks were taken in, not {BLOCKS[size]}")
            cells = store.connection.execute("select count(*), count(distinct height) from block_spent").fetchall()
        megabytes = (Path(folder) / "blocks.duckdb").stat().st_size / 1e6
    detail = f"{work:.1f} s of CPU; {cells[0][0] / cells[0][1]:.0f} cells a block, the store {megabytes:.0f} MB"
    yield Claim(f"{followed.blocks} blocks, followed", elapsed, Bound.AT_MOST, LIMIT_S, "s", detail)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Claim("memory at its peak", peak, Bound.AT_MOST, LIMIT_MEGABYTES, "MiB")


@contextmanager
def node(size: Size) -> Iterator[str]:
    """The address of a stand-in node with a day of blocks, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, size), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("end")
        process.join(timeout=10)
        process.kill()


def _serve(connection: Connection, size: Size) -> None:
    with serving_node(NodeStandIn(list(_blocks(size)))) as address:
        connection.send(address)
        connection.recv()


def _blocks(size: Size) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    repeated = [_transactions(chance, TRANSACTIONS[size]) for _ in range(DISTINCT)]
    before = f"{FIRST_HEIGHT - 1:064x}"
    for number in range(BLOCKS[size]):
        height = FIRST_HEIGHT + number
        block_hash = f"{height:064x}"
        yield {
            "hash": block_hash,
            "height": height,
            "time": _time_s(height),
            "previousblockhash": before,
            "tx": orjson.Fragment(repeated[number % DISTINCT]),
        }
        before = block_hash


def _time_s(height: int) -> int:
    return FIRST_S - (FIRST_HEIGHT - height) * 600


def _transactions(chance: random.Random, count: int) -> bytes:
    coinbase = {"txid": _hex(chance, 32), "vin": [{"coinbase": _hex(chance, 40)}], "vout": [_output(chance, 3.125)]}
    return orjson.dumps([coinbase, *(_transaction(chance) for _ in range(count))])


def _transaction(chance: random.Random) -> dict[str, Any]:
    taken = [round(chance.lognormvariate(-3, 2), 8) for _ in range(chance.choice([1, 1, 1, 2, 3, 12]))]
    left, outputs = sum(taken) * 0.999, chance.choice([1, 2, 2, 2, 3, 7])
    return {
        "txid": _hex(chance, 32),
        "hash": _hex(chance, 32),
        "version": 2,
        "size": 404,
        "vsize": 214,
        "weight": 854,
        "locktime": 0,
        "vin": [
            {
                "txid": _hex(chance, 32),
                "vout": 1,
                "scriptSig": {"asm": "", "hex": ""},
                "txinwitness": [_hex(chance, 71), _hex(chance, 33), _hex(chance, 60)],
                "prevout": {
                    "generated": False,
                    # Half of what is spent is a day old, the rest as old as the chain.
                    "height": FIRST_HEIGHT - 1 - int(chance.choice([144, FIRST_HEIGHT - 1]) * chance.random() ** 3),
                    "value": value,
                    "scriptPubKey": _script(chance),
                },
                "sequence": 4294967293,
            }
            for value in taken
        ],
        "vout": [_output(chance, round(left / outputs, 8)) for _ in range(outputs)],
        "fee": 0.00001,
        "hex": _hex(chance, 404),
    }


def _output(chance: random.Random, value: float) -> dict[str, Any]:
    return {"value": value, "n": 0, "scriptPubKey": _script(chance)}


def _script(chance: random.Random) -> dict[str, str]:
    program = _hex(chance, 20)
    return {
        "asm": f"0 {program}",
        "desc": f"addr(bc1q{program})#qqqqqqqq",
        "hex": f"0014{program}",
        "address": f"bc1q{program}",
        "type": "witness_v0_keyhash",
    }


def _hex(chance: random.Random, length: int) -> str:
    return chance.randbytes(length).hex()
