"""bitview.space, a public server of the Bitcoin Research Kit: realised loss and profit, SOPR, realised prices,
hashprice, and the cost basis of all coins. Keyless; the only free source of gross realised loss and of a price
distribution.

A day's figures are final once the day has ended (UTC); those of the running day are provisional and never asked for.
Realised loss, profit and SOPR of a day cover the 24 hours that end with its last block. Names and indexes are those of
the provider's own generated client, `bitview-client` 0.12.2.
The code is MIT; terms for the served numbers are not stated.

Oddities: a series is a bare list, and its dates follow from the position of the first value. Positions once counted
from 2009-01-08 (the days before the second block being one) and now count from 2009-01-01, so the first one is checked
against the date asked for. A price distribution comes in one of two shapes: a list of buckets (v0.3), or one list a
column (late 2026). Coins are valued at one price a block, in whole cents, without regard to who owns them, so figures
differ from vendors' on wild days.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import polars as pl

from sources.core.dataset import Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import client
from sources.core.http import Session
from sources.core.parsing import named_in, part, require, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import DAY, days, is_unfinished

SITE = "https://bitview.space/api"
# Sums and ratios over the 24 hours that end with the day's last block. The plain names (`realized_loss`, `sopr`) exist
# by block height only; asked for by day the server refuses them.
SERIES = ("realized_loss_sum_24h", "realized_profit_sum_24h", "sopr_24h")
REALIZED_PRICES = ("realized_price", "sth_realized_price", "lth_realized_price")
HASHPRICE = ("hash_price_phs",)
MAX_DAYS = 100_000
# Day zero of the index `day1`, by version of the kit: the present one, and the one before.
DAY_ZEROS = (date(2009, 1, 1), date(2009, 1, 8))
BUCKET_USD = 500
AGGREGATION = f"lin{BUCKET_USD}"  # buckets of equal width in dollars

PROVIDER = Provider(
    name="bitview",
    title="Bitcoin Research Kit (bitview.space)",
    home="https://bitview.space/api",
    hosts=("bitview.space",),
    requests_per_minute=60,  # no limit is stated; this is politeness
    licence="Terms for the served numbers not stated; code MIT",
    may_republish=False,
    described_by=client("bitview-client 0.12.2"),
)


def fetch_series(session: Session, window: Window, names: tuple[str, ...]) -> Iterator[Payload]:
    """Each series over the window's finished days."""
    start, end = _finished(session, window)
    if start < end:
        for name in names:
            yield session.get(f"{SITE}/series/{name}/day1", {"start": start.isoformat(), "end": end.isoformat()})


def read_series(payload: Payload, names: tuple[str, ...], columns: Mapping[str, Column]) -> Parsed:
    """One row a finished day, null where the server has no value."""
    content = strict_json(payload)
    values = part(content, "data", where=payload.url)
    start = part(content, "start", kind=int, where=payload.url)
    require(0 <= start < MAX_DAYS, f"{payload.url}: position {start} is no day since 2009.")
    known = [zero + start * DAY for zero in DAY_ZEROS]
    first = date.fromisoformat(payload.params.get("start", str(known[0])))
    require(first in known, f"{payload.url}: position {start} is {known[0]} or {known[1]}, not {first} as asked.")
    name = named_in(payload.url, names)
    records = [
        {"series_name": name, "series_date": day, "value": value}
        for offset, value in enumerate(values)
        if not is_unfinished(datetime.combine(day := first + offset * DAY, time()), DAY, payload)
    ]
    return typed(records, columns, fetched_at=payload.fetched_at, observed="series_date")


def fetch_urpd(session: Session, window: Window) -> Iterator[Payload]:
    """The distribution of each finished day; a day without one is passed over unless all are.

    Raises SourceError NO_DATA when the server has none for any day of the window.
    """
    start, end = _finished(session, window)
    answered = 0
    asked = [day for day in days(window) if start <= day < end]
    for day in asked:
        try:
            payload = session.get(f"{SITE}/urpd/all/{day.isoformat()}", {"agg": AGGREGATION})
        except SourceError as error:
            if error.failure is not Failure.MOVED:
                raise
            continue  # 404: no distribution of that day, or not yet
        answered += 1
        yield payload
    if asked and not answered:
        raise SourceError(Failure.NO_DATA, f"{SITE}/urpd/all has nothing from {asked[0]} to {asked[-1]}.")


def read_urpd(payload: Payload) -> Parsed:
    """One row a bucket, as wide as was asked for; buckets without coins are not sent."""
    content = strict_json(payload)
    day = part(content, "date", kind=str, where=payload.url)
    aggregation = part(content, "aggregation", kind=str, where=payload.url)
    require(aggregation.lower() == AGGREGATION, f"{payload.url}: aggregation {aggregation!r}, not {AGGREGATION!r}.")
    records = [
        {
            "urpd_date": day,
            "price_low_usd": floor,
            "price_high_usd": floor + BUCKET_USD if isinstance(floor, int | float) else floor,
            "supply_btc": supply,
        }
        for floor, supply in _buckets(part(content, "buckets", kind=(list, dict), where=payload.url), payload)
    ]
    return typed(records, URPD_COLUMNS, fetched_at=payload.fetched_at, observed="urpd_date")


def _buckets(buckets: list[Any] | dict[str, Any], payload: Payload) -> list[tuple[Any, Any]]:
    """Lower price and supply of each bucket, out of either shape."""
    if isinstance(buckets, dict):
        floors, supplies = (part(buckets, name, where=payload.url) for name in ("price", "supply"))
        require(len(floors) == len(supplies), f"{payload.url}: {len(floors)} prices but {len(supplies)} supplies.")
        return list(zip(floors, supplies, strict=True))
    rows = [row if isinstance(row, dict) else {} for row in buckets]
    require_in_some(rows, ("price_floor", "supply"), payload.url)
    return [(row.get("price_floor"), row.get("supply")) for row in rows]


def _finished(session: Session, window: Window) -> tuple[date, date]:
    """The window's days, the end not included, without the day that is running."""
    midnight = datetime.combine(window.end.astimezone(UTC), time(), UTC)
    end = midnight.date() if midnight == window.end else midnight.date() + DAY
    return window.start.astimezone(UTC).date(), min(end, session.now().date())


def _columns(names: tuple[str, ...], figure: Column) -> Mapping[str, Column]:
    return {
        "series_name": Column(pl.String, "name", f"{', '.join(names)}."),
        "series_date": Column(pl.Date, "UTC day", "Day that the figure is of."),
        "value": figure,
    }


SERIES_COLUMNS = _columns(
    SERIES, Column(pl.Float64, "USD; sopr_24h is a ratio", "The day's figure.", nullable=True, minimum=0, maximum=1e12)
)
# The kit reckons in cents inside; a price of them would be above a million.
REALIZED_PRICE_COLUMNS = _columns(
    REALIZED_PRICES,
    Column(pl.Float64, "USD", "Mean price at which the coins last moved.", nullable=True, minimum=0, maximum=1e6),
)
# Never below 25 so far; a terahash earns a thousandth of it, and the kit has that as a series of its own.
HASHPRICE_COLUMNS = _columns(
    HASHPRICE,
    Column(pl.Float64, "USD/PH/s/day", "What a petahash a second earns in a day.", nullable=True, minimum=1),
)
URPD_COLUMNS: Mapping[str, Column] = {
    "urpd_date": Column(pl.Date, "UTC day", "Day at whose end the coins are counted."),
    "price_low_usd": Column(pl.Float64, "USD", "Lower edge of the bucket.", minimum=0),
    "price_high_usd": Column(pl.Float64, "USD", "Upper edge of the bucket.", minimum=0),
    "supply_btc": Column(pl.Float64, "BTC", "Coins that last moved at a price in the bucket.", minimum=0),
}


def _series(
    name: str, description: str, names: tuple[str, ...], columns: Mapping[str, Column], bucket: Bucket = Bucket.ONCHAIN
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=bucket,
        description=description,
        columns=columns,
        key=("series_name", "series_date"),
        observed="series_date",
        period=DAY,
        publication_lag=timedelta(minutes=40),
        fetch=partial(fetch_series, names=names),
        read=partial(read_series, names=names, columns=columns),
        fresh_for=timedelta(days=3),
    )


DATASETS = (
    _series("series", "Realised loss and profit of all spent coins, and SOPR: 24 hours each.", SERIES, SERIES_COLUMNS),
    _series(
        "realized_price",
        "Realised price of all coins, and of those held for less and for more than 155 days.",
        REALIZED_PRICES,
        REALIZED_PRICE_COLUMNS,
    ),
    _series(
        "hashprice",
        "Daily hashprice: what a petahash a second earns in a day.",
        HASHPRICE,
        HASHPRICE_COLUMNS,
        Bucket.MINING,
    ),
    Dataset(
        provider=PROVIDER,
        name="urpd",
        bucket=Bucket.ONCHAIN,
        description=f"Cost basis of all coins: supply by price of last movement, in buckets of {BUCKET_USD} USD.",
        columns=URPD_COLUMNS,
        key=("urpd_date", "price_low_usd"),
        observed="urpd_date",
        period=DAY,
        publication_lag=timedelta(minutes=40),
        fetch=fetch_urpd,
        read=read_urpd,
        fresh_for=timedelta(days=3),
    ),
)
