"""Stooq: daily bars of stock indices, and gold and silver at spot. Keyless, but closed to programs.

Since July 2026 a program gets HTTP 200 and a page that asks a browser for a proof of work; Leadline says who it is and
does not solve it. So Stooq is asked only when it is selected by name, and a file saved in a browser can be loaded:
`leadline load stooq.daily_bar xauusd_d.csv`. Nothing may be redistributed.

Oddities: failures come with HTTP 200 as a line of text (`No data`, `Exceeded the daily hits limit`); metals have no
column Volume; the answer does not say its symbol, so a file saved by hand keeps the name that Stooq gives it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

import polars as pl

from sources.core.dataset import Access, Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.parsing import require, strict_csv, strict_text, typed
from sources.core.payload import Parsed, Payload

URL = "https://stooq.com/q/d/l/"
SYMBOLS = ("^spx", "^ndq", "^dji", "xauusd", "xagusd")
HEADER = ("Date", "Open", "High", "Low", "Close")

NO_DATA = "No data"
DAILY_LIMIT = "Exceeded the daily hits limit"

PROVIDER = Provider(
    name="stooq",
    title="Stooq",
    home="https://stooq.com",
    hosts=("stooq.com",),
    requests_per_minute=6,
    licence="no redistribution",
    may_republish=False,
    recorded={
        "daily_bar": "stooq/xauusd_d_2018_2021.csv",
    },
)

COLUMNS: Mapping[str, Column] = {
    "symbol": Column(pl.String, "Stooq symbol", "Instrument, such as ^spx or xauusd."),
    "trade_date": Column(pl.Date, "trading date", "Date of the bar; where a metal's day begins is not documented."),
    **{
        name.lower(): Column(pl.Float64, "index points or USD an ounce", f"{name} of the day.", minimum=1e-6)
        for name in HEADER[1:]
    },
}

_SAVED = re.compile(r"(?:saved-by-hand/)?(?P<symbol>[a-z^]+)(?:_[a-z]{2})?_d(?:\b|_)")


def fetch_daily_bar(session: Session, window: Window) -> Iterator[Payload]:
    """One file a symbol."""
    last = window.end - timedelta(microseconds=1)
    for symbol in SYMBOLS:
        params = {"s": symbol, "i": "d", "d1": f"{window.start:%Y%m%d}", "d2": f"{last:%Y%m%d}"}
        yield session.get(URL, params, accept=("text/csv", "text/plain", "application/octet-stream"))


def read_daily_bar(payload: Payload) -> Parsed:
    """One row a day. Raises SourceError: BLOCKED for the page with the proof of work, QUOTA for the day's limit."""
    text = strict_text(payload).strip()
    if text == NO_DATA:
        raise SourceError(Failure.NO_DATA, f"{payload.url} has nothing for {payload.params.get('s', 'that symbol')}.")
    if text.startswith(DAILY_LIMIT):
        raise SourceError(Failure.QUOTA, f"{payload.url}: {DAILY_LIMIT}.")
    table = strict_csv(payload, header=HEADER)
    symbol = _symbol(payload)
    records = [
        {"symbol": symbol, "trade_date": line["Date"], **{name.lower(): line[name] for name in HEADER[1:]}}
        for line in table.records
    ]
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="trade_date", rejects=table.rejects)


def _symbol(payload: Payload) -> str:
    asked = payload.params.get("s")
    saved = _SAVED.search(payload.url.rpartition("/")[2])
    symbol = asked or (saved["symbol"] if saved else "")
    require(
        symbol in SYMBOLS,
        f"{payload.url} does not say which symbol it holds; a file saved by hand is named after one of: "
        f"{', '.join(f'{known}_d.csv' for known in SYMBOLS)}.",
    )
    return symbol


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="daily_bar",
        bucket=Bucket.MACRO,
        description="Daily bars of stock indices and of gold and silver at spot.",
        columns=COLUMNS,
        key=("symbol", "trade_date"),
        observed="trade_date",
        period=timedelta(days=1),
        publication_lag=timedelta(hours=6),
        fetch=fetch_daily_bar,
        read=read_daily_bar,
        calendar=Calendar.US_TRADING,
        may_be_empty=True,
        access=Access.ARCHIVE,
    ),
)
