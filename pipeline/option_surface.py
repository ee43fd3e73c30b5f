"""The option surface of every chain snapshot that has none yet: the numbers between raw and dbt that SQL cannot do."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analytics.options import surface
from pipeline.analytics_tables import SURFACE_TABLES, ensure_tables
from sources.registry import DATASETS
from warehouse.database import Warehouse
from warehouse.tables import insert

# Exchange -> its chain with the columns that `analytics.options.surface` needs.
CHAINS: Mapping[str, str] = {
    "deribit": "select * from raw.deribit__option_chain",
    # Volatilities of its quotes are stated, their prices are not.
    "okx": "select *, null::double as bid_price_btc, null::double as ask_price_btc from raw.okx__option_summary",
}
AT_ONCE = 500  # snapshots computed together: some 400 000 quotes, well under a gigabyte

TABLES = SURFACE_TABLES  # columns in the order of the frames that analytics gives


@dataclass(frozen=True)
class SurfaceResult:
    """What one call added: snapshots, and rows a table."""

    snapshots: int
    rows: dict[str, int]


def compute(warehouse: Warehouse) -> SurfaceResult:
    """Compute the snapshots that came since the last call; a second call adds nothing.

    A snapshot is one answer of the venue. What a later answer stamped with the same second says is left out, as in
    `int_options__daily_snapshots`: the surface of a date must not change after it was read.
    """
    warehouse.ensure_tables(DATASETS)
    with warehouse.transaction() as connection:
        ensure_tables(connection)
    snapshots = 0
    rows = dict.fromkeys(TABLES, 0)
    for venue, chain in CHAINS.items():
        pending = warehouse.connection.sql(
            f"""
            select snapshot_time, min(known_at) as known_at
            from ({chain})
            where snapshot_time not in (select snapshot_time from analytics.option_surface where venue = '{venue}')
            group by snapshot_time
            order by snapshot_time
            """
        ).pl()
        snapshots += pending.height
        for batch in pending.iter_slices(AT_ONCE):
            for name, added in _compute_batch(warehouse, venue, batch).items():
                rows[name] += added
    return SurfaceResult(snapshots, rows)


def _compute_batch(warehouse: Warehouse, venue: str, snapshots: pl.DataFrame) -> dict[str, int]:
    with warehouse.transaction() as connection:
        connection.register("snapshots", snapshots.to_arrow())
        chain = connection.sql(
            f"""
            select chain.* exclude (known_at, known_at_basis, load_id)
            from ({CHAINS[venue]}) as chain
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
            named = frame.join(snapshots, on="snapshot_time").with_columns(venue=pl.lit(venue))
            insert(connection, f"analytics.{name}", named)
        connection.unregister("snapshots")
    return {name: frame.height for name, frame in frames.items()}
