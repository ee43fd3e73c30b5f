"""Price bars, funding and open interest that an exchange would have shown at an instant, before encoding."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from sandbox.provider_request import ProviderRequest

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Row = dict[str, Any]


def bars(request: ProviderRequest, venue: str, market: str, period: timedelta) -> pl.DataFrame:
    """Bars of `period` that have opened at the clock, oldest first; `is_closed` is false for the running one.

    Daily bars come from `price_1d`, or are summed from `price_1h` for a venue without daily bars. The running day is
    the sum of its closed hours; there is nothing finer than an hour, so no running hour.
    """
    of_venue = (pl.col("venue") == venue) & (pl.col("market") == market)
    hours = request.market.table("price_1h").filter(of_venue, pl.col("open_time") + HOUR <= request.clock)
    if period == HOUR:
        return hours.with_columns(is_closed=pl.lit(True))
    days = request.market.table("price_1d").filter(of_venue)
    if days.is_empty():
        return _summed(hours, request.clock)
    midnight = request.clock.replace(hour=0, minute=0, second=0, microsecond=0)
    closed = days.filter(pl.col("open_time") < midnight).with_columns(is_closed=pl.lit(True))
    running = _summed(hours.filter(pl.col("open_time") >= midnight), request.clock)
    return pl.concat([closed, running.select(closed.columns)])


def _summed(hours: pl.DataFrame, clock: datetime) -> pl.DataFrame:
    # One hour without a taker figure leaves the day without one.
    taker = pl.when(pl.col("taker_buy_btc").null_count() == 0).then(pl.col("taker_buy_btc").sum())
    edges = (pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last())
    return (
        hours.group_by("venue", "market", pl.col("open_time").dt.truncate("1d"), maintain_order=True)
        .agg(*edges, pl.col("volume_btc").sum(), taker.alias("taker_buy_btc"))
        .with_columns(is_closed=pl.col("open_time") + DAY <= clock)
    )


def events(request: ProviderRequest, table: str, venue: str, time: str) -> pl.DataFrame:
    """Rows of a venue in `funding` or `open_interest` up to the clock, oldest first."""
    return request.market.table(table).filter(pl.col("venue") == venue, pl.col(time) <= request.clock)


def between(rows: pl.DataFrame, time: str, first: datetime | None, last: datetime | None) -> pl.DataFrame:
    """Rows from `first` to `last`, both included; None leaves that side open."""
    if first is not None:
        rows = rows.filter(pl.col(time) >= first)
    return rows if last is None else rows.filter(pl.col(time) <= last)


def newest_first(rows: pl.DataFrame, limit: int) -> Iterator[Row]:
    """The newest `limit` rows, newest first."""
    return rows.tail(limit).reverse().iter_rows(named=True)


def instant(milliseconds: str | None) -> datetime | None:
    """A parameter in milliseconds since 1970 as naive UTC."""
    return None if not milliseconds else datetime.fromtimestamp(int(milliseconds) / 1000, UTC).replace(tzinfo=None)


def milliseconds(moment: datetime) -> int:
    """A naive UTC instant in milliseconds since 1970."""
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def plain(value: float, decimals: int) -> str:
    """A decimal as text without trailing zeros."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def turnover(row: Row) -> float:
    """Quote volume of a bar. The market tables have none: volume at the mean of the four prices."""
    return float(row["volume_btc"] * (row["open"] + row["high"] + row["low"] + row["close"]) / 4)
