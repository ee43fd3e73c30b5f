"""Which columns of published marts hold values that their sources do not allow to be passed on.

States, regimes and rules are Leadline's own and stay. The list is written into every published file as
`main.withheld`, so that whoever passes something on (extracts, report, assistants) leaves out the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from warehouse.tables import types_of

# A mart with a column `publishable` says so row by row; of the others these columns are left empty. Facts that are
# neither in this list nor say anything about it are left out as a whole.
SETTING = (
    *("btc_close_usd", "level_usd", "cluster_low_usd", "cluster_high_usd", "explanation"),
    *("level_before_usd", "level_before_low_usd", "level_redrawn_from_usd"),
    *(
        "verdict_line",
        "verdict_line_zh",
        "regime_decided_by",
        "regime_decided_by_zh",
        "nearest_edge_usd",
        "close_to_nearest_edge_pct",
    ),
    *("floor_low_usd", "floor_high_usd", "ceiling_low_usd", "ceiling_high_usd"),
)
RESTRICTED: Mapping[str, Sequence[str]] = {
    "fct_signal_daily": ("value", "value_as_known", "change_1d", "change_7d", "percentile_365d", "zscore_365d"),
    "fct_rule_daily": ("value", "flip_distance"),
    "fct_bucket_daily": ("evidence", "flip_distance", "flip_value", "flip_also_needs"),
    "fct_condition_daily": ("evidence",),
    "fct_regime_daily": SETTING,
    "fct_regime_log": SETTING,
    # Probabilities and scores are our own; the close that they start from, and dollars that follow from it, are not.
    "fct_forecast_log": ("spot_usd", "p05_usd", "p25_usd", "p50_usd", "p75_usd", "p95_usd"),
    "fct_forecast_strike_daily": ("strike_usd",),
    "fct_forecast_head": (),
    "fct_forecast_outcome": (),
    "fct_forecast_score": (),
    "fct_forecast_reliability": (),
    "fct_scorecard": (),
    "fct_forecast_candidate": (),
}


@dataclass(frozen=True)
class WithheldColumn:
    """One column to leave empty, in rows that are not publishable or in all; without a column, the whole mart."""

    mart: str
    column: str | None
    by_row: bool


def withheld(connection: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> list[WithheldColumn]:
    """What to leave out of these marts of an open database when its values are passed on."""
    return [entry for mart in marts for entry in _of(mart, types_of(connection, "marts", mart))]


def _of(mart: str, columns: Mapping[str, str]) -> list[WithheldColumn]:
    by_row = "publishable" in columns
    if mart in RESTRICTED:
        return [WithheldColumn(mart, column, by_row) for column in RESTRICTED[mart] if column in columns]
    if by_row:
        return [WithheldColumn(mart, name, True) for name, data_type in columns.items() if data_type == "DOUBLE"]
    return [] if mart.startswith("dim_") else [WithheldColumn(mart, None, False)]
