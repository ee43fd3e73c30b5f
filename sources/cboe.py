"""Cboe: daily history of the VIX volatility index, from 1990.

One CSV file with the whole history, dates as MM/DD/YYYY; the row of a trading date is there by 16:00 UTC of the next
day. Early years have one value for open, high, low and close. Content is copyrighted by Cboe.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import polars as pl

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import GENESIS, strict_csv, typed
from sources.core.payload import Parsed, Payload

URL = "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv"

PROVIDER = Provider(
    name="cboe",
    title="Cboe",
    home="https://www.cboe.com/tradable_products/vix/vix_historical_data/",
    hosts=("cdn.cboe.com",),
    requests_per_minute=10,
    licence="copyright Cboe, no redistribution",
    may_republish=False,
    described_by=specification("https://www.cboe.com/tradable_products/vix/vix_historical_data/"),
    recorded={
        "vix": "cboe/VIX_History_to_2022-12-30.csv",
    },
)

COLUMNS: Mapping[str, Column] = {
    "trade_date": Column(pl.Date, "trading date", "New York trading date."),
    **{
        name: Column(pl.Float64, "volatility points", f"{name.capitalize()} of the session.", minimum=1e-6)
        for name in ("open", "high", "low", "close")
    },
}

HEADER = ("DATE", "OPEN", "HIGH", "LOW", "CLOSE")


def fetch_vix(session: Session, window: Window) -> Iterator[Payload]:
    """The whole history, whatever the window: the provider has no other file."""
    yield session.get(URL, accept=("text/csv", "application/octet-stream"))


def read_vix(payload: Payload) -> Parsed:
    """One row a trading date since Bitcoin exists. Raises SourceError when the header changed."""
    table = strict_csv(payload, header=HEADER)
    records = []
    for line in table.records:
        trade_date = _us_date(line["DATE"])
        if not isinstance(trade_date, date) or trade_date >= GENESIS.date():
            records.append({"trade_date": trade_date, **{name.lower(): line[name] for name in HEADER[1:]}})
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="trade_date", rejects=table.rejects)


def _us_date(text: str) -> date | str:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()
    except ValueError:
        return text


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="vix",
        bucket=Bucket.MACRO,
        description="Daily open, high, low and close of the VIX index.",
        columns=COLUMNS,
        key=("trade_date",),
        observed="trade_date",
        period=timedelta(hours=22),
        publication_lag=timedelta(hours=18),
        fetch=fetch_vix,
        read=read_vix,
        calendar=Calendar.US_TRADING,
    ),
)
