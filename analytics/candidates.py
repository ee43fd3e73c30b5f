"""Candidates in the shadow: ways to move a published probability, each fitted on what had ended, and the gate to pass.

A candidate changes what the published method said of one named event. A feature shifts it on the log-odds scale by one
factor, fitted by logistic regression; Venn-Abers calibration (Vovk and Petej 2014) maps it by isotonic regression; a
blend takes the mean of its log-odds and another forecast's. Whatever is fitted is fitted anew for each month, from
forecasts whose horizon had ended before it.

The gate: the log score of the named event improves by at least 1 %, with the lower end of the 90 % interval above
nought, in two disjoint periods of at least 24 independent windows each, counting only days after the candidate was
named. Until then nothing moves.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from analytics.black76 import Floats
from analytics.forecast_scores import compare

FEWEST_TRAINING_WINDOWS: Final = 24
GATE_WINDOWS: Final = 24
GATE_GAIN: Final = 0.01
SCORE_BINS: Final = 200  # of past answers, for the isotonic regression
LEAST: Final = 1e-4
STEPS: Final = 25


@dataclass(frozen=True)
class Answers:
    """What was said of one event and what happened: days × prices, with the date of each day.

    Only `wanted` days need an answer (None for all); the others are there to learn from.
    """

    said: Floats
    happened: Floats
    dates: NDArray[np.datetime64]
    horizon_days: int
    wanted: NDArray[np.bool_] | None = None

    def training(self, month: np.datetime64) -> NDArray[np.bool_]:
        """Days whose horizon had ended before a month began."""
        known = np.isfinite(self.said).all(axis=1) & np.isfinite(self.happened).all(axis=1)
        ended: NDArray[np.bool_] = known & (self.dates + self.horizon_days < month.astype("M8[D]"))
        return ended


def by_feature(answers: Answers, feature: Floats) -> Floats:
    """Log-odds shifted by a factor times the feature; as published where the feature or a fit is not there."""
    moved = answers.said.copy()
    for month, part in _months(answers):
        train = answers.training(month) & np.isfinite(feature)
        if train.sum() >= FEWEST_TRAINING_WINDOWS * answers.horizon_days:
            factor = _factor(answers.said[train], answers.happened[train], feature[train])
            here = part[np.isfinite(feature[part])]
            moved[here] = expit(_odds(answers.said[here]) + factor * feature[here, None])
    return moved


def by_blend(answers: Answers, other: Floats) -> Floats:
    """The mean of both log-odds; as published where the other is unknown."""
    blended = expit((_odds(answers.said) + _odds(other)) / 2)
    return np.where(np.isfinite(other), blended, answers.said)


def by_venn_abers(answers: Answers) -> Floats:
    """Inductive Venn-Abers: p1/(1 − p0 + p1), from isotonic fits with the answer added as a no and as a yes."""
    moved = answers.said.copy()
    for month, part in _months(answers):
        train = answers.training(month)
        if train.sum() < FEWEST_TRAINING_WINDOWS * answers.horizon_days:
            continue
        # Overlapping days count as one window together, or a single answer would weigh next to nothing.
        place = np.minimum((answers.said[train].ravel() * SCORE_BINS).astype(int), SCORE_BINS - 1)
        weight = np.bincount(place, minlength=SCORE_BINS) / answers.horizon_days
        yes = np.bincount(place, answers.happened[train].ravel(), minlength=SCORE_BINS) / answers.horizon_days
        moved[part] = _venn_abers(answers.said[part], weight, yes)
    return moved


def _venn_abers(said: Floats, weight: Floats, yes: Floats) -> Floats:
    places = np.minimum((said * SCORE_BINS).astype(int), SCORE_BINS - 1)
    answer = np.full(SCORE_BINS, np.nan)
    for place in np.unique(places[np.isfinite(said)]):
        ends = []
        for added in (0.0, 1.0):
            weights, hits = weight.copy(), yes.copy()
            weights[place], hits[place] = weights[place] + 1, hits[place] + added
            used = np.flatnonzero(weights)
            fit = isotonic_regression(hits[used] / weights[used], weights=weights[used])
            ends.append(float(fit.x[np.searchsorted(used, place)]))
        answer[place] = ends[1] / (1 - ends[0] + ends[1])
    return np.where(np.isfinite(said), answer[places], np.nan)


def _factor(said: Floats, happened: Floats, feature: Floats) -> float:
    """The logistic regression of what happened on the feature, beside the log-odds that were said (Newton's method)."""
    offset, x = _odds(said), feature[:, None]
    factor = 0.0
    for _ in range(STEPS):
        p = expit(offset + factor * x)
        slope, curve = float(((happened - p) * x).sum()), float((p * (1 - p) * x**2).sum())
        if curve <= 0:
            return 0.0
        factor += slope / curve
        if abs(slope / curve) < 1e-10:
            break
    return factor


def _odds(said: Floats) -> Floats:
    odds: Floats = logit(np.clip(said, LEAST, 1 - LEAST))
    return odds


def _months(answers: Answers) -> list[tuple[np.datetime64, NDArray[np.intp]]]:
    months = answers.dates.astype("M8[M]")
    wanted = months if answers.wanted is None else months[answers.wanted]
    return [(month, np.flatnonzero(months == month)) for month in np.unique(wanted)]


@dataclass(frozen=True)
class Gate:
    """How a candidate stands: windows since it was named, gain in each of two periods (fraction), and the answer."""

    windows: float
    first_gain: float | None
    second_gain: float | None
    status: str  # too_few, failed or passed


def gate(ours: Floats, candidate: Floats, horizon_days: int) -> Gate:
    """Judge the daily log scores of a named event, ours and the candidate's, over the days since it was named."""
    known = np.flatnonzero(np.isfinite(ours) & np.isfinite(candidate))
    windows = len(known) / horizon_days
    if windows < 2 * GATE_WINDOWS:
        return Gate(windows, None, None, "too_few")
    gains = []
    passed = True
    for part in np.array_split(known, 2):
        found = compare({"log": candidate[part]}, {"ours": {"log": ours[part]}}, horizon_days)["log", "ours"]
        gains.append(found.skill)
        passed &= found.skill >= GATE_GAIN and found.low > 0 and found.independent >= GATE_WINDOWS
    return Gate(windows, gains[0], gains[1], "passed" if passed else "failed")
