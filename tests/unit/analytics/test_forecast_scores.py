"""Scores against a second implementation (scoringrules), against closed forms, and on forecasts that are known good."""

import numpy as np
import pytest
import scoringrules
from scipy.stats import norm

from analytics import forecast_scores as scores
from analytics.baselines import baselines
from analytics.forecast import METHOD, Forecaster
from analytics.outlook import CLOSE, LOW, VARIABLES, Outlook, Sample
from analytics.track_record import TrackRecord
from tests.unit.analytics.price_paths import prices


def sample(n: int = 300, seed: int = 1) -> Sample:
    return Sample(np.sort(np.random.default_rng(seed).standard_t(5, (5, n)), axis=1), independent=n)


def test_crps_equals_a_second_implementation() -> None:
    made = sample()
    outlook = Outlook(made, np.array([0.1, 0.02, 3.0]), np.tile([[0.01, -0.2, 0.0]], (5, 1)))
    outcome = np.array([0.05, -0.21, 9.0])
    for variable in range(len(VARIABLES)):
        members = made.values[variable][None, :] * outlook.scale[:, None] + outlook.shift[variable][:, None]
        second = scoringrules.crps_ensemble(outcome, members, estimator="nrg")
        np.testing.assert_allclose(outlook.crps(variable, outcome), second, rtol=1e-9)


def test_brier_and_log_score_equal_a_second_implementation() -> None:
    said, happened = np.array([0.01, 0.4, 0.99, 0.5]), np.array([0.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(scores.brier(said, happened), scoringrules.brier_score(happened, said))
    np.testing.assert_allclose(scores.log_score(said, happened), scoringrules.log_score(happened, said))


def test_log_score_never_counts_less_than_a_quarter_percent() -> None:
    assert scores.log_score(np.array([0.0]), np.array([1.0]))[0] == pytest.approx(-np.log(0.0025))


def test_random_walk_is_the_normal_distribution_and_its_reflection() -> None:
    forecaster = Forecaster(prices(900))
    days = np.array([850, 851])
    outlook = baselines(forecaster)["random_walk"].outlook(21, days)
    assert outlook is not None
    returns = np.diff(np.log(forecaster.prices.close))
    sigma = np.array([np.sqrt(np.mean(returns[day - 30 : day] ** 2)) for day in days])
    moves = np.array([-0.2, -0.05, 0.0, 0.1])
    total = sigma[:, None] * np.sqrt(21)
    np.testing.assert_allclose(outlook.below(CLOSE, np.tile(moves, (2, 1))), norm.cdf(moves / total), atol=2e-4)
    below = np.tile(moves[:2], (2, 1))
    np.testing.assert_allclose(outlook.below(LOW, below), 2 * norm.cdf(below / total), atol=5e-4)
    lowest_close = 2 * norm.cdf((below - 0.5826 * sigma[:, None]) / total)
    np.testing.assert_allclose(1 - outlook.holds(below), lowest_close, atol=5e-4)
    crps = scoringrules.crps_normal(np.array([0.03, -0.1]), 0, total[:, 0])
    np.testing.assert_allclose(outlook.crps(CLOSE, np.array([0.03, -0.1])), crps, rtol=2e-3)


def test_yesterday_says_the_same_of_the_same_dollars() -> None:
    forecaster = Forecaster(prices(900))
    day = 800
    before = forecaster.forecast(day - 1, 7)
    outlook = baselines(forecaster)["yesterday"].outlook(7, np.array([day]))
    assert before is not None
    assert outlook is not None
    dollars = forecaster.prices.close[day] * np.array([[0.9, 1.0, 1.05]])
    np.testing.assert_allclose(
        outlook.below(LOW, np.log(dollars / forecaster.prices.close[day])),
        before.outlook.below(LOW, np.log(dollars / forecaster.prices.close[day - 1])),
    )


def test_outcomes_are_what_came() -> None:
    made = prices(60)
    came = scores.outcomes(made, 7)
    ahead = slice(21, 28)
    assert came[0, 20] == pytest.approx(np.log(made.close[27] / made.close[20]))
    assert came[1, 20] == pytest.approx(np.log(made.low[ahead].min() / made.close[20]))
    assert came[2, 20] == pytest.approx(np.log(made.high[ahead].max() / made.close[20]))
    assert came[3, 20] == pytest.approx(np.log(made.close[ahead].min() / made.close[20]))
    assert came[4, 20] == pytest.approx(np.log(made.close[ahead].max() / made.close[20]))
    assert np.isnan(came[:, -7:]).all()
    assert not np.isnan(came[:, -8]).any()


def test_a_forecast_by_the_true_law_beats_a_wrong_one_and_is_called_so() -> None:
    random = np.random.default_rng(5)
    days = 1_500
    came = np.tile(random.normal(0, 0.1, days), (5, 1))
    true = Outlook(Sample(np.tile(norm.ppf((np.arange(999) + 0.5) / 999), (5, 1))), np.full(days, 0.1))
    wrong = Outlook(true.sample, np.full(days, 0.25))
    ours, theirs = scores.losses(true, came, 7), scores.losses(wrong, came, 7)
    found = scores.compare(ours, {"wrong": theirs, "same": ours}, 7)
    assert found["crps_close", "wrong"].verdict == "better"
    assert found["crps_close", "wrong"].independent == pytest.approx(days / 7)
    assert found["brier_close_below", "wrong"].verdict == "better"
    assert found["crps_close", "same"].skill == 0
    assert found["crps_close", "same"].verdict == "no_skill"
    assert scores.compare(theirs, {"true": ours}, 7)["crps_close", "true"].verdict == "worse"
    few = {name: values[:100] for name, values in ours.items()}
    assert scores.compare(few, {"same": few}, 7)["crps_close", "same"].verdict == "too_few"
    level = scores.coverage(scores.pit(true, came)[CLOSE], 0.9, 7)
    assert level is not None
    assert level.verdict is None
    assert level.share == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize(("scale", "verdict"), [(0.04, "too_narrow"), (0.3, "too_wide")])
def test_intervals_of_the_wrong_width_are_called_so(scale: float, verdict: str) -> None:
    days = 1_500
    came = np.tile(np.random.default_rng(5).normal(0, 0.1, days), (5, 1))
    law = Outlook(Sample(np.tile(norm.ppf((np.arange(999) + 0.5) / 999), (5, 1))), np.full(days, scale))
    found = scores.coverage(scores.pit(law, came)[CLOSE], 0.5, 7)
    assert found is not None
    assert found.verdict == verdict


def test_interval_of_the_bootstrap_covers_a_known_skill() -> None:
    """Losses of a known ratio, days that hang together: 90 % intervals hold it about nine times in ten."""
    random = np.random.default_rng(11)
    inside = 0
    for _ in range(60):
        days, block = 840, 7
        common = np.repeat(random.normal(0, 0.2, days // block), block)
        theirs = 1 + common
        ours = 0.95 * (1 + common) + np.repeat(random.normal(0, 0.05, days // block), block)
        found = scores.compare({"loss": ours}, {"b": {"loss": theirs}}, block)["loss", "b"]
        inside += found.low <= 0.05 <= found.high
    assert 47 <= inside <= 59


def test_a_day_scored_alone_has_the_loss_that_it_has_among_all() -> None:
    record = TrackRecord(Forecaster(prices(1300)))
    days = np.arange(800, 1250)
    for horizon in (7, 21):
        together = record.losses(horizon, days)
        assert set(together) == {METHOD, "random_walk", "climatology", "options", "yesterday"}
        for place in (0, 1, 100, 231, 449):
            alone = record.losses(horizon, days[place : place + 1])
            for name, by_loss in alone.items():
                for loss, value in by_loss.items():
                    np.testing.assert_array_equal(value[0], together[name][loss][place])
