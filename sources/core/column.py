"""One column of a dataset: type, unit, meaning and bounds."""

from dataclasses import dataclass

import polars as pl

INSTANT = pl.Datetime("us")  # naive, always UTC


@dataclass(frozen=True)
class Column:
    """One column of a raw table. Rows with a value outside the bounds, or null where not allowed, are quarantined.

    A quantity that is never zero in this world (open interest, a hashrate) says so: a zero then stands for no value and
    costs its row, however many there are.
    """

    dtype: pl.DataType | type[pl.DataType]
    unit: str
    description: str
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    may_be_zero: bool = True
