"""Candidates: what helps is found, what does not is left, nothing is fitted on what had not ended, and the gate."""

import numpy as np
import pytest
from scipy.special import expit, logit

from analytics.candidates import Answers, by_blend, by_feature, by_venn_abers, gate
from analytics.forecast_scores import log_score

DAYS, HORIZON = 1_400, 7
DATES = np.datetime64("2018-01-01") + np.arange(DAYS)


def world(effect: float, *, tilt: float = 1.0, seed: int = 4) -> tuple[Answers, np.ndarray]:
    """Answers whose true log-odds are those said, times `tilt`, plus `effect` times a feature that lasts for weeks."""
    random = np.random.default_rng(seed)
    feature = np.repeat(random.normal(0, 1, DAYS // 14), 14)[:DAYS]
    said = expit(random.normal(0, 1, (DAYS, 3)))
    true = expit(tilt * logit(said) + effect * feature[:, None])
    happened = (random.random((DAYS, 3)) < true).astype(float)
    return Answers(said, happened, DATES, HORIZON), feature


def losses(said: np.ndarray, answers: Answers) -> np.ndarray:
    return log_score(said, answers.happened).mean(axis=1)


def test_a_feature_that_helps_is_used_and_passes_the_gate() -> None:
    answers, feature = world(0.8)
    found = gate(losses(answers.said, answers), losses(by_feature(answers, feature), answers), HORIZON)
    assert found.status == "passed"
    assert found.first_gain is not None
    assert found.first_gain > 0.01


def test_a_feature_that_says_nothing_fails_the_gate() -> None:
    answers, feature = world(0.0)
    assert (
        gate(losses(answers.said, answers), losses(by_feature(answers, feature), answers), HORIZON).status == "failed"
    )


def test_a_feature_that_turns_its_sign_fails_the_gate() -> None:
    answers, feature = world(0.8)
    feature[DAYS // 2 :] *= -1
    found = gate(losses(answers.said, answers), losses(by_feature(answers, feature), answers), HORIZON)
    assert found.status == "failed"


def test_forty_eight_windows_are_needed_before_anything_is_judged() -> None:
    answers, feature = world(0.8)
    ours, theirs = losses(answers.said, answers), losses(by_feature(answers, feature), answers)
    few = 48 * HORIZON - 1
    assert gate(ours[:few], theirs[:few], HORIZON).status == "too_few"


@pytest.mark.parametrize("move", [by_venn_abers, lambda answers: by_feature(answers, world(0.5)[1])])
def test_nothing_is_fitted_on_what_had_not_ended(move) -> None:
    answers, _ = world(0.5)
    until = 1_100
    known = answers.happened.copy()
    known[until - HORIZON :] = 1 - known[until - HORIZON :]  # whatever comes later
    other = Answers(answers.said, known, DATES, HORIZON)
    month = np.flatnonzero(DATES.astype("M8[M]") == DATES[until].astype("M8[M]"))
    seen = slice(0, month[0] if DATES[until] > DATES[month[0]] else until)
    np.testing.assert_array_equal(move(answers)[seen], move(other)[seen])


def test_venn_abers_calibrates_what_is_too_sure() -> None:
    answers, _ = world(0.0, tilt=0.4)
    late = slice(700, None)
    assert losses(by_venn_abers(answers), answers)[late].mean() < 0.97 * losses(answers.said, answers)[late].mean()


def test_venn_abers_leaves_what_is_calibrated_nearly_alone() -> None:
    answers, _ = world(0.0)
    late = slice(700, None)
    assert losses(by_venn_abers(answers), answers)[late].mean() < 1.02 * losses(answers.said, answers)[late].mean()


def test_a_blend_is_the_published_answer_where_the_other_is_unknown() -> None:
    answers, _ = world(0.0)
    other = np.full_like(answers.said, np.nan)
    other[5] = 0.5
    blended = by_blend(answers, other)
    np.testing.assert_array_equal(np.delete(blended, 5, axis=0), np.delete(answers.said, 5, axis=0))
    np.testing.assert_allclose(logit(blended[5]), logit(answers.said[5]) / 2)
