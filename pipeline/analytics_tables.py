"""The tables of the schema `analytics`: what is computed between raw and dbt, because SQL cannot or should not.

They are declared here so that dbt finds them before the first row comes. Rows are added, never overwritten.
"""

from collections.abc import Mapping
from datetime import timedelta

import duckdb
import polars as pl

from pipeline.forecast_candidates import CANDIDATE_TABLES
from pipeline.forecast_tables import FORECAST_TABLES
from pipeline.scorecard import SCORECARD_TABLES
from sources.core.dataset import Access, Bucket, Cadence, Calendar
from warehouse.metadata_tables import METADATA_TABLES
from warehouse.staging_views import StagingView, create_views
from warehouse.table_definition import TableDefinition
from warehouse.tables import columns_in, comment_on, insert

SNAPSHOT = ("TIMESTAMP", "When the venue stamped the chain, UTC.")
FORWARD = ("DOUBLE", "Forward price of bitcoin at that time [USD].")
ATM = ("DOUBLE", "Implied volatility at call delta 0.50 [volatility points].")
KNOWN = ("TIMESTAMP", "When the chain could be known, UTC.")
VENUE = ("VARCHAR", "Exchange whose chain it is.")

# Each table: what a row is, and its columns with type and comment, in the order of the frames that analytics gives.
SURFACE_TABLES: Mapping[str, TableDefinition] = {
    "option_surface": TableDefinition(
        "One row a chain snapshot and constant maturity.",
        {
            "snapshot_time": SNAPSHOT,
            "tenor_days": ("INTEGER", "Maturity, ACT/365 [days]."),
            "forward_usd": FORWARD,
            "atm_iv_pct": ATM,
            "rr25": ("DOUBLE", "IV of the 25-delta call less IV of the 25-delta put [volatility points]."),
            "bf25": ("DOUBLE", "Mean IV of both wings less that at call delta 0.50 [volatility points]."),
            "expiries_used": ("INTEGER", "Listed expiries that the maturity was read from [count]."),
            "known_at": KNOWN,
            "venue": VENUE,
        },
    ),
    "option_smile": TableDefinition(
        "One row a chain snapshot and listed expiry.",
        {
            "snapshot_time": SNAPSHOT,
            "expiry_time": ("TIMESTAMP", "When the options expire, UTC."),
            "forward_usd": FORWARD,
            "days_to_expiry": ("DOUBLE", "From the snapshot to the expiry [days]."),
            "atm_iv_pct": ATM,
            "call25_iv_pct": ("DOUBLE", "Implied volatility of the 25-delta call [volatility points]."),
            "put25_iv_pct": ("DOUBLE", "Implied volatility of the 25-delta put [volatility points]."),
            "strikes_used": ("INTEGER", "Strikes that the smile was fitted to [count]."),
            "known_at": KNOWN,
            "venue": VENUE,
        },
    ),
    "implied_probability": TableDefinition(
        "One row a chain snapshot, horizon and strike.",
        {
            "snapshot_time": SNAPSHOT,
            "horizon_days": ("INTEGER", "Horizon [days]."),
            "strike_usd": ("DOUBLE", "Price asked about [USD]."),
            "prob_below_pct": ("DOUBLE", "Risk-neutral chance that bitcoin stands below it at the horizon [percent]."),
            "prob_touch_pct": (
                "DOUBLE",
                "Risk-neutral chance that bitcoin trades there by then: from above for a strike below the forward, "
                "else from below [percent].",
            ),
            "prob_holds_pct": (
                "DOUBLE",
                "Risk-neutral chance that every daily close up to the horizon lies at or above it [percent].",
            ),
            "known_at": KNOWN,
            "venue": VENUE,
        },
    ),
}

DAY = ("DATE", "UTC day of the block's own time stamp.")
CHAIN_KNOWN = {
    "known_at": ("TIMESTAMP", "When the figure could be known, UTC: the day was closed and its price was out."),
    "known_at_basis": ("VARCHAR", "observed = computed by known_at; assumed = computed later, declared lags used."),
}
SUPPLY = ("DOUBLE", "Unspent coins at the end of the day [BTC].")

# Stocks are null where cells do not begin at the first block.
CHAIN_TABLES: Mapping[str, TableDefinition] = {
    "chain_day": TableDefinition(
        "One row a UTC day and version: realised figures of all blocks of the day.",
        {
            "day": DAY,
            "way": ("VARCHAR", "Where the blocks came from: bitcoin_core, esplora or parquet."),
            "counted": ("VARCHAR", "Which spent coins profit, loss and SOPR count; raw = all."),
            "cells_hash": ("VARCHAR", "Fingerprint of the cells of all days up to this one."),
            "price_usd": ("DOUBLE", "Price of the day [USD]."),
            "realized_profit_usd": ("DOUBLE", "Gains of the coins spent above their price when created [USD]."),
            "realized_loss_usd": ("DOUBLE", "Losses of the coins spent below their price when created [USD]."),
            "sopr": ("DOUBLE", "Value of the spent coins over their value when created [ratio]."),
            "issuance_usd": ("DOUBLE", "Growth of the supply at the price of the day [USD]."),
            "coin_days_destroyed": ("DOUBLE", "Spent coins times days since they were created [BTC days]."),
            "spent_btc": ("DOUBLE", "Coins spent [BTC]."),
            "supply_btc": SUPPLY,
            "realized_cap_usd": ("DOUBLE", "Unspent coins at their prices when created [USD]."),
            "realized_price_usd": ("DOUBLE", "Realised capitalisation over supply [USD]."),
            "mvrv": ("DOUBLE", "Market over realised capitalisation [ratio]."),
            "supply_in_profit_pct": ("DOUBLE", "Share of unspent coins created below the price of the day [percent]."),
            "supply_in_loss_pct": ("DOUBLE", "Share of unspent coins created above the price of the day [percent]."),
            **CHAIN_KNOWN,
        },
    ),
    "chain_cost_basis": TableDefinition(
        "One row a UTC day, price bin and version: unspent coins by the price of the day they were created.",
        {
            "day": DAY,
            "price_low_usd": ("DOUBLE", "Lower bound, included [USD]."),
            "price_high_usd": ("DOUBLE", "Upper bound, not included [USD]."),
            "supply_btc": SUPPLY,
            **CHAIN_KNOWN,
        },
    ),
    "chain_age": TableDefinition(
        "One row a UTC day, age band and version: unspent coins by days since they were created.",
        {
            "day": DAY,
            "age_from_days": ("INTEGER", "Youngest age of the band, included [days]."),
            "age_until_days": ("INTEGER", "Oldest age of the band, not included; null for the last [days]."),
            "supply_btc": SUPPLY,
            **CHAIN_KNOWN,
        },
    ),
}
# The tables that models read by version, and what makes a row of them.
VERSIONED: Mapping[str, tuple[str, ...]] = {
    "chain_day": ("day",),
    "chain_cost_basis": ("day", "price_low_usd"),
    "chain_age": ("day", "age_from_days"),
}
DATASET_TABLE = {
    "dataset": TableDefinition(
        "One row a dataset that is computed here and not fetched.", METADATA_TABLES["dataset"].columns
    )
}
TABLES: Mapping[str, TableDefinition] = {
    **SURFACE_TABLES,
    **CHAIN_TABLES,
    **FORECAST_TABLES,
    **CANDIDATE_TABLES,
    **SCORECARD_TABLES,
    **DATASET_TABLE,
}
VIEWS = tuple(
    StagingView(
        schema="analytics",
        table=name,
        description=CHAIN_TABLES[name].comment,
        columns=CHAIN_TABLES[name].columns,
        key=key,
        observed="day",
        constants={},
    )
    for name, key in VERSIONED.items()
)

CELLS_PERIOD = timedelta(days=1)
# A day of the chain is closed once the median of eleven block times has passed its end, about an hour after.
CELLS_PUBLICATION_LAG = timedelta(hours=1)
# The cells of the chain as `raw.dataset` describes a fetched dataset: the keys are its columns.
CELLS: Mapping[str, object] = {
    "dataset_id": "chain.cells",
    "provider": "chain",
    "name": "cells",
    "bucket": Bucket.ONCHAIN.value,
    "description": (
        "Satoshi sums by day created and day spent, from a node, an Esplora server or the public Parquet copy."
    ),
    "licence": "facts of a public chain, counted here",
    "may_republish": True,
    "needs_key": False,
    "access": Access.WINDOW.value,
    "cadence": Cadence.DAILY.value,
    "calendar": Calendar.EVERY_DAY.value,
    "period_s": CELLS_PERIOD.total_seconds(),
    "publication_lag_s": CELLS_PUBLICATION_LAG.total_seconds(),
    "fresh_for_s": timedelta(days=3).total_seconds(),
    "final_after_s": 0.0,
    "restates": False,
}


def ensure_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that dbt reads and their views, and say which datasets are computed here."""
    connection.execute("create schema if not exists analytics")
    _forget_older_surfaces(connection)
    for name, table in TABLES.items():
        connection.execute(f"create table if not exists analytics.{name} ({table.body})")
        comment_on(
            connection, "analytics", name, table.comment, {column: says for column, (_, says) in table.columns.items()}
        )
    create_views(connection, VIEWS)
    connection.execute("delete from analytics.dataset")
    insert(connection, "analytics.dataset", pl.DataFrame([CELLS]))


def _forget_older_surfaces(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the option surfaces that an older version computed with other columns: they are computed again from raw."""
    stored = columns_in(connection, "analytics")
    if any(name in stored and set(stored[name]) != set(table.columns) for name, table in SURFACE_TABLES.items()):
        for name in SURFACE_TABLES:
            connection.execute(f"drop table if exists analytics.{name}")
