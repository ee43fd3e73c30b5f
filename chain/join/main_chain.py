"""Finds the main chain: the newest block and all blocks before it.

The copy keeps orphaned blocks, and of two blocks at one height it does not say which one won. The one that later blocks
name as their predecessor did.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from chain.cells import LOST_COINBASE_HEIGHTS, day_of
from chain.errors import JoinError

_MEDIAN_OF_BLOCKS = 11


@dataclass(frozen=True)
class MainChain:
    """The main chain, oldest block first.

    `blocks`: block_hash, height, day, transactions (how many it holds), coinbase_is_coin. `last_day` is the last day
    that no further block can be stamped with: the one before the day of the median time of the newest eleven.
    """

    blocks: pl.DataFrame
    last_day: date

    @property
    def first_height(self) -> int:
        """Height of the oldest block."""
        return int(self.blocks["height"][0])

    @property
    def last_height(self) -> int:
        """Height of the newest block."""
        return int(self.blocks["height"][-1])

    @property
    def last_hash(self) -> str:
        """Hash of the newest block."""
        return str(self.blocks["block_hash"][-1])


def main_chain(blocks: pl.DataFrame) -> MainChain:
    """The main chain among `blocks` (hash, height, previous_hash, time_s, transactions), whatever their order.

    Where several blocks share the greatest height, it is not decided yet which one wins: the chain ends where they
    part. Raises JoinError when a block between the newest and the lowest is missing.
    """
    numbered = blocks.with_row_index("row")
    parents = (
        numbered.join(
            numbered.select(pl.col("row").alias("parent"), pl.col("hash").alias("previous_hash")),
            on="previous_hash",
            how="left",
            maintain_order="left",
        )["parent"]
        .cast(pl.Int64)
        .fill_null(-1)
        .to_numpy()
    )
    heights = blocks["height"].to_numpy()
    ends = np.flatnonzero(heights == heights.max()).tolist()
    rows = _descent(ends[0], parents)
    for end in ends[1:]:
        other = set(_descent(end, parents))
        rows = rows[next((index for index, row in enumerate(rows) if row in other), len(rows)) :]
    if not rows:
        raise JoinError(f"The blocks at the newest height {heights.max()} have no block in common. Fetch more days.")
    kept = blocks[rows[::-1]]
    _require_whole(kept, int(heights.min()))
    newest = sorted(kept["time_s"].tail(_MEDIAN_OF_BLOCKS).to_list())
    return MainChain(
        kept.select(
            pl.col("hash").alias("block_hash"),
            "height",
            pl.from_epoch("time_s").dt.date().alias("day"),
            "transactions",
            (~pl.col("height").is_in(LOST_COINBASE_HEIGHTS)).alias("coinbase_is_coin"),
        ),
        day_of(newest[len(newest) // 2]) - timedelta(days=1),
    )


def _descent(row: int, parents: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[int]:
    """The row and those it descends from, as far as there are any."""
    rows = []
    links = parents.tolist()
    while row >= 0:
        rows.append(row)
        row = links[row]
    return rows


def _require_whole(kept: pl.DataFrame, lowest: int) -> None:
    heights = kept["height"]
    wrong = kept.filter(heights != heights[0] + pl.int_range(pl.len()))
    if wrong.height:
        raise JoinError(
            f"Block {wrong['hash'][0]} says height {wrong['height'][0]}, but follows another. Fetch it again."
        )
    if heights[0] != lowest:
        raise JoinError(
            f"Block {kept['previous_hash'][0]} at height {heights[0] - 1} is missing, though older ones are there. "
            f"It is stamped about {day_of(kept['time_s'][0])}: fetch the blocks and transactions of that "
            "day and of the days beside it."
        )
