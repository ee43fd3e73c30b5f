"""Glassnode, API v1: realised loss and profit, SOPR, MVRV, hashrate, futures open interest, and the entity-adjusted
cost basis of all coins.

Needs a key (header X-Api-Key) of a plan that includes the API. Values may not be passed on.

Oddities: errors are plain text; a stamp is the beginning of its day; values change as clusters of addresses become
better known, and whole methods were changed over all history (2024-08-23), so publication times of older days are
doubtful. Buckets of the cost basis are one hundredth of the all-time high wide: their edges move with every new high,
and three of them span what one analyst's band does. The cost basis is served for the newest day.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from sources.core.dataset import Access, Bucket, Column, Dataset, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_s, named_in, part, require, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.plausibility import hashrate_ehs
from sources.core.time_windows import DAY, is_unfinished

API = "https://api.glassnode.com/v1/metrics"
# Paths of the metrics of each dataset; the last part of a path is the metric's name.
METRICS = ("indicators/realized_loss", "indicators/realized_profit")
RATIOS = ("indicators/sopr", "market/mvrv")
NET = ("indicators/net_realized_profit_loss",)
HASHRATE = ("mining/hash_rate_mean",)
OPEN_INTEREST = ("derivatives/futures_open_interest_sum",)
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
    described_by=specification("https://docs.glassnode.com/basic-api/endpoints"),
    recorded={
        "urpd": "glassnode/urpd_entity_adjusted_trimmed.json",
    },
)


def fetch_metrics(session: Session, window: Window, paths: tuple[str, ...]) -> Iterator[Payload]:
    """Each metric over the window; the range is the page."""
    bounds = {"s": int(window.start.timestamp()), "u": int(window.end.timestamp()) - 1}
    for path in paths:
        yield session.get(f"{API}/{path}", {**ASSET, **bounds, "f": "json"})


def read_named(payload: Payload, paths: tuple[str, ...], columns: Mapping[str, Column]) -> Parsed:
    """One row a finished day of the metric that the address names, null where the vendor has no value."""
    names = [path.rpartition("/")[2] for path in paths]
    asked = named_in(payload.url, names)
    return _read(payload, columns, lambda day, value: {"metric": asked, "metric_date": day, "value": value})


def read_alone(payload: Payload, figure: str, columns: Mapping[str, Column]) -> Parsed:
    """One row a finished day of the only metric of a dataset, in the column `figure`."""
    return _read(payload, columns, lambda day, value: {"metric_date": day, figure: value})


def read_hashrate(payload: Payload) -> Parsed:
    """One row a finished day: hashes a second as sent, in EH/s."""
    return _read(
        payload,
        HASHRATE_COLUMNS,
        lambda day, value: {"metric_date": day, "hashrate_ehs": hashrate_ehs(value, 1e18, day)},
    )


def _read(
    payload: Payload, columns: Mapping[str, Column], record: Callable[[object, object], Mapping[str, object]]
) -> Parsed:
    records, sent = [], []
    for row in _rows(payload, "t", "v"):
        started = from_s(row.get("t"))
        if not is_unfinished(started, DAY, payload):
            records.append(record(_day(started), row.get("v")))
            sent.append(row)
    return typed(records, columns, fetched_at=payload.fetched_at, observed="metric_date", sent=sent)


def fetch_urpd(session: Session, window: Window) -> Iterator[Payload]:
    """The newest distribution; the endpoint takes no dates."""
    yield session.get(f"{API}/indicators/urpd_entity_adjusted", ASSET)


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
    require_in_some(rows, names, payload.url)
    return rows


def _day(started: object) -> object:
    """The day of a stamp at midnight; any other stamp comes back unchanged, for `typed` to refuse."""
    return started.date() if isinstance(started, datetime) and started == _midnight(started) else started


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _columns(**figures: Column) -> Mapping[str, Column]:
    return {"metric_date": Column(pl.Date, "UTC day", "Day that the figure is of."), **figures}


METRIC_COLUMNS: Mapping[str, Column] = {
    "metric": Column(pl.String, "name", "realized_loss or realized_profit."),
    "metric_date": Column(pl.Date, "UTC day", "Day on which the coins were spent."),
    # All coins were never worth more than 3 trillion dollars, and few move in a day.
    "value": Column(pl.Float64, "USD", "The day's sum.", nullable=True, minimum=0, maximum=1e12),
}
RATIO_COLUMNS: Mapping[str, Column] = {
    "metric": Column(pl.String, "name", "sopr or mvrv."),
    "metric_date": Column(pl.Date, "UTC day", "Day that the ratio is of."),
    # Neither has been above 10 since 2013; a value around 100 would be a percentage.
    "value": Column(
        pl.Float64, "ratio", "1 = coins are spent, or stand, at cost.", nullable=True, minimum=0, maximum=50
    ),
}
NET_COLUMNS = _columns(
    net_realized_pnl_usd=Column(
        pl.Float64, "USD", "Realised profit less realised loss of the day.", nullable=True, minimum=-1e12, maximum=1e12
    )
)
HASHRATE_COLUMNS = _columns(
    hashrate_ehs=Column(pl.Float64, "EH/s", "Mean hashrate of the day.", nullable=True, minimum=0, maximum=1e5)
)
# Since 2020 always above a billion dollars; a million or less would be coins or contracts.
OPEN_INTEREST_COLUMNS = _columns(
    open_interest_usd=Column(
        pl.Float64,
        "USD",
        "Open interest over all venues that the vendor follows.",
        nullable=True,
        minimum=1e7,
        maximum=1e12,
    )
)
URPD_COLUMNS: Mapping[str, Column] = {
    "urpd_date": Column(pl.Date, "UTC day", "Day at whose end the coins are counted."),
    "price_low_usd": Column(pl.Float64, "USD", "Lower edge of the bucket.", minimum=0),
    "price_high_usd": Column(pl.Float64, "USD", "Upper edge of the bucket.", minimum=0),
    "supply_btc": Column(pl.Float64, "BTC", "Coins that entities acquired at a price in the bucket.", minimum=0),
}


def _daily(
    name: str,
    description: str,
    columns: Mapping[str, Column],
    paths: tuple[str, ...],
    read: Callable[[Payload], Parsed],
    bucket: Bucket = Bucket.ONCHAIN,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=bucket,
        description=description,
        columns=columns,
        key=("metric", "metric_date") if "metric" in columns else ("metric_date",),
        observed="metric_date",
        period=DAY,
        publication_lag=timedelta(minutes=40),
        fetch=partial(fetch_metrics, paths=paths),
        read=read,
        fresh_for=timedelta(days=3),
        restates=True,
    )


DATASETS = (
    _daily(
        "metric",
        "Daily realised loss and profit of all spent coins.",
        METRIC_COLUMNS,
        METRICS,
        partial(read_named, paths=METRICS, columns=METRIC_COLUMNS),
    ),
    _daily(
        "net_realized_pnl",
        "Daily realised profit less realised loss of all spent coins.",
        NET_COLUMNS,
        NET,
        partial(read_alone, figure="net_realized_pnl_usd", columns=NET_COLUMNS),
    ),
    _daily(
        "ratio",
        "Daily SOPR and MVRV.",
        RATIO_COLUMNS,
        RATIOS,
        partial(read_named, paths=RATIOS, columns=RATIO_COLUMNS),
    ),
    _daily("hashrate", "Mean hashrate of each UTC day.", HASHRATE_COLUMNS, HASHRATE, read_hashrate, Bucket.MINING),
    _daily(
        "futures_open_interest",
        "Open interest of all Bitcoin futures and perpetuals, in US dollars.",
        OPEN_INTEREST_COLUMNS,
        OPEN_INTEREST,
        partial(read_alone, figure="open_interest_usd", columns=OPEN_INTEREST_COLUMNS),
        Bucket.LEVERAGE,
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
