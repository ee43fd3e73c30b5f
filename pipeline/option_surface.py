"""The option surface of every chain snapshot that has none yet: the numbers between raw and dbt that SQL cannot do."""

from dataclasses import dataclass

import polars as pl

from analytics.options import surface
from pipeline.analytics_tables import SURFACE_TABLES, ensure_tables
from warehouse.database import Warehouse
from warehouse.tables import insert

CHAIN = "raw.deribit__option_chain"
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
    return SurfaceResult(pending.height, rows)


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
            insert(connection, f"analytics.{name}", frame.join(snapshots, on="snapshot_time"))
        connection.unregister("snapshots")
    return {name: frame.height for name, frame in frames.items()}
