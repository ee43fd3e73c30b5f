"""The two cell tables that all methods produce (node, Esplora, public copy), and the rules about what counts as a coin.

`spent` has one row for a pair (day created, day spent), `created` one row for a day: sums of satoshi and numbers of
coins, integers only. What was created on day C and is unspent at the end of day D is `created` of C less `spent` of
(C, up to D). There are at most days × (days + 1) / 2 pairs for the whole history, 18 million in the six thousand days
to 2025, and a new day adds at most one for each day there has been, about six thousand.

The rules, the same on all three ways:

- A *day* is the UTC day of the block's own time stamp. Stamps may go backwards from block to block; blocks are ordered
  by height, and a coin whose spending block carries an earlier day than its creating block keeps both days as stamped.
- A coin is an output that enters Bitcoin Core's set of unspent outputs. Left out, as Core leaves them out: outputs
  whose script begins with OP_RETURN or is longer than 10 000 bytes (`CScript::IsUnspendable`), the coinbase of the
  genesis block, and the two coinbases that a later one with the same transaction id replaced while they were unspent
  (heights 91 722 and 91 812; Core's `IsBIP30Unspendable`): the earlier coin is lost and never counts, the later counts.
- A coinbase input spends nothing.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import polars as pl

SATOSHI_PER_BITCOIN = 100_000_000

# No amount can exceed the 21 million coins that can ever exist. A larger one has a wrong unit.
MAX_SATOSHI = 21_000_000 * SATOSHI_PER_BITCOIN

SPENT: dict[str, type[pl.DataType]] = {
    "created_day": pl.Date,
    "spent_day": pl.Date,
    "satoshi": pl.Int64,
    "coins": pl.Int64,
}
CREATED: dict[str, type[pl.DataType]] = {"created_day": pl.Date, "satoshi": pl.Int64, "coins": pl.Int64}

# Blocks whose coinbase never was or did not stay in the set of unspent outputs: the genesis block, and those whose
# coinbase was replaced, while unspent, by that of 91 880 or 91 842 with the same transaction id.
LOST_COINBASE_HEIGHTS = frozenset({0, 91_722, 91_812})

MAX_SCRIPT_BYTES = 10_000
OP_RETURN = "6a"


def is_unspendable(script_hex: str) -> bool:
    """Whether no input can ever spend an output with this script, by the rule of Bitcoin Core.

    Source: `CScript::IsUnspendable` in Bitcoin Core's `script/script.h`.
    """
    return script_hex.startswith(OP_RETURN) or len(script_hex) > 2 * MAX_SCRIPT_BYTES


def day_of(block_time_s: int) -> date:
    """The UTC day of a block's time stamp, in seconds since 1970."""
    return datetime.fromtimestamp(block_time_s, UTC).date()


def satoshi_of(bitcoin: float) -> int:
    """An amount in bitcoin as the nearest whole number of satoshi.

    Exact for every amount up to 21 million that was a whole number of satoshi before it was written as a double: the
    double is off by at most 0.19 satoshi, and the multiplication by 0.13 more.
    """
    return round(bitcoin * SATOSHI_PER_BITCOIN)


def fold_spent(cells: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Sums of several `spent` tables, in the order of their keys."""
    return _fold(cells, SPENT, ["created_day", "spent_day"])


def fold_created(cells: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Sums of several `created` tables, in the order of their keys."""
    return _fold(cells, CREATED, ["created_day"])


def _fold(cells: Iterable[pl.DataFrame], schema: dict[str, type[pl.DataType]], keys: list[str]) -> pl.DataFrame:
    together = pl.concat([pl.DataFrame(schema=schema), *(cell.select(list(schema)) for cell in cells)])
    return together.group_by(keys).agg(pl.col("satoshi").sum(), pl.col("coins").sum()).sort(keys)
