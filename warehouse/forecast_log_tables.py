"""The tables of the log of forecasts: what was said, at which prices, and the hash chain that proves when."""

from collections.abc import Mapping
from typing import Final

from warehouse.table_definition import TableDefinition

VARIABLES: Final[Mapping[str, str]] = {
    "close": "the close at the horizon",
    "low": "the lowest low",
    "high": "the highest high",
    "lowest_close": "the lowest close",
    "highest_close": "the highest close",
}
EVENTS: Final[Mapping[str, str]] = {
    "close_below": "the close at the horizon lies below the price",
    "touch": "the price trades there by then: from above, or from below for a price over the close",
    "holds": "every daily close up to the horizon lies at or above the price",
    "stays_below": "every daily close up to the horizon lies at or below the price",
}
BASELINES: Final = ("random_walk", "climatology", "options", "yesterday")

_KEY: Final[Mapping[str, tuple[str, str]]] = {
    "forecast_date": ("DATE NOT NULL", "UTC day whose close the forecast was made at."),
    "horizon_days": ("INTEGER NOT NULL", "Days ahead [days]."),
    "method": ("VARCHAR NOT NULL", "How it was made; see dim_forecast_method."),
    "issued_at": ("TIMESTAMP NOT NULL", "When it was made, UTC."),
    "origin": ("VARCHAR NOT NULL", "live = within a day of the close; backtest = computed afterwards."),
}

FORECAST_LOG_TABLES: Final[Mapping[str, TableDefinition]] = {
    "forecast_log": TableDefinition(
        "Every forecast as it was made. Appended to, never rewritten.",
        {
            **_KEY,
            "target_date": ("DATE", "UTC day at whose close the horizon ends."),
            "data_cut_off": ("TIMESTAMP", "Nothing that became known later was used, UTC."),
            "price_source": ("VARCHAR", "Dataset of the daily bars: one venue, never spliced."),
            "spot_usd": ("DOUBLE", "Close that the forecast starts from [USD]."),
            "sigma_pct": ("DOUBLE", "Volatility ahead, a year [percent]."),
            "implied_used": ("VARCHAR", "Implied volatility in it: dvol, chain (at the money × 1.06); null for none."),
            "paths": ("INTEGER", "Past paths that answered [count]."),
            "independent_paths": ("DOUBLE", "Of these, how many do not overlap [count]."),
            "pool_until": ("DATE", "Last day that any of the paths has seen."),
            "rules_version": ("VARCHAR", "Fingerprint of the rules in force then."),
            "code_version": ("VARCHAR", "Code that made it."),
            "inputs_sha256": ("VARCHAR", "Hash of the bars and implied volatilities up to the forecast date."),
            **{
                f"p{percent:02}_usd": ("DOUBLE", f"The close lies below this {percent} times in 100 [USD].")
                for percent in (5, 25, 50, 75, 95)
            },
            **{
                f"{name}_moves": (
                    "FLOAT[]",
                    f"199 quantiles (0.5 to 99.5 %) of {says}, as log moves; null for a back-test.",
                )
                for name, says in VARIABLES.items()
            },
        },
    ),
    "forecast_strike_log": TableDefinition(
        "What each forecast said of a price. Appended to, never rewritten.",
        {
            **_KEY,
            "strike_usd": ("DOUBLE NOT NULL", "Price asked about [USD]."),
            "role": ("VARCHAR NOT NULL", "level, cluster_low, cluster_high or round."),
            "side": ("VARCHAR NOT NULL", "from_above = at or under the close; from_below = over it."),
            **{f"prob_{event}": ("FLOAT", f"Chance that {says} [fraction].") for event, says in EVENTS.items()},
            **{
                f"{baseline}_{event}": ("FLOAT", f"The same by the baseline {baseline}: {says} [fraction].")
                for baseline in BASELINES
                for event, says in EVENTS.items()
            },
        },
    ),
    "forecast_head": TableDefinition(
        "The chain of publications: each head is a hash of the rows that were added and of the head before.",
        {
            "sequence": ("INTEGER PRIMARY KEY", "Place in the chain, from 1 [count]."),
            "published_at": ("TIMESTAMP NOT NULL", "When the rows were added, UTC."),
            "forecasts": ("INTEGER", "Rows added to the log [rows]."),
            "strikes": ("INTEGER", "Rows added to the log of prices [rows]."),
            "previous_head": ("VARCHAR", "Head of the publication before; empty for the first."),
            "head": ("VARCHAR NOT NULL", "SHA-256 of this publication's rows and of the head before."),
        },
    ),
}
