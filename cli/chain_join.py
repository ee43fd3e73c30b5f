"""`leadline chain join`: cells from the public Parquet copy of the chain."""

from pathlib import Path

import click

from chain.join import JoinLimits, OnDuckDB, OnSpark, join
from pipeline.settings import Settings


def join_public_copy(source: Path, engine: str, memory_bytes: int, master: str | None) -> None:
    """Join and publish; says what it does meanwhile. Raises click.UsageError for options that contradict each other."""
    if engine == "spark" and master is None:
        raise click.UsageError("--engine spark needs --master, like spark://host:7077.")
    if engine == "duckdb" and master is not None:
        raise click.UsageError("--master is for --engine spark.")
    where = OnSpark(master) if master else OnDuckDB(JoinLimits(memory_bytes))
    joined = join(source, Settings().home / "chain", where, tell=click.echo)
    reach = joined.cells.reach
    click.echo(
        f"published: heights {reach.first_height:,} to {reach.last_height:,}, days to {reach.last_day}, "
        f"{joined.spent_cells:,} pairs of days, {joined.created_cells:,} days of creation"
    )
    if joined.spilled_bytes:
        click.echo(f"{joined.spilled_bytes / 1e9:,.1f} GB on disk at most of what did not fit into memory")
    click.echo(f"digest {joined.digest}")
