"""Two simpler labellings of the same days, to see what the warehouse's regimes add: a rule on price alone, and an HMM.

The price rule has round numbers that nobody fitted: fall from the 90-day high, and the rank of 30-day volatility in
the 365 days before. The HMM is a Gaussian one with two states (own mean and variance each) on daily log returns. It
is fitted anew at each 1 January on all earlier days and labels the year with filtered probabilities: what the days up
to and including that day say, never what came later. Years before its first fit are training only. With three states
the third is spent on 12 March 2020 and a day or two beside it, so it labels nothing afterwards.
"""

import warnings
from datetime import date

import numpy as np
import polars as pl
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

PRICE_LABELS = ("crash", "bear", "between", "near high")
HMM_LABELS = ("calm", "turbulent")
FIRST_FIT_YEAR = 2022
SEED = 20260206
STARTS = 20  # random starts of the likelihood's climb


def price_only(prices: pl.DataFrame) -> pl.DataFrame:
    """signal_date and price_label: crash (20 % under the 90-day high, volatility rank 80 or more), bear (the same fall
    without it), near high (within 8 %), else between. `prices` has signal_date and close."""
    calendar = pl.DataFrame(
        {"signal_date": pl.date_range(prices["signal_date"].min(), prices["signal_date"].max(), eager=True)}
    )
    days = calendar.join(prices.select("signal_date", "close"), on="signal_date", how="left")
    volatility = pl.col("close").log().diff().rolling_std(30, min_samples=25)
    days = days.with_columns(
        fall_pct=100 * (pl.col("close") / pl.col("close").rolling_max(90, min_samples=30) - 1), volatility=volatility
    ).with_columns(rank=_rank_in_year(volatility_of=days.select(volatility).to_series()))
    return days.drop_nulls("close").select(
        "signal_date",
        price_label=pl.when(pl.col("fall_pct").is_null() | pl.col("rank").is_null())
        .then(None)
        .when((pl.col("fall_pct") <= -20) & (pl.col("rank") >= 80))
        .then(pl.lit("crash"))
        .when(pl.col("fall_pct") <= -20)
        .then(pl.lit("bear"))
        .when(pl.col("fall_pct") >= -8)
        .then(pl.lit("near high"))
        .otherwise(pl.lit("between")),
    )


def _rank_in_year(volatility_of: pl.Series) -> pl.Series:
    """The percentile of each day's value among the 365 days before it, at least 60 of them."""
    values = volatility_of.to_numpy()
    ranks: list[float | None] = []
    for day, value in enumerate(values):
        before = values[max(0, day - 365) : day]
        before = before[~np.isnan(before)]
        ranks.append(None if np.isnan(value) or len(before) < 60 else float(100 * np.mean(before < value)))
    return pl.Series(ranks, dtype=pl.Float64)


def hidden_states(prices: pl.DataFrame) -> pl.DataFrame:
    """signal_date and hmm_label from the year of the first fit on: the likeliest state, named by its variance."""
    days = prices.sort("signal_date").with_columns(
        log_return=100 * pl.col("close").log().diff(), gap=pl.col("signal_date").diff().dt.total_days()
    )
    days = days.filter(pl.col("gap") == 1)  # the return over a hole is none of one day
    labelled = []
    for year in range(FIRST_FIT_YEAR, days["signal_date"].max().year + 1):
        known = days.filter(pl.col("signal_date") < date(year, 1, 1))["log_return"].to_numpy()
        up_to_year_end = days.filter(pl.col("signal_date") < date(year + 1, 1, 1))
        states = _filtered(known, up_to_year_end["log_return"].to_numpy())
        of_year = up_to_year_end["signal_date"].dt.year() == year
        labelled.append(
            pl.DataFrame(
                {
                    "signal_date": up_to_year_end.filter(of_year)["signal_date"],
                    "hmm_label": [HMM_LABELS[state] for state in states[of_year.to_numpy()]],
                }
            )
        )
    return pl.concat(labelled)


def _filtered(training: np.ndarray, through: np.ndarray) -> np.ndarray:
    """States (0 = least variance) of `through`, filtered under parameters fitted on `training`."""
    np.random.seed(SEED)  # statsmodels draws its random starts from numpy's global generator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of the random starts, most of which lead nowhere
        warnings.simplefilter("ignore", RuntimeWarning)
        fitted = MarkovRegression(training, k_regimes=len(HMM_LABELS), switching_variance=True).fit(
            search_reps=STARTS, disp=False
        )
        model = MarkovRegression(through, k_regimes=len(HMM_LABELS), switching_variance=True)
        probabilities = model.filter(fitted.params).filtered_marginal_probabilities
    variances = fitted.params[-len(HMM_LABELS) :]
    order = np.argsort(np.argsort(variances))
    return order[np.argmax(probabilities, axis=1)]


def changes_a_year(days: pl.DataFrame, label: str) -> float:
    """How often a label changes from one day to the next, a year of 365 days."""
    known = days.drop_nulls(label)
    return 365 * (known[label] != known[label].shift()).mean()


def explained(days: pl.DataFrame, label: str, outcome: str) -> float:
    """The share of an outcome's variance that lies between labels (eta squared), in percent."""
    known = days.drop_nulls([label, outcome])
    total = ((known[outcome] - known[outcome].mean()) ** 2).sum()
    means = known.select(pl.col(outcome).mean().over(label)).to_series()
    return float(100 * ((means - known[outcome].mean()) ** 2).sum() / total)


def by_chance(days: pl.DataFrame, label: str, outcome: str, draws: int = 300) -> float:
    """The 95th percentile of `explained` when the labels are turned around the calendar by a random number of days:
    runs stay as long as they were and outcomes overlap as they do, but the two have nothing to do with each other."""
    known = days.drop_nulls([label, outcome])
    rng = np.random.default_rng(SEED)
    shifts = rng.integers(90, known.height - 90, draws)
    labels = known[label].to_numpy()
    turned = [
        explained(known.with_columns(pl.Series(label, np.roll(labels, shift))), label, outcome) for shift in shifts
    ]
    return float(np.quantile(turned, 0.95))


def with_outcomes(days: pl.DataFrame, prices: pl.DataFrame, horizon: int = 30) -> pl.DataFrame:
    """`days` with the volatility (percent a day), return and lowest close (percent) of the days that follow."""
    calendar = pl.DataFrame(
        {"signal_date": pl.date_range(prices["signal_date"].min(), prices["signal_date"].max(), eager=True)}
    ).join(prices.select("signal_date", "close"), on="signal_date", how="left")
    daily = 100 * pl.col("close").log().diff()
    after = calendar.select(
        "signal_date",
        next_volatility=daily.rolling_std(horizon, min_samples=horizon).shift(-horizon),
        next_return=100 * (pl.col("close").shift(-horizon) / pl.col("close") - 1),
        next_low=100
        * (pl.col("close").rolling_min(horizon, min_samples=horizon).shift(-horizon) / pl.col("close") - 1),
    )
    return days.join(after, on="signal_date", how="left")
