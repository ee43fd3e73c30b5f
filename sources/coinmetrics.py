"""Coin Metrics, community data: daily metrics of the Bitcoin network and its price.

One row a UTC day, from 2009-01-03. Metrics of a day arrive at different hours of the next one, price first, and are
mostly complete by 06:00 UTC. Licence CC BY-NC 4.0: attribution, no commercial use.

Oddities: numbers are text; times have nanoseconds; a metric that is not computed yet is absent or null, which is never
zero (`null_as_zero` must not be set). A bare request returns only the *last* 100 rows, hence `paging_from=start`. A
metric that leaves the community set is refused with an error, so it cannot turn into a column of nulls in silence.
Exchange flows are restated as more addresses become known.

When the API cannot be reached, the same figures come from the publisher's CSV file on GitHub: one line a day of all
history, some hours later than the API, its last days partly blank. Its columns have changed over the years, so they are
found by name; what a layout does not have is null.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import polars as pl

from sources.core.dataset import Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import or_null, part, require, require_in_some, strict_csv, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.plausibility import hashrate_ehs

URL = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"
FILE = "https://raw.githubusercontent.com/coinmetrics/data/master/csv/btc.csv"
CSV = ("text/csv", "text/plain")
# The API is of no use just now, whatever one asks it. A refusal or a changed layout is told to a person instead.
UNREACHABLE = frozenset({Failure.OUTAGE, Failure.BLOCKED, Failure.MOVED, Failure.THROTTLED, Failure.TOO_SLOW})
IN_EVERY_FILE = ("time", "PriceUSD", "CapMrktCurUSD", "CapMVRVCur", "HashRate")
PAGE_SIZE = 10_000  # the largest that is allowed: 27 years
MAX_PAGES = 20
FEWEST_ROWS = 7  # days, of which one at least has every metric


def _check(payload: Payload) -> None:
    """A refusal says what was wrong with the request, such as a metric that is no longer free."""
    if payload.status in (400, 401, 403, 414):
        error = part(strict_json(payload), "error", kind=dict)
        raise SourceError(Failure.REFUSED, f"Coin Metrics says {error.get('type')}: {error.get('message')}.")


PROVIDER = Provider(
    name="coinmetrics",
    title="Coin Metrics community",
    home="https://coinmetrics.io/community-network-data/",
    hosts=("community-api.coinmetrics.io", "raw.githubusercontent.com"),
    requests_per_minute=90,  # documented: 10 in any 6 seconds
    licence="CC BY-NC 4.0",
    may_republish=False,
    check=_check,
    described_by=specification("https://docs.coinmetrics.io/api/v4"),
    recorded={
        "asset_metric": "coinmetrics/timeseries_asset-metrics_PriceUSD.json",
    },
)

# Our column -> the provider's metric. Everything else about a metric is in COLUMNS.
METRICS: Mapping[str, str] = {
    "price_usd": "PriceUSD",
    "market_cap_usd": "CapMrktCurUSD",
    "mvrv": "CapMVRVCur",
    "hashrate_ths": "HashRate",
    "issuance_usd": "IssTotUSD",
    "fees_btc": "FeeTotNtv",
    "supply_btc": "SplyCur",
    "block_count": "BlkCnt",
    "transaction_count": "TxCnt",
    "active_addresses": "AdrActCnt",
    "exchange_inflow_usd": "FlowInExUSD",
    "exchange_outflow_usd": "FlowOutExUSD",
}


def _metric(unit: str, description: str, minimum: float = 0) -> Column:
    return Column(pl.Float64, unit, description, nullable=True, minimum=minimum)


COLUMNS: Mapping[str, Column] = {
    "metric_date": Column(pl.Date, "UTC day", "Day that the metrics describe."),
    "price_usd": _metric("USD", "Reference price at the end of the day.", minimum=1e-6),
    "market_cap_usd": _metric("USD", "Current supply times price."),
    "mvrv": _metric("ratio", "Market capitalisation over realised capitalisation."),
    "hashrate_ths": _metric("TH/s", "Hashrate implied by the day's blocks and difficulty."),
    "issuance_usd": _metric("USD", "New coins of the day at the day's price."),
    "fees_btc": _metric("BTC", "Fees of the day's blocks."),
    "supply_btc": _metric("BTC", "Coins issued up to the end of the day."),
    "block_count": _metric("blocks", "Blocks of the day."),
    "transaction_count": _metric("transactions", "Transactions of the day."),
    "active_addresses": _metric("addresses", "Addresses that sent or received."),
    "exchange_inflow_usd": _metric("USD", "Value sent to known exchange addresses. Restated."),
    "exchange_outflow_usd": _metric("USD", "Value sent from known exchange addresses. Restated."),
}


def fetch_asset_metric(session: Session, window: Window, page_size: int = PAGE_SIZE) -> Iterator[Payload]:
    """The window from the API; from the file on GitHub when the API cannot be reached.

    Raises the API's own SourceError when neither answers.
    """
    days = {
        "start_time": window.start.date().isoformat(),
        "end_time": (window.end - timedelta(microseconds=1)).date().isoformat(),  # inclusive
    }
    try:
        yield from _pages(session, {**days, "page_size": page_size, "paging_from": "start"})
    except SourceError as unreachable:
        if unreachable.failure not in UNREACHABLE:
            raise
        try:
            # The file takes no dates; they are there for whoever reads the answer.
            yield session.get(FILE, days, accept=CSV)
        except SourceError:
            raise unreachable from None


def _pages(session: Session, params: Mapping[str, object]) -> Iterator[Payload]:
    """All pages, oldest first; the address of the next page is followed as given."""
    payload = session.get(URL, {"assets": "btc", "metrics": ",".join(METRICS.values()), "frequency": "1d", **params})
    seen = {payload.sha256}
    yield payload
    while following := _next_page(payload):
        payload = session.get(following)
        if payload.sha256 in seen or len(seen) == MAX_PAGES:
            raise SourceError(Failure.CHANGED_LAYOUT, f"Paging did not end after {len(seen)} pages.")
        seen.add(payload.sha256)
        yield payload


def read_asset_metric(payload: Payload) -> Parsed:
    """One row a day. Raises SourceError when the answer is no list of days."""
    if payload.body.lstrip()[:1] not in (b"{", b"["):
        return _read_file(payload)
    rows = part(strict_json(payload), "data")
    require_in_some(rows, ("asset", "time", *_asked(payload)), payload.url)
    sent = {name for row in rows if isinstance(row, dict) for name in row}
    is_ours = not rows or bool(sent & set(METRICS.values()))
    require(is_ours, f"{payload.url} has none of: {', '.join(METRICS.values())}.")
    return typed(map(_record, rows), COLUMNS, fetched_at=payload.fetched_at, observed="metric_date", sent=rows)


def _asked(payload: Payload) -> list[str]:
    """The metrics that the request named; of a short answer none, for a metric of the newest days may not be there."""
    rows = part(strict_json(payload), "data")
    return payload.params["metrics"].split(",") if "metrics" in payload.params and len(rows) >= FEWEST_ROWS else []


def _read_file(payload: Payload) -> Parsed:
    """The days that were asked for. A blank is no value: a column may stop while the others go on."""
    table = strict_csv(payload, header=IN_EVERY_FILE)
    first, last = (payload.params.get(bound, default) for bound, default in (("start_time", ""), ("end_time", "9999")))
    lines = [line for line in table.records if first <= line["time"] <= last]
    known = [metric for metric in METRICS.values() if lines and metric in lines[0]]
    blank = [line for line in lines if not any(line[metric] for metric in known)]
    lines = [line for line in lines if line not in blank] if blank else lines
    rows = [{"asset": "btc"} | line | {"time": f"{line['time']}T00:00:00Z"} for line in lines]
    return typed(
        map(_record, rows),
        COLUMNS,
        fetched_at=payload.fetched_at,
        observed="metric_date",
        sent=rows,
        rejects=table.rejects,
        left_out={"day without any figure yet": len(blank)} if blank else None,
    )


def _next_page(payload: Payload) -> str | None:
    following = part(strict_json(payload), kind=dict).get("next_page_url")
    return str(following) if following else None


def _record(row: object) -> Mapping[str, object]:
    if not isinstance(row, dict) or row.get("asset") != "btc":
        return {}  # no day of ours: refused
    time = row.get("time")
    # A day's row is stamped with its first instant; any other time would mean that another frequency was sent.
    is_midnight = isinstance(time, str) and re.fullmatch(r"[\d-]{10}T00:00:00(\.0+)?Z", time) is not None
    day = str(time)[:10] if is_midnight else time
    figures = {column: or_null(row.get(metric), "") for column, metric in METRICS.items()}
    rate = hashrate_ehs(figures["hashrate_ths"], 1e6, _date(day))
    if isinstance(rate, str):
        figures["hashrate_ths"] = rate  # in another unit: refused
    return {"metric_date": day} | figures


def _date(day: object) -> date | None:
    try:
        return date.fromisoformat(str(day))
    except ValueError:
        return None


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="asset_metric",
        bucket=Bucket.ONCHAIN,
        description="Daily price, capitalisation, MVRV, mining, activity and exchange flows of Bitcoin.",
        columns=COLUMNS,
        key=("metric_date",),
        observed="metric_date",
        period=timedelta(days=1),
        publication_lag=timedelta(hours=6),
        fetch=fetch_asset_metric,
        read=read_asset_metric,
        fresh_for=timedelta(days=3),
        final_after=timedelta(days=7),
        reread=timedelta(days=14),  # metrics of a day come one by one, and exchange flows are restated
        restates=True,
    ),
)
