"""BGeometrics (bitcoin-data.com), free tier: MVRV, SOPR, realised price and net realised profit, one figure a UTC day.

Keyless; the free figures are about a week late. The allowance has shrunk over time and stands at some ten requests an
hour and fifteen a day for an address, so one run asks four. Redistribution is not granted.

Oddities: every figure is text, `unixTs` too; the date is called `d` in most metrics and `theDay` in some; a figure
bears the metric's name in camel case. When the hour's or the day's allowance is used up the answer is HTTP 429 with the
code RATE_LIMIT_HOUR_EXCEEDED or RATE_LIMIT_DAY_EXCEEDED; neither is asked again in the same run. No recording could be
had, so shapes follow the publisher's pages.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial

import polars as pl

from sources.core.dataset import Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import named_in, or_null, part, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import DAY

API = "https://bitcoin-data.com/v1"
RATIOS = ("mvrv", "sopr")
REALIZED_PRICE = ("realized-price",)
NET = ("nrpl-usd",)
LATE = timedelta(days=7)
HOUR_S = 3600.0
_LIMIT = re.compile(r"RATE_LIMIT_(HOUR|DAY)_EXCEEDED")


def check(payload: Payload) -> None:
    """Raise SourceError when the allowance of the hour or of the day is used up."""
    limit = _LIMIT.search(payload.body[:4_000].decode("utf-8", "replace"))
    if limit and limit[1] == "DAY":
        raise SourceError(Failure.QUOTA, f"{PROVIDER.title} says that the day's requests are used up.")
    if limit:
        what = f"{PROVIDER.title} says that the hour's requests are used up."
        raise SourceError(Failure.THROTTLED, what, retry_after_s=HOUR_S)


PROVIDER = Provider(
    name="bgeometrics",
    title="BGeometrics",
    home="https://bitcoin-data.com",
    hosts=("bitcoin-data.com", "api.bitcoin-data.com"),
    requests_per_minute=6,
    licence="BGeometrics terms; redistribution not granted",
    may_republish=False,
    check=check,
    described_by=specification("https://bitcoin-data.com/api/redoc.html"),
)


def fetch_metric(session: Session, window: Window, names: tuple[str, ...]) -> Iterator[Payload]:
    """Each metric over the window, both ends included."""
    last = (window.end - timedelta(microseconds=1)).date()
    bounds = {"startday": window.start.date().isoformat(), "endday": last.isoformat()}
    for name in names:
        yield session.get(f"{API}/{name}", bounds)


def read_ratio(payload: Payload) -> Parsed:
    """One row a day of the ratio that the address names."""
    name = named_in(payload.url, RATIOS)
    return _read(payload, name, RATIO_COLUMNS, lambda day, value: {"metric": name, "metric_date": day, "value": value})


def read_alone(payload: Payload, name: str, figure: str, columns: Mapping[str, Column]) -> Parsed:
    """One row a day of the only metric of a dataset, in the column `figure`."""
    return _read(payload, name, columns, lambda day, value: {"metric_date": day, figure: value})


def _read(
    payload: Payload, name: str, columns: Mapping[str, Column], record: Callable[[object, object], Mapping[str, object]]
) -> Parsed:
    check(payload)  # once more, for answers that were saved by hand
    rows = [row if isinstance(row, dict) else {} for row in part(strict_json(payload), where=payload.url)]
    field = re.sub(r"-(\w)", lambda match: match[1].upper(), name)
    day = "theDay" if rows and "theDay" in rows[0] else "d"
    require_in_some(rows, (day, field), payload.url)
    records = [record(row.get(day), or_null(row.get(field), "", "null")) for row in rows]
    return typed(records, columns, fetched_at=payload.fetched_at, observed="metric_date", sent=rows)


def _columns(**figures: Column) -> Mapping[str, Column]:
    return {"metric_date": Column(pl.Date, "UTC day", "Day that the figure is of."), **figures}


RATIO_COLUMNS: Mapping[str, Column] = {
    "metric": Column(pl.String, "name", "mvrv or sopr."),
    "metric_date": Column(pl.Date, "UTC day", "Day that the ratio is of."),
    # Neither has been above 10 since 2013; a value around 100 would be a percentage.
    "value": Column(
        pl.Float64, "ratio", "1 = coins stand, or are spent, at cost.", nullable=True, minimum=0, maximum=50
    ),
}
REALIZED_PRICE_COLUMNS = _columns(
    realized_price_usd=Column(
        pl.Float64, "USD", "Mean price at which all coins last moved.", nullable=True, minimum=0, maximum=1e6
    )
)
NET_COLUMNS = _columns(
    net_realized_pnl_usd=Column(
        pl.Float64, "USD", "Realised profit less realised loss of the day.", nullable=True, minimum=-1e12, maximum=1e12
    )
)


def _daily(
    name: str,
    description: str,
    columns: Mapping[str, Column],
    names: tuple[str, ...],
    read: Callable[[Payload], Parsed],
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=Bucket.ONCHAIN,
        description=description,
        columns=columns,
        key=("metric", "metric_date") if "metric" in columns else ("metric_date",),
        observed="metric_date",
        period=DAY,
        publication_lag=LATE,
        fetch=partial(fetch_metric, names=names),
        read=read,
        fresh_for=timedelta(days=3),
        reread=timedelta(days=10),
        may_be_empty=True,  # a window of the last days has nothing yet
    )


DATASETS = (
    _daily("ratio", "Daily MVRV and SOPR, a week late.", RATIO_COLUMNS, RATIOS, read_ratio),
    _daily(
        "realized_price",
        "Daily realised price of all coins, a week late.",
        REALIZED_PRICE_COLUMNS,
        REALIZED_PRICE,
        partial(read_alone, name=REALIZED_PRICE[0], figure="realized_price_usd", columns=REALIZED_PRICE_COLUMNS),
    ),
    _daily(
        "net_realized_pnl",
        "Daily realised profit less realised loss of all spent coins, a week late.",
        NET_COLUMNS,
        NET,
        partial(read_alone, name=NET[0], figure="net_realized_pnl_usd", columns=NET_COLUMNS),
    ),
)
