"""Small folders of market tables for tests: only the columns that a test is about, the rest null."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from sandbox.market import TABLES


def write_table(folder: Path, name: str, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write one market table with these rows and return the folder."""
    pl.DataFrame(list(rows), schema=dict(TABLES[name])).write_parquet(folder / f"{name}.parquet")
    return folder


def macro_rows(series: str, closes: Mapping[object, float]) -> list[dict[str, object]]:
    """Rows of `macro_1d` with closes only."""
    return [{"series": series, "date": day, "close": close} for day, close in closes.items()]
