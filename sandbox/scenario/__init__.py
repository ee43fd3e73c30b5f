"""The bundled scenario: a simulated Bitcoin market from November 2024 to the golden days of February 2026.

Every number is made here, by a seeded generator, around the figures of one article (`anchors.toml`). Nothing in it is
a recording of a real market.
"""

from pathlib import Path

import polars as pl

from sandbox.market import TABLES, TIME_COLUMN
from sandbox.scenario import derivatives, flows, history, macro, mining, onchain, options, prices
from sandbox.scenario.story import Ending, Story

__all__ = ["NAME", "Ending", "generate", "market_tables"]

NAME = "simulated February 2026 (bundled scenario)"

_COMPRESSION_LEVEL = 6


def generate(folder: Path, *, ending: Ending = Ending.ARTICLE) -> None:
    """Writes the market tables of the scenario as Parquet files into the folder; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in market_tables(ending).items():
        table.write_parquet(
            folder / f"{name}.parquet", compression="zstd", compression_level=_COMPRESSION_LEVEL, statistics=False
        )
    (folder / "ORIGIN.txt").write_text(f"{NAME}, ending: {ending}\n", encoding="utf-8")


def market_tables(ending: Ending = Ending.ARTICLE) -> dict[str, pl.DataFrame]:
    """Every market table by name, columns as the stand-in declares them, times in UTC."""
    story = Story(ending)
    spot = prices.reference(story)
    running = mining.epochs(story)
    blocks = mining.chain(story, running)
    tables = {
        **prices.tables(story, spot),
        "price_history_1d": history.table(story, spot),
        **derivatives.tables(story, spot),
        **options.tables(story, spot),
        "etf_flow": flows.table(story, spot),
        **mining.tables(story, running, blocks),
        **onchain.tables(story, spot, blocks),
        "macro_1d": macro.table(story, spot),
    }
    return {name: _in_form(name, table) for name, table in tables.items()}


def _in_form(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """The declared columns in order, instants marked as UTC, rows in the order of time."""
    declared = TABLES[name]
    instants = [column for column, dtype in declared.items() if isinstance(dtype, pl.Datetime)]
    return (
        table.select(*declared)
        .cast(pl.Schema(declared))
        .sort(TIME_COLUMN[name], maintain_order=True)
        .with_columns(pl.col(instants).dt.replace_time_zone("UTC"))
    )
