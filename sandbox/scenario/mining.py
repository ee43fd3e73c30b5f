"""Blocks and difficulty: every block of the scenario, spaced so that each adjustment follows the rule of consensus."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from sandbox.scenario.story import DAY, Floats, Instants, Story

BLOCKS_PER_EPOCH = 2016
_INTERVALS = BLOCKS_PER_EPOCH - 1  # what consensus measures: from an epoch's first block to its last
_TARGET_S = 14 * 86_400
_SECOND = np.timedelta64(1_000_000, "us")


@dataclass(frozen=True)
class Epoch:
    """One difficulty epoch; `length_s` runs from its first block to its last."""

    number: int
    start: np.datetime64
    difficulty: float
    change_pct: float  # of the adjustment that opened it
    length_s: float


@dataclass(frozen=True)
class BlockSeries:
    """Every block from the start of the epoch that runs on the first day to the end of the last day."""

    height: npt.NDArray[np.int64]
    time: Instants  # whole seconds
    difficulty: Floats
    fees_btc: Floats
    transactions: npt.NDArray[np.int64]


def epochs(story: Story) -> list[Epoch]:
    """The epochs from the one that runs on the first day to the one that runs on the last.

    The crash epoch is anchored. Those before it follow from its start backwards, for an adjustment by c % says that
    the epoch before it lasted 14 days / (1 + c/100); those after it follow from the listed adjustments.
    """
    figures = story.figures("mining")
    crash = figures["crash_epoch"]
    starts, difficulties = [_instant(crash["start"])], [crash["difficulty_t"] * 1e12]
    noise = story.noise("mining.difficulty", 100) * figures["difficulty_noise_pct"] / 100
    # One epoch more than needed: the first adjustment in the tables needs the difficulty before it.
    while len(starts) < 2 or starts[-2] > story.days[0]:
        about = story.path("mining", "difficulty_t", np.array([_after(starts[-1], -_TARGET_S)]))[0] * 1e12
        before = np.round(about * (1 + noise[len(starts)]))
        starts.append(_after(starts[-1], -_span(_length(before, difficulties[-1]))))
        difficulties.append(before)
    starts.reverse()
    difficulties.reverse()
    first = crash["number"] - len(starts) + 1
    for change_pct in [*crash["next_changes_pct"], *(story.continued("mining", "next_changes_pct") or [])]:
        difficulties.append(np.round(difficulties[-1] * (1 + change_pct / 100)))
        starts.append(_after(starts[-1], _span(_length(difficulties[-2], difficulties[-1]))))
    return [
        Epoch(
            number=first + index,
            start=starts[index],
            difficulty=difficulties[index],
            change_pct=(difficulties[index] / difficulties[index - 1] - 1) * 100,
            length_s=_length(difficulties[index], difficulties[index + 1]),
        )
        for index in range(1, len(starts) - 1)
        if starts[index] < story.days[-1] + DAY
    ]


def chain(story: Story, running: list[Epoch]) -> BlockSeries:
    """The blocks of the epochs: found by luck, at the pace that the next adjustment then measures."""
    found = [_block_times(story, epoch) for epoch in running]
    time = np.concatenate(found)
    kept = time < story.days[-1] + DAY
    difficulty = np.repeat([epoch.difficulty for epoch in running], BLOCKS_PER_EPOCH)
    height = np.arange(len(time)) + running[0].number * BLOCKS_PER_EPOCH
    time, height, difficulty = time[kept], height[kept], difficulty[kept]
    usual = story.path("mining", "fees_btc_per_block", time)
    fees = usual * np.exp(0.5 * story.noise("mining.fees", len(time)) - 0.125)
    transactions = (3100 * np.exp(0.25 * story.noise("mining.transactions", len(time)))).astype(np.int64)
    return BlockSeries(height, time, difficulty, np.round(fees, 4), transactions)


def tables(story: Story, running: list[Epoch], blocks: BlockSeries) -> dict[str, pl.DataFrame]:
    """`difficulty_epoch` and `blocks`."""
    epoch_rows = pl.DataFrame(
        {
            "epoch": pl.Series([epoch.number for epoch in running], dtype=pl.Int32),
            "start_height": [epoch.number * BLOCKS_PER_EPOCH for epoch in running],
            "start_time": np.array([epoch.start for epoch in running]),
            "difficulty": [epoch.difficulty for epoch in running],
            "change_pct": [round(epoch.change_pct, 6) for epoch in running],
        }
    )
    block_rows = pl.DataFrame(
        {
            "height": blocks.height,
            "time": blocks.time,
            "difficulty": blocks.difficulty,
            "tx_count": blocks.transactions,
            "fees_btc": blocks.fees_btc,
            "subsidy_btc": np.full(len(blocks.height), story.figures("mining")["subsidy_btc"]),
        }
    )
    return {"difficulty_epoch": epoch_rows, "blocks": block_rows}


def _block_times(story: Story, epoch: Epoch) -> Instants:
    """An epoch's block times: exponential gaps, stretched to its length and, in the crash epoch, to the estimate."""
    gaps = -np.log1p(-story.uniform(f"mining.blocks.{epoch.number}", _INTERVALS))
    work = np.concatenate([[0.0], np.cumsum(gaps)])
    pins = {0: 0.0, _INTERVALS: epoch.length_s}
    crash = story.figures("mining")["crash_epoch"]
    if epoch.number == crash["number"]:
        seen_s = (_instant(crash["estimate_at"]) - epoch.start) / _SECOND
        # The last block before the estimate came three minutes earlier, the next one comes seven minutes later.
        pins |= {crash["blocks_found"] - 1: seen_s - 180, crash["blocks_found"]: seen_s + 420}
    at = sorted(pins)
    seconds = np.interp(work, work[at], [pins[index] for index in at])
    times: Instants = epoch.start + np.round(seconds).astype(np.int64) * _SECOND
    return times


def _length(difficulty: float, following: float) -> float:
    """Seconds from an epoch's first block to its last, when the next difficulty is `following`."""
    return _TARGET_S * difficulty / following


def _span(length_s: float) -> float:
    """Seconds from an epoch's first block to the next epoch's first, one ordinary interval after its last."""
    return length_s * (1 + 1 / _INTERVALS)


def _after(instant: np.datetime64, seconds: float) -> np.datetime64:
    later: np.datetime64 = instant + round(seconds) * _SECOND
    return later


def _instant(aware: datetime) -> np.datetime64:
    return np.datetime64(aware.replace(tzinfo=None), "us")
