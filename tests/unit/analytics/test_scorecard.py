"""What followed a condition: counted by hand, and on histories whose answer is known."""

import numpy as np
import pytest

from analytics.scorecard import ahead, followed, lasted


def test_days_spells_and_stretches_are_counted() -> None:
    held = np.zeros(200)
    held[[3, 4, 5, 9, 80, 81]] = 1
    held[[7, 150]] = np.nan
    found = lasted(held)
    assert (found.days_known, found.days_true, found.spells, found.stretches) == (198, 6, 3, 2)
    assert found.median_spell_days == 2


def test_a_condition_that_never_held_has_no_spell() -> None:
    assert lasted(np.zeros(50)).stretches == 0
    assert followed(np.zeros((1, 50)), np.full(50, 100.0), 7) == [None]


def test_returns_and_drawdowns_are_those_of_the_days_ahead() -> None:
    returns, drawdowns = ahead(np.array([100.0, 90.0, 120.0, 130.0]), 2)
    assert returns[:2] == pytest.approx([20.0, 100 * (130 / 90 - 1)])
    assert drawdowns[:2] == pytest.approx([-10.0, 0.0])
    assert np.isnan(returns[2:]).all()


def world(effect: float, *, days: int = 4_000, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """A condition that comes in spells of ten days, and a price whose mean move depends on it."""
    random = np.random.default_rng(seed)
    held = np.repeat(random.random(days // 10) < 0.4, 10).astype(float)
    move = random.normal(0, 0.01, days) + effect * held
    return held, 100 * np.exp(np.cumsum(move))


def test_what_tells_days_apart_is_found_and_what_does_not_is_said_so() -> None:
    held, close = world(0.004)
    [found] = followed(np.roll(held, -1)[None, :], close, 7)
    assert found is not None
    assert found.verdict == "up"
    assert found.low < found.difference < found.high
    held, close = world(-0.004)
    [found] = followed(np.roll(held, -1)[None, :], close, 7)
    assert found is not None
    assert found.verdict == "down"
    held, close = world(0.0)
    [found] = followed(held[None, :], close, 7)
    assert found is not None
    assert found.verdict == "nothing"


def test_two_stretches_judge_nothing_whatever_the_interval_says() -> None:
    _, close = world(0.0, days=600)
    held = np.zeros(600)
    held[100:110] = 1
    held[400:412] = 1
    close[101:140] *= np.linspace(1, 1.5, 39)
    [found] = followed(held[None, :], close, 30)
    assert found is not None
    assert found.windows == 2
    assert found.verdict == "too_few"


def test_conditions_judged_together_or_alone_are_judged_the_same() -> None:
    held, close = world(0.002)
    both = followed(np.stack([held, 1 - held]), close, 30)
    [alone] = followed(held[None, :], close, 30)
    assert alone is not None
    assert both[0] is not None
    assert (both[0].low, both[0].high) == pytest.approx((alone.low, alone.high), rel=1e-4)
    assert both[0].difference == alone.difference
    assert both[1] is not None
    assert both[1].difference == pytest.approx(-both[0].difference)


def test_a_change_of_sign_between_the_halves_is_no_answer() -> None:
    held, close = world(0.006)
    turned, other = world(-0.003, seed=5)
    prices = np.concatenate([close, close[-1] * other / other[0]])
    [found] = followed(np.roll(np.concatenate([held, turned]), -1)[None, :], prices, 7)
    assert found is not None
    assert found.first_half > 0 > found.second_half
    assert found.verdict == "nothing"
