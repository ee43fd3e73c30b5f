"""Glassnode, API v1: realised loss and profit, and the entity-adjusted cost basis of all coins.

Needs a key (header X-Api-Key) of a plan that includes the API. Values may not be passed on.

Oddities: errors are plain text; a stamp is the beginning of its day; values change as clusters of addresses become
better known, and whole methods were changed over all history (2024-08-23), so publication times of older days are
doubtful. Buckets of the cost basis are one hundredth of the all-time high wide: their edges move with every new high,
and three of them span what one analyst's band does. The cost basis is served for the newest day.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from sources.dataset import Access, Bucket, Column, Dataset, Provider, Window
from sources.http import Session
from sources.payload import Parsed, Payload
from sources.periods import DAY, is_unfinished
from sources.reading import from_s, part, require, require_names, strict_json, typed

API = "https://api.glassnode.com/v1/metrics/indicators"
METRICS = ("realized_loss", "realized_profit")
ASSET = {"a": "BTC", "i": "24h"}
BUCKETS_TO_THE_HIGH = 100  # documented: prices[k] = k × all-time high / 100

PROVIDER = Provider(
    name="glassnode",
    title="Glassnode",
    home="https://docs.glassnode.com",
    hosts=("api.glassnode.com",),
    requests_per_minute=300,  # documented: 600
    licence="Glassnode terms; redistribution needs a contract",
    may_republish=False,
    key_header="X-Api-Key",
)


def fetch_metric(session: Session, window: Window) -> Iterator[Payload]:
    """Each metric over the window; the range is the page."""
    bounds = {"s": int(window.start.timestamp()), "u": int(window.end.timestamp()) - 1}
    for metric in METRICS:
        yield session.get(f"{API}/{metric}", {**ASSET, **bounds, "f": "json"})


def read_metric(payload: Payload) -> Parsed:
    """One row a finished day, null where the vendor has no value."""
    named = [metric for metric in METRICS if metric in payload.url]
    require(len(named) == 1, f"{payload.url} names no metric; a file saved by hand is named after one: {METRICS}.")
    records, sent = [], []
    for row in _rows(payload, "t", "v"):
        started = from_s(row.get("t"))
        if not is_unfinished(started, DAY, payload):
            records.append({"metric": named[0], "metric_date": _day(started), "value": row.get("v")})
            sent.append(row)
    return typed(records, METRIC_COLUMNS, fetched_at=payload.fetched_at, observed="metric_date", sent=sent)


def fetch_urpd(session: Session, window: Window) -> Iterator[Payload]:
    """The newest distribution; the endpoint takes no dates."""
    yield session.get(f"{API}/urpd_entity_adjusted", ASSET)


def read_urpd(payload: Payload) -> Parsed:
    """One row a bucket, from its price to the next bucket's; the last is one hundredth of the high wide."""
    records = []
    for row in _rows(payload, "t", "prices", "partitions", "ath_price"):
        started = from_s(row.get("t"))
        if is_unfinished(started, DAY, payload):
            continue
        prices, supplies = (part(row, name, where=payload.url) for name in ("prices", "partitions"))
        require(len(prices) == len(supplies), f"{payload.url}: {len(prices)} prices but {len(supplies)} partitions.")
        width_usd = part(row, "ath_price", kind=(int, float), where=payload.url) / BUCKETS_TO_THE_HIGH
        last = prices[-1] + width_usd if prices and isinstance(prices[-1], int | float) else None
        records += [
            {"urpd_date": _day(started), "price_low_usd": low, "price_high_usd": high, "supply_btc": supply}
            for low, high, supply in zip(prices, [*prices[1:], last], supplies, strict=True)
        ]
    return typed(records, URPD_COLUMNS, fetched_at=payload.fetched_at, observed="urpd_date")


def _rows(payload: Payload, *names: str) -> list[dict[str, Any]]:
    rows = [row if isinstance(row, dict) else {} for row in part(strict_json(payload), where=payload.url)]
    if rows:
        require_names(rows[0], names, payload.url)
    return rows


def _day(started: object) -> object:
    """The day of a stamp at midnight; any other stamp comes back unchanged, for `typed` to refuse."""
    return started.date() if isinstance(started, datetime) and started == _midnight(started) else started


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


METRIC_COLUMNS: Mapping[str, Column] = {
    "metric": Column(pl.String, "name", "realized_loss or realized_profit."),
    "metric_date": Column(pl.Date, "UTC day", "Day on which the coins were spent."),
    "value": Column(pl.Float64, "USD", "The day's sum.", nullable=True, minimum=0),
}
URPD_COLUMNS: Mapping[str, Column] = {
    "urpd_date": Column(pl.Date, "UTC day", "Day at whose end the coins are counted."),
    "price_low_usd": Column(pl.Float64, "USD", "Lower edge of the bucket.", minimum=0),
    "price_high_usd": Column(pl.Float64, "USD", "Upper edge of the bucket.", minimum=0),
    "supply_btc": Column(pl.Float64, "BTC", "Coins that entities acquired at a price in the bucket.", minimum=0),
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="metric",
        bucket=Bucket.ONCHAIN,
        description="Daily realised loss and profit of all spent coins.",
        columns=METRIC_COLUMNS,
        key=("metric", "metric_date"),
        observed="metric_date",
        period=DAY,
        publication_lag=timedelta(minutes=40),
        fetch=fetch_metric,
        read=read_metric,
        fresh_for=timedelta(days=3),
        restates=True,
    ),
    Dataset(
        provider=PROVIDER,
        name="urpd",
        bucket=Bucket.ONCHAIN,
        description="Entity-adjusted cost basis of all coins, in buckets of one hundredth of the all-time high.",
        columns=URPD_COLUMNS,
        key=("urpd_date", "price_low_usd"),
        observed="urpd_date",
        period=DAY,
        publication_lag=timedelta(minutes=40),
        fetch=fetch_urpd,
        read=read_urpd,
        access=Access.NOW,
        fresh_for=timedelta(days=3),
        restates=True,
    ),
)
