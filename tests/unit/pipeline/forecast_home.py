"""A small home with a long history of bars, landed and loaded as a run does it, and the board's dates beside it."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline.analytics_tables import ensure_tables
from sources.core.payload import Payload
from sources.registry import DATASETS, dataset
from tests.unit.analytics.price_paths import bars
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.loader import Loader

HISTORY = dataset("bitstamp.spot_history_1d")
DVOL = dataset("deribit.dvol")
FIRST = date(2014, 4, 1)
BOARD_DAYS = 30
PAGE = 1000


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def page(rows: pl.DataFrame, fetched_at: datetime) -> Payload:
    """Bars as Bitstamp sends them."""
    sent = [
        {
            "timestamp": str(int(midnight(row["date"]).timestamp())),
            "open": f"{row['open_usd']:.2f}",
            "high": f"{row['high_usd']:.2f}",
            "low": f"{row['low_usd']:.2f}",
            "close": f"{row['close_usd']:.2f}",
            "volume": "1000.0",
        }
        for row in rows.iter_rows(named=True)
    ]
    body = json.dumps({"data": {"pair": "BTC/USD", "ohlc": sent}}).encode()
    start = str(int(midnight(rows["date"][0]).timestamp()))
    return Payload("https://www.bitstamp.net/api/v2/ohlc/btcusd/", {"start": start}, 200, {}, body, fetched_at)


def volatility(rows: pl.DataFrame, fetched_at: datetime) -> Payload:
    """DVOL as Deribit sends it, by the hour; a day has one level."""
    sent = [
        [int(midnight(row["date"]).timestamp() * 1000) + hour * 3_600_000, *[round(row["implied_pct"], 2)] * 4]
        for row in rows.filter(pl.col("implied_pct").is_not_null()).iter_rows(named=True)
        for hour in range(24)
    ]
    body = json.dumps({"jsonrpc": "2.0", "result": {"data": sent, "continuation": None}, "testnet": False}).encode()
    url = "https://www.deribit.com/api/v2/public/get_volatility_index_data"
    return Payload(url, {"currency": "BTC"}, 200, {}, body, fetched_at)


def load(home: Home, rows: pl.DataFrame, fetched_at: datetime) -> None:
    """Land and load bars and volatility as one run would."""
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        ensure_tables(warehouse.connection)
        loader = Loader(warehouse)
        pages = [page(part, fetched_at) for part in rows.iter_slices(PAGE)]
        loader.load(HISTORY, [file for one in pages if (file := warehouse.landing.store(HISTORY.id, one))])
        if rows["implied_pct"].is_not_null().any():
            file = warehouse.landing.store(DVOL.id, volatility(rows, fetched_at))
            loader.load(DVOL, [file] if file else [])


def board(home: Home, last: date, days: int = BOARD_DAYS) -> None:
    """The board's newest dates, each with a level around its price."""
    with Warehouse(home) as warehouse:
        warehouse.connection.execute(
            """
            create schema if not exists marts;
            create or replace table marts.fct_regime_daily as
            select
                cast(open_time as date) as signal_date, close_usd * 0.98 as level_usd,
                close_usd * 0.95 as cluster_low_usd, close_usd * 0.98 as cluster_high_usd, 'rules' as rules_version
            from raw.bitstamp__spot_history_1d
            where cast(open_time as date) between ? and ?
            """,
            [last - timedelta(days=days - 1), last],
        )


def home_with(path: Path, days: int, *, fetched_at: datetime | None = None, implied_days: int = 0) -> Home:
    """A home whose bars begin in April 2014; they were fetched an hour after the last one closed."""
    home = Home(path)
    rows = bars(days, first=FIRST, implied_days=implied_days)
    last = rows["date"][-1]
    load(home, rows, fetched_at or midnight(last) + timedelta(days=1, minutes=20))
    board(home, last)
    return home
