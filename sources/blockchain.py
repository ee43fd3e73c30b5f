"""blockchain.info charts: hashrate, difficulty, miners' revenue and MVRV, one point a UTC day. Keyless.

The last day or two may be missing. No terms grant redistribution.

Oddities: by default a long span is thinned out to some 1 500 points and skips days without a word, hence
`sampled=false`; an answer whose points are not a day apart is refused all the same. A point is stamped with the
beginning of its day. No recording could be had, so shapes follow the publisher's page.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import polars as pl

from sources.core.dataset import Bucket, Column, Dataset, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_s, part, require, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.plausibility import hashrate_ehs
from sources.core.time_windows import DAY, is_unfinished

API = "https://api.blockchain.info/charts"

PROVIDER = Provider(
    name="blockchain",
    title="Blockchain.com charts",
    home="https://www.blockchain.com/explorer/charts",
    hosts=("api.blockchain.info",),
    requests_per_minute=6,
    licence="Blockchain.com terms; redistribution not granted",
    may_republish=False,
    described_by=specification("https://www.blockchain.com/explorer/api/charts_api"),
)


def fetch_chart(session: Session, window: Window, chart: str) -> Iterator[Payload]:
    """Every day of a chart from the window's start to its end."""
    days = -((window.start - window.end) // DAY)
    params = {"start": window.start.date().isoformat(), "timespan": f"{days}days", "sampled": False, "format": "json"}
    yield session.get(f"{API}/{chart}", params)


def read_chart(payload: Payload, figure: str, columns: Mapping[str, Column]) -> Parsed:
    """One row a finished day. Raises SourceError when the chart is not by day or skips days."""
    content = strict_json(payload)
    points = [point if isinstance(point, dict) else {} for point in part(content, "values", where=payload.url)]
    require(content.get("status") == "ok", f"{payload.url} has status {content.get('status')!r}, not 'ok'.")
    require(content.get("period") == "day", f"{payload.url} has period {content.get('period')!r}, not 'day'.")
    require_in_some(points, ("x", "y"), payload.url)
    days = [_day(from_s(point.get("x"))) for point in points]
    known = sorted({day for day in days if isinstance(day, datetime)})
    gaps = [later - earlier for earlier, later in pairwise(known)]
    is_whole = 2 * sum(gap > DAY for gap in gaps) <= len(gaps)
    require(is_whole, f"{payload.url}: most points are more than a day apart; the chart is thinned out.")
    records, sent = [], []
    for day, point in zip(days, points, strict=True):
        if not is_unfinished(day, DAY, payload):
            date = day.date() if isinstance(day, datetime) else day
            value = point.get("y")
            records.append(
                {"chart_date": date, figure: hashrate_ehs(value, 1e6, date) if figure == "hashrate_ehs" else value}
            )
            sent.append(point)
    return typed(records, columns, fetched_at=payload.fetched_at, observed="chart_date", sent=sent)


def _day(stamp: object) -> object:
    """A stamp at midnight; any other comes back as text, for `typed` to refuse."""
    if isinstance(stamp, datetime) and stamp != stamp.replace(hour=0, minute=0, second=0, microsecond=0):
        return f"{stamp.isoformat()} is not the beginning of a day"
    return stamp


def _dataset(
    name: str, chart: str, description: str, figure: str, column: Column, bucket: Bucket = Bucket.MINING
) -> Dataset:
    columns = {"chart_date": Column(pl.Date, "UTC day", "Day that the figure is of."), figure: column}
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=bucket,
        description=description,
        columns=columns,
        key=("chart_date",),
        observed="chart_date",
        period=DAY,
        publication_lag=DAY,
        fetch=partial(fetch_chart, chart=chart),
        read=partial(read_chart, figure=figure, columns=columns),
        fresh_for=timedelta(days=3),
        reread=timedelta(days=5),
    )


DATASETS = (
    _dataset(
        "hashrate",
        "hash-rate",
        "Hashrate estimated from each UTC day's blocks; noisy.",
        "hashrate_ehs",
        Column(pl.Float64, "EH/s", "Hashrate of the day, its luck with blocks included.", minimum=0, maximum=1e5),
    ),
    _dataset(
        "difficulty",
        "difficulty",
        "Mean difficulty of each UTC day.",
        "difficulty",
        Column(pl.Float64, "difficulty", "Mean over the day's blocks.", minimum=1, maximum=1e18),
    ),
    _dataset(
        "miner_revenue",
        "miners-revenue",
        "Subsidy and fees of each UTC day in dollars.",
        "revenue_usd",
        Column(pl.Float64, "USD", "Subsidy and fees at the day's price.", minimum=0, maximum=1e10),
    ),
    _dataset(
        "mvrv",
        "mvrv",
        "Daily MVRV.",
        "mvrv",
        Column(pl.Float64, "ratio", "Market capitalisation over realised capitalisation.", minimum=0, maximum=50),
        Bucket.ONCHAIN,
    ),
)
