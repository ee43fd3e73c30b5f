"""Blocks of a synthetic chain as Bitcoin Core's `getblock` with verbosity 3 answers, and which blocks a tip stands on.

A stand-in node holds one thing: the hash of its tip. `chain_ending_at` gives the hashes below it, so a reorganisation
is nothing but another tip.
"""

from typing import Any

import numpy as np
import polars as pl

from sandbox.chain.identifiers import IdentifierKind, hashes, ids_of, one_hash, scripts, transaction_ids
from sandbox.chain.ledger import SATOSHI_PER_BITCOIN, Branch, Integers, SyntheticLedger

_VERSION = 0x20000000
_BITS = "1d00ffff"
_FINAL = 0xFFFFFFFF
_MEDIAN_OF = 11
ORPHAN_DELAY_S = 240  # the losing block of a height is stamped so much later: now and then on the next day


def block_hash(ledger: SyntheticLedger, height: int, branch: Branch | None = None) -> str:
    """Hash of the block at this height, of the main chain or of a branch (its common blocks included)."""
    if branch and height > branch.fork_height:
        return one_hash(IdentifierKind.ORPHANED_BLOCK, branch.number << 32 | height, ledger.plan.seed)
    return one_hash(IdentifierKind.BLOCK, height, ledger.plan.seed)


def tips(ledger: SyntheticLedger) -> dict[str, Branch | None]:
    """Hashes of the ends of all chains there are: the main one, which has no branch, and the given up ones."""
    ends: dict[str, Branch | None] = {block_hash(ledger, ledger.tip_height): None}
    return ends | {block_hash(ledger, b.fork_height + b.depth, b): b for b in ledger.branches}


def chain_ending_at(ledger: SyntheticLedger, tip_height: int, branch: Branch | None = None) -> list[str]:
    """Hashes of the blocks at `ledger.first_height` to `tip_height`, those of a branch above its fork."""
    heights = np.arange(ledger.first_height, tip_height + 1, dtype=np.int64)
    main: list[str] = hashes(IdentifierKind.BLOCK, heights, ledger.plan.seed).to_list()
    if branch is None:
        return main
    common = branch.fork_height - ledger.first_height + 1
    return main[:common] + [block_hash(ledger, height, branch) for height in heights[common:].tolist()]


def rpc_block(ledger: SyntheticLedger, height: int, branch: Branch | None = None) -> dict[str, Any]:
    """`getblock HASH 3` for the block at this height: each input carries the coin that it spends.

    Left out are the fields that depend on what the node knows of later blocks: `confirmations`, `nextblockhash`.
    Amounts are bitcoin as doubles; written as JSON they have the digits that a node writes.
    """
    orphaned = branch is not None and height > branch.fork_height
    block = height - ledger.first_height
    time_s = block_time_s(ledger, height, orphaned=orphaned)
    transactions = _transactions(ledger, block)
    if branch is not None and orphaned:
        _lose(ledger, transactions, height, branch)
    size = sum(transaction["size"] for transaction in transactions)
    answer = {
        "hash": block_hash(ledger, height, branch),
        "height": height,
        "version": _VERSION,
        "versionHex": f"{_VERSION:08x}",
        "merkleroot": one_hash(IdentifierKind.DATA, height, ledger.plan.seed),
        "time": time_s,
        "mediantime": median_time_s(ledger, block),
        "nonce": height % 2**32,
        "bits": _BITS,
        "difficulty": 1,
        "chainwork": chain_work(height),
        "nTx": len(transactions),
        "previousblockhash": block_hash(ledger, height - 1, branch),
        "strippedsize": size,
        "size": size,
        "weight": 4 * size,
        "tx": transactions,
    }
    if height == 0:
        del answer["previousblockhash"]
    return answer


def block_time_s(ledger: SyntheticLedger, height: int, *, orphaned: bool) -> int:
    """Time stamp of the block at this height."""
    return int(ledger.block_time_s[height - ledger.first_height]) + (ORPHAN_DELAY_S if orphaned else 0)


def median_time_s(ledger: SyntheticLedger, block: int) -> int:
    """Median of the eleven stamps up to and with this block, by its number."""
    return int(np.median(ledger.block_time_s[max(0, block + 1 - _MEDIAN_OF) : block + 1]))


def chain_work(height: int) -> str:
    """Hashes expected for all blocks up to and with this height at difficulty 1, as 64 hexadecimal digits."""
    return f"{(height + 1) * 0x100010001:064x}"


def orphaned_coinbase_id(ledger: SyntheticLedger, height: int, branch: Branch) -> str:
    """Id of the coinbase of an orphaned block: it pays another miner."""
    return one_hash(IdentifierKind.ORPHANED_COINBASE, branch.number << 32 | height, ledger.plan.seed)


def conflicting_id(ledger: SyntheticLedger, transaction: int) -> str:
    """Id of a transaction that spends the same coins as this one, and is in an orphaned block only."""
    return one_hash(IdentifierKind.CONFLICTING_TRANSACTION, transaction, ledger.plan.seed)


def _lose(ledger: SyntheticLedger, transactions: list[dict[str, Any]], height: int, branch: Branch) -> None:
    """Make of the main chain's transactions those of an orphaned block of the same height."""
    transactions[0]["txid"] = transactions[0]["hash"] = orphaned_coinbase_id(ledger, height, branch)
    if height == branch.fork_height + branch.depth and len(transactions) > 1:
        last = int(ledger.first_transaction[height - ledger.first_height + 1]) - 1
        transactions[-1]["txid"] = transactions[-1]["hash"] = conflicting_id(ledger, last)


def _transactions(ledger: SyntheticLedger, block: int) -> list[dict[str, Any]]:
    first, last = (int(ledger.first_transaction[block + more]) for more in (0, 1))
    ids = transaction_ids(ledger, first, last).to_list()
    inputs, outputs = _inputs(ledger, first, last), _outputs(ledger, first, last)
    input_ends = ledger.first_input[first : last + 1] - ledger.first_input[first]
    output_ends = ledger.first_output[first : last + 1] - ledger.first_output[first]
    fees = ledger.fee_satoshi[first:last].tolist()
    transactions = []
    for index, txid in enumerate(ids):
        vin = inputs[input_ends[index] : input_ends[index + 1]]
        vout = [{**output, "n": n} for n, output in enumerate(outputs[output_ends[index] : output_ends[index + 1]])]
        size = 10 + 68 * len(vin) + 31 * len(vout)
        transaction = {
            "txid": txid,
            "hash": txid,
            "version": 2,
            "size": size,
            "vsize": size,
            "weight": 4 * size,
            "locktime": 0,
            "vin": vin,
            "vout": vout,
        }
        if index:
            transaction["fee"] = fees[index] / SATOSHI_PER_BITCOIN
        else:
            transaction["vin"] = [{"coinbase": f"03{ledger.height_of(block):06x}", "sequence": _FINAL}]
        transactions.append(transaction)
    return transactions


def _inputs(ledger: SyntheticLedger, first: int, last: int) -> list[dict[str, Any]]:
    spends = ledger.spends[ledger.first_input[first] : ledger.first_input[last]]
    created_by = ledger.transaction_of_output[spends]
    created_in = ledger.block_of_transaction[created_by]
    coinbases = ledger.first_transaction[created_in] == created_by
    return [
        {
            "txid": txid,
            "vout": vout,
            "scriptSig": {"asm": "", "hex": ""},
            "prevout": {"generated": generated, "height": height, "value": value, "scriptPubKey": script},
            "sequence": _FINAL,
        }
        for txid, vout, generated, height, value, script in zip(
            ids_of(ledger, created_by),
            (spends - ledger.first_output[created_by]).tolist(),
            coinbases.tolist(),
            (created_in + ledger.first_height).tolist(),
            (ledger.value_satoshi[spends] / SATOSHI_PER_BITCOIN).tolist(),
            _script_objects(ledger.owner[spends], ledger.plan.seed),
            strict=True,
        )
    ]


def _outputs(ledger: SyntheticLedger, first: int, last: int) -> list[dict[str, Any]]:
    made = slice(int(ledger.first_output[first]), int(ledger.first_output[last]))
    values = (ledger.value_satoshi[made] / SATOSHI_PER_BITCOIN).tolist()
    objects = _script_objects(ledger.owner[made], ledger.plan.seed)
    return [{"value": value, "n": 0, "scriptPubKey": script} for value, script in zip(values, objects, strict=True)]


def _script_objects(owners: Integers, seed: int) -> list[dict[str, Any]]:
    """`scriptPubKey` of each output; one that no address stands for has no such field."""
    table: pl.DataFrame = scripts(owners, seed)
    return [{name: value for name, value in row.items() if value is not None} for row in table.to_dicts()]
