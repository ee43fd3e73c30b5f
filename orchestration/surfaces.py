"""The option surface of every chain snapshot that has none yet: the numbers between raw and dbt that SQL cannot do."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from analytics.options import surface
from warehouse.books import Book
from warehouse.database import Warehouse
from warehouse.tables import comment_on

CHAIN = "raw.deribit__option_chain"
AT_ONCE = 500  # snapshots computed together: some 400 000 quotes, well under a gigabyte

SNAPSHOT = ("TIMESTAMP", "When the venue stamped the chain, UTC.")
FORWARD = ("DOUBLE", "Forward price of bitcoin at that time [USD].")
ATM = ("DOUBLE", "Implied volatility at call delta 0.50 [volatility points].")
KNOWN = ("TIMESTAMP", "When the chain could be known, UTC.")

# Each table: what a row is, and its columns with type and comment, in the order of the frames that analytics gives.
TABLES: Mapping[str, Book] = {
    "option_surface": Book(
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
        },
    ),
    "option_smile": Book(
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
        },
    ),
    "implied_probability": Book(
        "One row a chain snapshot, horizon and strike.",
        {
            "snapshot_time": SNAPSHOT,
            "horizon_days": ("INTEGER", "Horizon [days]."),
            "strike_usd": ("DOUBLE", "Price asked about [USD]."),
            "prob_below_pct": ("DOUBLE", "Risk-neutral chance that bitcoin stands below it at the horizon [percent]."),
            "prob_touch_pct": ("DOUBLE", "Risk-neutral chance that bitcoin touches it by then [percent]."),
            "known_at": KNOWN,
        },
    ),
}


@dataclass(frozen=True)
class Computed:
    """What one call added: snapshots, and rows a table."""

    snapshots: int
    rows: dict[str, int]


def ensure_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that dbt reads, so that they exist before the first chain comes."""
    connection.execute("create schema if not exists analytics")
    for name, book in TABLES.items():
        connection.execute(f"create table if not exists analytics.{name} ({book.body})")
        comment_on(
            connection, "analytics", name, book.comment, {column: says for column, (_, says) in book.columns.items()}
        )


def compute(warehouse: Warehouse) -> Computed:
    """Compute the snapshots that came since the last call; a second call adds nothing.

    A snapshot is one answer of the venue. What a later answer stamped with the same second says is left out, as in
    `int_options__daily_snapshots`: the surface of a date must not change after it was read.
    """
    with warehouse.transaction() as connection:
        ensure_tables(connection)
    pending = warehouse.connection.sql(
        f"""
        select snapshot_time, min(known_at) as known_at
        from {CHAIN}
        where snapshot_time not in (select snapshot_time from analytics.option_surface)
        group by snapshot_time
        order by snapshot_time
        """
    ).pl()
    rows = dict.fromkeys(TABLES, 0)
    for batch in pending.iter_slices(AT_ONCE):
        for name, added in _compute_batch(warehouse, batch).items():
            rows[name] += added
    return Computed(pending.height, rows)


def _compute_batch(warehouse: Warehouse, snapshots: pl.DataFrame) -> dict[str, int]:
    with warehouse.transaction() as connection:
        connection.register("snapshots", snapshots.to_arrow())
        chain = connection.sql(
            f"""
            select chain.* exclude (known_at, known_at_basis, load_id)
            from {CHAIN} as chain
            semi join snapshots
                on chain.snapshot_time = snapshots.snapshot_time and chain.known_at = snapshots.known_at
            """
        ).pl()
        computed = surface(chain)
        frames = {
            "option_surface": computed.tenors,
            "option_smile": computed.smiles,
            "implied_probability": computed.probabilities,
        }
        for name, frame in frames.items():
            connection.register("computed", frame.join(snapshots, on="snapshot_time").to_arrow())
            connection.execute(f"insert into analytics.{name} by name select * from computed")
            connection.unregister("computed")
        connection.unregister("snapshots")
    return {name: frame.height for name, frame in frames.items()}
