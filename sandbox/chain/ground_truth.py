"""The true cells of a synthetic chain, counted from how it was made. Every method must give the same.

The rules of what counts as a coin are those of Bitcoin Core, said here once more on purpose: a second reading of them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from sandbox.chain.ledger import REPEATED_COINBASES, Flags, Integers, SyntheticLedger

_DAY_S = 86_400


@dataclass(frozen=True)
class TrueCells:
    """Sums of satoshi and numbers of coins, by UTC days of block time stamps, in the order of their keys.

    `spent`: created_day, spent_day, satoshi, coins. `created`: created_day, satoshi, coins.
    """

    spent: pl.DataFrame
    created: pl.DataFrame


def true_cells(ledger: SyntheticLedger, tip_height: int | None = None) -> TrueCells:
    """The cells of the main chain up to and with `tip_height` (default: all of it)."""
    blocks = ledger.blocks if tip_height is None else tip_height - ledger.first_height + 1
    day = ledger.block_time_s // _DAY_S
    created_block = ledger.block_of_transaction[ledger.transaction_of_output]
    spent_block = ledger.block_of_transaction[ledger.transaction_of_input]
    coin = _is_coin(ledger) & (created_block < blocks)
    spent = spent_block < blocks
    spends = ledger.spends[spent]
    return TrueCells(
        _summed(
            {"created_day": day[created_block[spends]], "spent_day": day[spent_block[spent]]},
            ledger.value_satoshi[spends],
        ),
        _summed({"created_day": day[created_block[coin]]}, ledger.value_satoshi[coin]),
    )


def _is_coin(ledger: SyntheticLedger) -> Flags:
    """Which outputs enter the set of unspent outputs, and are not replaced there while unspent."""
    coin = ledger.owner >= 0
    for height in (0, *REPEATED_COINBASES.values()):
        block = height - ledger.first_height
        if 0 <= block < ledger.blocks:
            coinbase = ledger.first_transaction[block]
            coin[ledger.first_output[coinbase] : ledger.first_output[coinbase + 1]] = False
    return np.asarray(coin)


def _summed(keys: dict[str, Integers], satoshi: Integers) -> pl.DataFrame:
    return (
        pl.DataFrame({**keys, "satoshi": satoshi})
        .group_by(list(keys))
        .agg(pl.col("satoshi").sum(), pl.len().cast(pl.Int64).alias("coins"))
        .sort(list(keys))
        .with_columns(pl.col(list(keys)).cast(pl.Int32).cast(pl.Date))
    )
