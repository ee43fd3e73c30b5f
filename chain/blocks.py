"""What one block adds to the cells: the coins it creates, and the coins it spends, by height of creation.

Money is checked: a block that pays out more than it takes in is no block.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from chain.cells import LOST_COINBASE_HEIGHTS, MAX_SCRIPT_BYTES, OP_RETURN
from chain.errors import BlockError
from sources.core.blocks import Block

BLOCKS_PER_HALVING = 210_000
FIRST_SUBSIDY_SATOSHI = 50 * 100_000_000

# Spent coins of a block: `is_own` marks those of transactions that pay to nobody but the scripts they spend from.
SPENDS: dict[str, type[pl.DataType]] = {
    "created_height": pl.Int64,
    "is_own": pl.Boolean,
    "satoshi": pl.Int64,
    "coins": pl.Int64,
}


@dataclass(frozen=True)
class Contribution:
    """What a block adds.

    `spent` has the columns of `SPENDS`. `paid_satoshi` is what the transactions after the coinbase pay out,
    `coinbase_satoshi` what the coinbase pays out, both with outputs that nobody can spend. `times_s` are time stamps of
    other blocks that came along, by height.
    """

    height: int
    hash: str
    previous_hash: str  # empty for the genesis block
    time_s: int
    created_satoshi: int
    created_coins: int
    spent: pl.DataFrame
    paid_satoshi: int
    coinbase_satoshi: int
    times_s: Mapping[int, int]

    @property
    def spent_satoshi(self) -> int:
        """The sum of all inputs."""
        return int(self.spent["satoshi"].sum())

    @property
    def fees_satoshi(self) -> int:
        """What the transactions take in and do not pay out."""
        return self.spent_satoshi - self.paid_satoshi


def subsidy_satoshi(height: int) -> int:
    """New money that a block of the main network may create at most (Bitcoin Core's `GetBlockSubsidy`)."""
    halvings = height // BLOCKS_PER_HALVING
    return FIRST_SUBSIDY_SATOSHI >> halvings if halvings < 64 else 0


def contribution(block: Block, *, lost_coinbases: Collection[int] = LOST_COINBASE_HEIGHTS) -> Contribution:
    """What a block adds.

    `lost_coinbases` are the heights whose coinbase never was or did not stay in the set of unspent outputs. Raises
    BlockError when its money does not add up.
    """
    is_coinbase = pl.col("transaction") == 0
    coins = block.outputs.filter(spendable())
    made = coins.filter(~is_coinbase) if block.height in lost_coinbases else coins
    # Transactions that pay to a script they did not spend from.
    paying = coins.join(block.inputs, on=["transaction", "script"], how="anti")["transaction"].unique()
    spent = (
        block.inputs.group_by("created_height", (~pl.col("transaction").is_in(paying.implode())).alias("is_own"))
        .agg(pl.col("satoshi").sum(), pl.len().alias("coins"))
        .select(pl.col(name).cast(kind) for name, kind in SPENDS.items())
        .sort("created_height", "is_own")
    )
    result = Contribution(
        height=block.height,
        hash=block.hash,
        previous_hash=block.previous_hash,
        time_s=block.time_s,
        created_satoshi=int(made["satoshi"].sum()),
        created_coins=made.height,
        spent=spent,
        paid_satoshi=int(block.outputs.filter(~is_coinbase)["satoshi"].sum()),
        coinbase_satoshi=int(block.outputs.filter(is_coinbase)["satoshi"].sum()),
        times_s=block.times_s,
    )
    _require_sound(result)
    return result


def spendable() -> pl.Expr:
    """Whether an output with its script as hex in the column `script` enters Core's set of unspent outputs.

    Source: `CScript::IsUnspendable` in Bitcoin Core's `script/script.h`.
    """
    return ~(pl.col("script").str.starts_with(OP_RETURN) | (pl.col("script").str.len_bytes() > 2 * MAX_SCRIPT_BYTES))


def _require_sound(block: Contribution) -> None:
    if block.fees_satoshi < 0:
        raise BlockError(f"Block {block.hash} pays out {-block.fees_satoshi} satoshi more than it takes in.")
    if block.coinbase_satoshi > subsidy_satoshi(block.height) + block.fees_satoshi:
        raise BlockError(f"The coinbase of block {block.hash} takes more than subsidy and fees.")
    if block.spent.filter(pl.col("created_height") > block.height).height:
        raise BlockError(f"Block {block.hash} spends a coin of a later block.")
