"""The difficulty estimate against consensus vectors, the provider's own figures and real epochs."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from analytics.retarget import change_pct, difficulty, estimate, mempool_change_pct

START = datetime(2026, 1, 22, 18, 0, tzinfo=UTC)


def test_perfect_spacing_raises_difficulty_by_a_twentieth_of_a_percent():
    assert change_pct(2015 * 600) == pytest.approx(100 / 2015)


def test_change_is_clamped_at_four_times_either_way():
    assert change_pct(1) == pytest.approx(300)
    assert change_pct(1e9) == pytest.approx(-75)


def test_estimate_worked_by_hand():
    """1 800 intervals of 690 s: 2 016·600 over 2 015·690 is −13.0 %; 216 blocks of 690 s are 41.4 h."""
    now = START + timedelta(seconds=1800 * 690)
    found = estimate(467 * 2016 + 1800, START, now)
    assert found.change_pct == pytest.approx((2016 * 600 / (2015 * 690) - 1) * 100)
    assert found.remaining_blocks == 216
    assert found.block_time_s == pytest.approx(690)
    assert found.remaining_h(now) == pytest.approx(41.4)


@pytest.mark.parametrize(("blocks", "known"), [(0, False), (143, False), (144, True), (2015, True)])
def test_a_young_epoch_has_no_estimate(blocks, known):
    found = estimate(2016 * 400 + blocks, START, START + timedelta(seconds=600 * (blocks + 1)))
    assert (found is not None) is known


def test_the_last_block_of_an_epoch_settles_the_change():
    elapsed = timedelta(days=15)
    found = estimate(2016 * 400 + 2015, START, START + elapsed)
    assert found.change_pct == pytest.approx(change_pct(elapsed.total_seconds()))
    assert found.remaining_blocks == 1


def test_time_that_stands_still_is_refused():
    with pytest.raises(ValueError, match="not after"):
        estimate(2016 * 400 + 200, START, START)


def test_difficulty_of_the_first_block_is_one():
    assert difficulty(0x1D00FFFF) == 1.0


@pytest.mark.parametrize("bits", [0x1D000000, 0x1D800001, 0x01000000, 0x01001234])
def test_impossible_targets_are_refused(bits):
    with pytest.raises(ValueError, match="zero or negative"):
        difficulty(bits)


def test_changes_between_compact_targets(real):
    for vector in json.loads((real / "fixtures" / "mempool" / "bits_change_vectors.json").read_text()):
        before, after = (difficulty(int(vector[name], 16)) for name in ("old_bits", "new_bits"))
        clamped = min(300, max(-75, (after / before - 1) * 100))
        assert clamped == pytest.approx(vector["change_percent"])


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


@pytest.mark.parametrize(
    ("blocks", "previous_pct", "expected_pct"),
    [
        # A young epoch: 100 blocks at 500 s, filled up with the 404 before it at 600 s.
        (100, 0.0, 504 * 600 / (100 * 500 + 404 * 600) - 1),
        # After a cut of 10 % the blocks before it count as 540 s.
        (100, -10.0, 504 * 600 / (100 * 500 + 404 * 540) - 1),
        # An older one stands for itself, its first block counted.
        (1000, 0.0, 1001 * 600 / (1000 * 500) - 1),
        # The last block settles it, however long the next one takes.
        (2015, 0.0, 2016 * 600 / (2015 * 500) - 1),
    ],
)
def test_the_providers_formula_worked_by_hand(blocks, previous_pct, expected_pct):
    last_block_at = START + timedelta(seconds=500 * blocks)
    found = mempool_change_pct(
        height=2016 * 400 + blocks,
        now=last_block_at + timedelta(hours=5) if blocks == 2015 else last_block_at,
        retarget_at=START,
        previous_change_pct=previous_pct,
        block_504_back_at=START - timedelta(seconds=404 * 600),
        last_block_at=last_block_at,
    )
    assert found == pytest.approx(100 * expected_pct)


def test_the_providers_own_estimate(real):
    for vector in json.loads((real / "fixtures" / "mempool" / "difficulty_estimate_vectors.json").read_text()):
        given = vector["inputs"]
        found = mempool_change_pct(
            height=given["height"],
            now=at(given["now"]),
            retarget_at=at(given["last_retarget_time"]),
            previous_change_pct=given["previous_retarget_percent"],
            block_504_back_at=at(given["time_504_blocks_ago"]),
            last_block_at=at(given["latest_block_time"]),
        )
        assert found == pytest.approx(vector["expected"]["difficultyChange"], rel=1e-12), vector["name"]


def test_a_full_epoch_gives_the_adjustment_that_came(real):
    """Epochs with real block times on both sides: 2 016 blocks from start to start against 2 015 intervals, 0.1 %."""
    history = json.loads((real / "fixtures" / "mempool" / "v1_mining_hashrate_6m.json").read_text())["difficulty"]
    for before, after in pairwise(history):
        assert after["height"] - before["height"] == 2016
        found = change_pct((after["time"] - before["time"]) * 2015 / 2016)
        assert found == pytest.approx((after["adjustment"] - 1) * 100, abs=0.3)
    assert len(history) == 3
