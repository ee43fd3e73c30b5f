"""The tables of `analytics` that say what forecasts were worth. They are derived: a rebuild computes them again."""

from collections.abc import Mapping
from typing import Final

from warehouse.forecast_log_tables import VARIABLES
from warehouse.table_definition import TableDefinition

SCORED_EVENTS: Final[Mapping[str, str]] = {
    "close_below": "the close at the horizon lies below",
    "touch_from_above": "the price trades at or below",
    "touch_from_below": "the price trades at or above",
    "holds": "every close lies at or above",
}
_DATE = ("DATE", "UTC day whose close the forecast was made at.")
_HORIZON = ("INTEGER", "Days ahead [days].")
_METHOD = ("VARCHAR", "The method that is judged; see dim_forecast_method.")
_ORIGIN = ("VARCHAR", "live or backtest; never mixed.")
_FORECASTER = ("VARCHAR", "Whose forecast the losses are of: the method, or a baseline.")
_EVENT = ("VARCHAR", "What was forecast: a variable or an event.")

FORECAST_TABLES: Final[Mapping[str, TableDefinition]] = {
    "forecast_outcome": TableDefinition(
        "One row a forecast whose horizon has ended, and forecaster: what came, and the losses of the day.",
        {
            "forecast_date": _DATE,
            "horizon_days": _HORIZON,
            "method": _METHOD,
            "origin": _ORIGIN,
            "forecaster": _FORECASTER,
            **{
                f"{name}_move": ("FLOAT", f"{says.capitalize()}, as it came: log move.")
                for name, says in VARIABLES.items()
            },
            **{
                f"pit_{name}": ("FLOAT", f"Where {says} fell in the method's own forecast, 0 to 1.")
                for name, says in VARIABLES.items()
            },
            **{f"crps_{name}": ("FLOAT", f"CRPS of {says}, log moves.") for name, says in VARIABLES.items()},
            **{
                f"{score}_{event}": ("FLOAT", f"Mean {score} score over the grid of prices: {says} [score].")
                for score in ("brier", "log")
                for event, says in SCORED_EVENTS.items()
            },
        },
    ),
    "forecast_said": TableDefinition(
        "One row an ended forecast, event and bin of what was said on the grid of prices.",
        {
            "forecast_date": _DATE,
            "horizon_days": _HORIZON,
            "method": _METHOD,
            "origin": _ORIGIN,
            "event": _EVENT,
            "bin": ("INTEGER", "Bin of what was said: from 0 to 5."),
            "answers": ("INTEGER", "Prices of the grid in it [count]."),
            "said": ("FLOAT", "Sum of what was said."),
            "happened": ("FLOAT", "How often it happened [count]."),
        },
    ),
    "forecast_score": TableDefinition(
        "One row a window, horizon, event, score and baseline: the method's skill, over the days that had ended.",
        {
            "as_of_date": ("DATE", "Last day of prices in it."),
            "horizon_days": _HORIZON,
            "method": _METHOD,
            "origin": _ORIGIN,
            "event": _EVENT,
            "score": ("VARCHAR", "crps, brier or log."),
            "period": ("VARCHAR", "730d and 365d = the last ended days; all; a year of forecast dates."),
            "baseline": (
                "VARCHAR",
                "random_walk, climatology, options (flat DVOL), yesterday; of a shadow method the published one.",
            ),
            "ours": ("DOUBLE", "Mean loss of the method [score]."),
            "theirs": ("DOUBLE", "Mean loss of the baseline [score]."),
            "skill_pct": ("DOUBLE", "1 less ours over theirs [percent]."),
            "lo90_pct": ("DOUBLE", "Lower end of its 90 % interval, block bootstrap [percent]."),
            "hi90_pct": ("DOUBLE", "Upper end of it [percent]."),
            "t_windows": ("DOUBLE", "t value of the gain over windows that do not overlap."),
            "days": ("INTEGER", "Ended days that both are scored on [days]."),
            "independent_windows": ("DOUBLE", "Days over the horizon [count]."),
            "coverage50": ("DOUBLE", "Share of closes inside the interval of half [fraction]."),
            "coverage90": ("DOUBLE", "Share of closes inside the interval of nine in ten [fraction]."),
            "coverage_verdict": ("VARCHAR", "too_narrow or too_wide beyond what chance explains; else null."),
            "verdict": ("VARCHAR", "better, no_skill, worse or too_few (under 20 independent windows)."),
        },
    ),
    "forecast_reliability": TableDefinition(
        "One row a horizon, event and bin: how often what was said happened.",
        {
            "horizon_days": _HORIZON,
            "method": _METHOD,
            "origin": _ORIGIN,
            "event": _EVENT,
            "bin_low": ("DOUBLE", "From this probability on [fraction]."),
            "bin_high": ("DOUBLE", "Up to this one [fraction]."),
            "said": ("DOUBLE", "Mean of what was said [fraction]."),
            "happened": ("DOUBLE", "Share of it that happened [fraction]."),
            "days": ("INTEGER", "Days with an answer in the bin [days]."),
            "independent_windows": ("DOUBLE", "Days over the horizon [count]."),
        },
    ),
}
