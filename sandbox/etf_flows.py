"""When each figure of `etf_flow` was published."""

from datetime import timedelta

import polars as pl

UNDATED_FROM = timedelta(days=1, hours=10)  # where no publication time is known: most are complete by then


def published_since() -> pl.Expr:
    """The instant (naive UTC) from which each row of `etf_flow` stood on its page."""
    return pl.col("published_at").fill_null(pl.col("date").cast(pl.Datetime("us")) + UNDATED_FROM)
