"""The synthetic chain keeps the rules of the real one, and its answers hold what it says of itself."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.chain import (
    Plan,
    SyntheticLedger,
    block_hash,
    chain_ending_at,
    mine,
    rpc_block,
    tips,
    true_cells,
    write_parquet,
)
from sandbox.chain.ledger import MATURITY_BLOCKS, subsidy_satoshi

# Few blocks a day, so that there are many days; the heights at which the real chain repeats coinbases are among them.
PLAN = Plan(blocks=260, transactions_per_block=30, blocks_per_day=12, first_height=91_700)


@pytest.fixture(scope="module")
def ledger() -> SyntheticLedger:
    return mine(PLAN)


def walk(blocks: list[dict[str, Any]]) -> tuple[dict[tuple[date, date], list[int]], dict[date, list[int]]]:
    """Cells by a set of unspent outputs, looked up by hash, as a node keeps it: (spent, created), satoshi and coins."""
    unspent: dict[tuple[str, int], tuple[date, int]] = {}
    spent: dict[tuple[date, date], list[int]] = {}
    created: dict[date, list[int]] = {}

    def add(cells: dict[Any, list[int]], key: Any, satoshi: int, coins: int = 1) -> None:
        cell = cells.setdefault(key, [0, 0])
        cell[0] += satoshi
        cell[1] += coins

    for block in blocks:
        day = datetime.fromtimestamp(block["time"], UTC).date()
        for transaction in block["tx"]:
            for vin in transaction["vin"]:
                if "coinbase" not in vin:
                    created_day, satoshi = unspent.pop((vin["txid"], vin["vout"]))
                    assert satoshi == in_satoshi(vin["prevout"]["value"])
                    add(spent, (created_day, day), satoshi)
            for vout in transaction["vout"]:
                script = vout["scriptPubKey"]["hex"]
                if script.startswith("6a") or len(script) > 20_000 or block["height"] == 0:
                    continue
                outpoint = (transaction["txid"], vout["n"])
                if outpoint in unspent:  # the earlier coin is gone for good
                    lost_day, lost_satoshi = unspent[outpoint]
                    add(created, lost_day, -lost_satoshi, -1)
                satoshi = in_satoshi(vout["value"])
                unspent[outpoint] = (day, satoshi)
                add(created, day, satoshi)
    return spent, {day: cell for day, cell in created.items() if cell != [0, 0]}


def in_satoshi(bitcoin: float) -> int:
    satoshi = Decimal(str(bitcoin)) * 100_000_000
    assert satoshi == satoshi.to_integral_value()
    return int(satoshi)


def test_true_cells_are_what_a_set_of_unspent_outputs_gives(ledger: SyntheticLedger) -> None:
    blocks = [rpc_block(ledger, height) for height in range(ledger.first_height, ledger.tip_height + 1)]
    spent, created = walk(blocks)
    truth = true_cells(ledger)
    assert {row[:2]: list(row[2:]) for row in truth.spent.iter_rows()} == spent
    assert {row[0]: list(row[1:]) for row in truth.created.iter_rows()} == created
    assert truth.spent.height > 100


def test_a_chain_from_the_first_block_leaves_its_coinbase_out() -> None:
    ledger = mine(Plan(blocks=130, transactions_per_block=5, blocks_per_day=12))
    _, created = walk([rpc_block(ledger, height) for height in range(130)])
    assert {row[0]: list(row[1:]) for row in true_cells(ledger).created.iter_rows()} == created


def test_cells_up_to_a_height_are_those_of_the_blocks_up_to_there(ledger: SyntheticLedger) -> None:
    tip = ledger.first_height + 200
    spent, _ = walk([rpc_block(ledger, height) for height in range(ledger.first_height, tip + 1)])
    assert {row[:2]: list(row[2:]) for row in true_cells(ledger, tip).spent.iter_rows()} == spent


def test_each_coin_is_spent_once_and_after_it_was_created(ledger: SyntheticLedger) -> None:
    assert len(np.unique(ledger.spends)) == len(ledger.spends)
    created_by = ledger.transaction_of_output[ledger.spends]
    assert (created_by < ledger.transaction_of_input).all()
    created_in = ledger.block_of_transaction[created_by]
    depth = ledger.block_of_transaction[ledger.transaction_of_input] - created_in
    coinbase = ledger.first_transaction[created_in] == created_by
    assert depth[coinbase].min() >= MATURITY_BLOCKS
    assert (depth == 0).sum() > 20


def test_no_block_makes_more_money_than_its_subsidy(ledger: SyntheticLedger) -> None:
    for block in range(ledger.blocks):
        answer = rpc_block(ledger, ledger.height_of(block))
        coinbase = sum(in_satoshi(vout["value"]) for vout in answer["tx"][0]["vout"])
        fees = sum(in_satoshi(transaction["fee"]) for transaction in answer["tx"][1:])
        assert coinbase <= subsidy_satoshi(answer["height"]) + fees
        for transaction in answer["tx"][1:]:
            paid = sum(in_satoshi(vin["prevout"]["value"]) for vin in transaction["vin"])
            assert (
                paid - sum(in_satoshi(v["value"]) for v in transaction["vout"]) == in_satoshi(transaction["fee"]) >= 0
            )


def test_it_has_what_is_awkward_in_the_real_one(ledger: SyntheticLedger) -> None:
    blocks = [rpc_block(ledger, height) for height in range(ledger.first_height, ledger.tip_height + 1)]
    ids = Counter(transaction["txid"] for block in blocks for transaction in block["tx"])
    assert sorted(ids.values())[-3:] == [1, 2, 2]
    outputs = [vout for block in blocks for transaction in block["tx"] for vout in transaction["vout"]]
    assert any(vout["scriptPubKey"]["type"] == "nulldata" and vout["value"] > 0 for vout in outputs)
    assert any(len(vout["scriptPubKey"]["hex"]) > 20_000 for vout in outputs)
    assert any(0 < vout["value"] < 0.00000547 for vout in outputs)
    stamps = [block["time"] for block in blocks]
    assert any(later < earlier for earlier, later in pairwise(stamps))
    senders = [
        {vin["prevout"]["scriptPubKey"].get("hex") for vin in transaction["vin"]}
        >= {vout["scriptPubKey"]["hex"] for vout in transaction["vout"]}
        for block in blocks
        for transaction in block["tx"][1:]
    ]
    assert any(senders)


def test_an_orphaned_block_stands_on_the_common_ones_and_repeats_transactions(ledger: SyntheticLedger) -> None:
    assert len(tips(ledger)) == 1 + len(ledger.branches) == 5
    branch = max(ledger.branches, key=lambda branch: branch.depth)
    tip = branch.fork_height + branch.depth
    hashes = chain_ending_at(ledger, tip, branch)
    assert hashes[: -branch.depth] == chain_ending_at(ledger, branch.fork_height)
    assert not set(hashes[-branch.depth :]) & set(chain_ending_at(ledger, ledger.tip_height))
    before = hashes[-branch.depth - 1]
    for height, name in zip(range(branch.fork_height + 1, tip + 1), hashes[-branch.depth :], strict=True):
        orphaned, kept = rpc_block(ledger, height, branch), rpc_block(ledger, height)
        assert (orphaned["hash"], orphaned["previousblockhash"]) == (name, before)
        assert kept["hash"] == block_hash(ledger, height) != name
        shared = {t["txid"] for t in orphaned["tx"]} & {t["txid"] for t in kept["tx"]}
        assert len(shared) == kept["nTx"] - (1 if height < tip else 2)
        before = name


def test_the_same_plan_gives_the_same_chain(ledger: SyntheticLedger) -> None:
    again = mine(PLAN)
    assert rpc_block(again, again.tip_height) == rpc_block(ledger, ledger.tip_height)


def test_the_parquet_copy_has_each_block_and_each_orphan_some_twice(ledger: SyntheticLedger, tmp_path: Path) -> None:
    write_parquet(ledger, tmp_path)
    blocks = pl.concat(
        [
            pl.read_parquet(path).select("hash", "number", "transaction_count", "previousblockhash")
            for path in sorted(tmp_path.glob("blocks/*/*.parquet"))
        ]
    )
    orphans = sum(branch.depth for branch in ledger.branches)
    assert blocks["hash"].n_unique() == ledger.blocks + orphans < blocks.height
    main = set(chain_ending_at(ledger, ledger.tip_height))
    transactions = pl.concat(
        [
            pl.read_parquet(path).select(
                "block_hash", "hash", pl.col("inputs").list.len(), pl.col("outputs").list.len()
            )
            for path in sorted(tmp_path.glob("transactions/*/*.parquet"))
        ]
    )
    once = transactions.filter(pl.col("block_hash").is_in(main)).unique(["block_hash", "hash"])
    assert once.height == len(ledger.first_output) - 1
    assert (once["inputs"].sum(), once["outputs"].sum()) == (len(ledger.spends), len(ledger.value_satoshi))


def test_a_branch_that_the_main_chain_never_outgrows_is_refused() -> None:
    with pytest.raises(ValueError, match="no main chain to lose against"):
        mine(Plan(blocks=10, reorganisations=((8, 3),)))


def test_the_schema_of_the_parquet_copy_is_the_published_one(
    ledger: SyntheticLedger, tmp_path: Path, real: Path
) -> None:
    write_parquet(ledger, tmp_path)
    declared = json.loads((real / "fixtures/aws_public_blockchain/btc_glue_schema.json").read_text())
    for table in ("blocks", "transactions"):
        part = next(iter(sorted(tmp_path.glob(f"{table}/*/part-*.parquet"))))
        written = {field.name: field.type for field in pq.read_schema(part)}
        assert list(written) == [name for name, _ in declared[table]]
        for name, kind in declared[table]:
            assert hive_type(written[name]) == kind, name


def hive_type(arrow: Any) -> str:
    if pa.types.is_list(arrow):
        return f"array<{hive_type(arrow.value_type)}>"
    if pa.types.is_struct(arrow):
        return f"struct<{','.join(f'{field.name}:{hive_type(field.type)}' for field in arrow)}>"
    return {"int64": "bigint", "bool": "boolean"}.get(str(arrow), str(arrow).split("[")[0])
