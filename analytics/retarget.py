"""The next difficulty adjustment: the rule of consensus, and an estimate from the running epoch.

Every 2 016 blocks (an epoch) the target is multiplied by T / 14 days, where T is the time from the first to the last
block of that epoch: 2 015 intervals held against 2 016 × 600 s, so that perfect spacing raises difficulty by 0.05 %. T
is clamped to a quarter and four times 14 days. Source: Bitcoin Core, `CalculateNextWorkRequired` in src/pow.cpp.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

EPOCH_BLOCKS: Final = 2016
EPOCH_INTERVALS: Final = EPOCH_BLOCKS - 1
BLOCK_SPACING_S: Final = 600.0
EPOCH_TIME_S: Final = EPOCH_BLOCKS * BLOCK_SPACING_S
LARGEST_STEP: Final = 4.0
# Before a day's worth of blocks the mean spacing is mostly luck: its standard error is 1/√144, 8 %.
FEWEST_BLOCKS: Final = 144
MEMPOOL_LOOKBACK: Final = 504  # mempool.space fills up a young epoch with the blocks before it

HIGHEST_TARGET: Final = 0xFFFF << 208  # difficulty 1


@dataclass(frozen=True)
class RetargetEstimate:
    """The next adjustment as the running epoch has it: change of difficulty in percent, and when."""

    change_pct: float
    remaining_blocks: int
    retarget_at: datetime
    block_time_s: float

    def remaining_h(self, now: datetime) -> float:
        """Hours from `now` to the adjustment."""
        return (self.retarget_at - now) / timedelta(hours=1)


def change_pct(epoch_time_s: float) -> float:
    """The change of difficulty, percent, after an epoch of this length (first to last block, seconds)."""
    clamped = min(max(epoch_time_s, EPOCH_TIME_S / LARGEST_STEP), EPOCH_TIME_S * LARGEST_STEP)
    return (EPOCH_TIME_S / clamped - 1) * 100


def difficulty(bits: int) -> float:
    """The difficulty of a header's compact target. Raises ValueError for a target that no header can have."""
    exponent, mantissa = bits >> 24, bits & 0xFF_FFFF
    if not 0 < mantissa < 0x80_0000:
        raise ValueError(f"compact target {bits:#010x} is zero or negative")
    target = mantissa << 8 * (exponent - 3) if exponent >= 3 else mantissa >> 8 * (3 - exponent)
    if not target:
        raise ValueError(f"compact target {bits:#010x} is zero or negative")
    return HIGHEST_TARGET / target


def estimate(height: int, epoch_start_at: datetime, last_block_at: datetime) -> RetargetEstimate | None:
    """The next adjustment if blocks keep the mean spacing that the running epoch had so far.

    `height` and `last_block_at` are the newest block's, `epoch_start_at` is the time of the epoch's first block (its
    height divides by 2 016). From daily block counts: the first block's height plus the counts since, and the day's
    end. None in the epoch's first 144 blocks. Raises ValueError when time does not pass.
    """
    intervals = height % EPOCH_BLOCKS
    if intervals < FEWEST_BLOCKS:
        return None
    elapsed_s = (last_block_at - epoch_start_at).total_seconds()
    if elapsed_s <= 0:
        raise ValueError(f"block {height} at {last_block_at} is not after its epoch's first block at {epoch_start_at}")
    block_time_s = elapsed_s / intervals
    remaining_blocks = EPOCH_BLOCKS - intervals
    return RetargetEstimate(
        change_pct=change_pct(block_time_s * EPOCH_INTERVALS),
        remaining_blocks=remaining_blocks,
        retarget_at=last_block_at + timedelta(seconds=remaining_blocks * block_time_s),
        block_time_s=block_time_s,
    )


def mempool_change_pct(
    height: int,
    now: datetime,
    retarget_at: datetime,
    previous_change_pct: float,
    block_504_back_at: datetime | None,
    last_block_at: datetime,
) -> float:
    """mempool.space's own estimate of the next change, percent: what its API would print at `now`.

    It differs from `estimate` early in an epoch, which it fills up with the last 504 blocks, rescaled by the change
    that came between; kept for telling a provider's estimate from ours. Source: mempool
    backend/src/api/difficulty-adjustment.ts.
    """
    blocks = height % EPOCH_BLOCKS
    if block_504_back_at is not None and blocks < MEMPOOL_LOOKBACK - 1:
        before_s = (retarget_at - block_504_back_at).total_seconds() * (1 + previous_change_pct / 100)
        spacing_s = ((now - retarget_at).total_seconds() + before_s) / MEMPOOL_LOOKBACK
    else:
        until = last_block_at if blocks == EPOCH_INTERVALS else now
        spacing_s = (until - retarget_at).total_seconds() / (blocks + 1)
    return min(300.0, max(-75.0, (BLOCK_SPACING_S / spacing_s - 1) * 100))
