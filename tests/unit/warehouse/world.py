"""A small provider of the tests' own, whose answers are JSON lists, and the few steps that every test takes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from sources.core.dataset import INSTANT, Bucket, Column, Dataset, Provider
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed, Payload, Reject
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing, LandingFile
from warehouse.loader import Loader, LoadResult

DAY = timedelta(days=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)

COLUMNS = {
    "symbol": Column(pl.String, "", "Name of the market"),
    "open_time": Column(INSTANT, "UTC", "Start of the bar"),
    "close_usd": Column(pl.Float64, "USD", "Last price of the bar", nullable=True, minimum=0),
    "is_busy": Column(pl.Boolean, "", "Whether anything was traded", nullable=True),
}


def check(payload: Payload) -> None:
    if payload.body.startswith(b'{"error"'):
        raise SourceError(Failure.OUTAGE, "The provider answered with an error.")


def read(payload: Payload) -> Parsed:
    """A list of [symbol, time, price, busy]; a price that is text is a reject, anything but a list a new layout."""
    try:
        records = json.loads(payload.body)
    except ValueError as error:
        raise SourceError(Failure.CHANGED_LAYOUT, "The answer is no JSON list.") from error
    good = [record for record in records if not isinstance(record[2], str)]
    bad = [record for record in records if isinstance(record[2], str)]
    times = [datetime.fromisoformat(record[1]).replace(tzinfo=None) if record[1] else None for record in good]
    frame = pl.DataFrame(
        {
            "symbol": [record[0] for record in good],
            "open_time": times,
            "close_usd": [record[2] for record in good],
            "is_busy": [record[3] for record in good],
        },
        schema={name: column.dtype for name, column in COLUMNS.items()},
    )
    return Parsed(frame, tuple(Reject("not a number", json.dumps(record)) for record in bad))


PROVIDER = Provider(
    name="demo",
    title="Demo exchange",
    home="https://demo.example",
    hosts=("demo.example",),
    requests_per_minute=60,
    licence="made up",
    may_republish=True,
    check=check,
)

BARS = Dataset(
    provider=PROVIDER,
    name="bar",
    bucket=Bucket.PRICE,
    description="Daily bars; it's made up.",
    columns=COLUMNS,
    key=("symbol", "open_time"),
    observed="open_time",
    period=DAY,
    publication_lag=timedelta(hours=6),
    fetch=lambda session, window: iter(()),
    read=read,
)
OTHER = replace(BARS, name="other_bar")


def bar(day: int, close: object = 100.0, *, symbol: str | None = "BTC", busy: bool | None = True) -> list[object]:
    """One record, of the n-th day of 2026 (0 = 1 January)."""
    return [symbol, (NEW_YEAR + day * DAY).isoformat(), close, busy]


def answer(
    records: Sequence[Sequence[object]] | bytes,
    fetched: float,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    status: int = 200,
) -> Payload:
    """A payload fetched so many days after New Year."""
    return Payload(
        url="https://demo.example/bars",
        params=dict(params or {}),
        status=status,
        headers=dict(headers or {"Content-Type": "application/json"}),
        body=records if isinstance(records, bytes) else json.dumps(records).encode(),
        fetched_at=NEW_YEAR + fetched * DAY,
    )


def land(home: Home, *answers: Payload, dataset: Dataset = BARS) -> list[LandingFile]:
    """Landing files of answers; an answer that changes nothing has none."""
    landing = Landing(home)
    return [file for payload in answers if (file := landing.store(dataset.id, payload))]


def load(home: Home, files: Sequence[LandingFile], *, dataset: Dataset = BARS, **options: Any) -> LoadResult:
    """Load in a warehouse that is opened and closed for it, as each run does."""
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS, OTHER])
        return Loader(warehouse).load(dataset, files, **options)


def land_and_load(home: Home, *answers: Payload, dataset: Dataset = BARS) -> LoadResult:
    return load(home, land(home, *answers, dataset=dataset), dataset=dataset)


def query(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse(home) as warehouse:
        return warehouse.connection.execute(sql).fetchall()


def versions(home: Home) -> list[tuple[Any, ...]]:
    """What the raw table says, however it was loaded."""
    return query(home, "select * exclude (load_id) from raw.demo__bar order by symbol, open_time, known_at")


def known(days: float) -> datetime:
    """So many days after New Year, as a column has it."""
    return (NEW_YEAR + days * DAY).replace(tzinfo=None)
