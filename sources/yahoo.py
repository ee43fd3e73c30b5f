"""Yahoo Finance: daily bars of stock indices, gold, silver, the dollar index and VIX, from the chart endpoint (v8).

Published live; the bar of a trading date is settled once its session has closed. Terms: personal use, no
redistribution. Data-centre addresses and plain clients are often refused: that shows as blocked, not as an outage.

Oddities: one array a column, any element may be null, and no `timestamp` at all when there is nothing; prices are
32-bit floats printed as 64-bit ones (101.41999816894531 is 101.42); the last bar of an open session is live and left
out; bars are stamped with the session's open, so the trading date is that instant in the exchange's own time zone
(`gmtoffset` is today's and wrong across a clock change). `GC=F` and `SI=F` are front futures with unadjusted rolls.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.parsing import from_s, part, require, require_names, strict_json, typed
from sources.core.payload import Parsed, Payload

URL = "https://query1.finance.yahoo.com/v8/finance/chart/"

# S&P 500, Nasdaq Composite, Dow, PHLX semiconductors, VIX, gold, silver, dollar index.
SYMBOLS = ("^GSPC", "^IXIC", "^DJI", "^SOX", "^VIX", "GC=F", "SI=F", "DX-Y.NYB")

PRICES = ("open", "high", "low", "close")
SIGNIFICANT_FIGURES = 7  # what a 32-bit float holds

LAST_HOUR = 23
PROVIDER = Provider(
    name="yahoo",
    title="Yahoo Finance",
    home="https://finance.yahoo.com",
    hosts=("query1.finance.yahoo.com", "query2.finance.yahoo.com"),
    requests_per_minute=20,  # unpublished; refusals begin somewhere above
    licence="personal use, no redistribution",
    may_republish=False,
    recorded={
        "daily_bar": "yahoo/v8_chart_FPT.VN_1d.json",
    },
)

COLUMNS: Mapping[str, Column] = {
    "symbol": Column(pl.String, "Yahoo symbol", "Index or front future."),
    "trade_date": Column(pl.Date, "trading date", "Date of the session in the exchange's time zone."),
    **{
        price: Column(pl.Float64, "points or USD", f"{price.capitalize()} of the session.", price != "close", 1e-6)
        for price in PRICES
    },
}


def fetch_daily_bar(session: Session, window: Window) -> Iterator[Payload]:
    """One answer a symbol."""
    for symbol in SYMBOLS:
        yield session.get(
            URL + quote(symbol, safe=""),
            {
                "period1": int(window.start.timestamp()),
                "period2": int(window.end.timestamp()),
                "interval": "1d",
                "events": "history",
                "includeAdjustedClose": "true",
            },
        )


def read_daily_bar(payload: Payload) -> Parsed:
    """One row a session that had closed when the answer was fetched; days with no price at all are left out.

    Raises SourceError: CHANGED_LAYOUT for an answer of another shape, NOT_DATA for an error object.
    """
    chart = part(strict_json(payload), "chart", kind=dict)
    if chart.get("error"):
        raise SourceError(Failure.NOT_DATA, f"{payload.url} answered with the error {str(chart['error'])[:200]}.")
    answer = part(chart, "result", 0, kind=dict, where="chart")
    meta = part(answer, "meta", kind=dict, where="result")
    symbol = part(meta, "symbol", kind=str, where="meta")
    zone = _zone(part(meta, "exchangeTimezoneName", kind=str, where="meta"))
    live_date = _live_date(part(meta, "currentTradingPeriod", "regular", kind=dict, where="meta"), payload, zone)

    records: dict[object, Mapping[str, object]] = {}
    left_out = Counter[str]()
    for stamp, *prices in sorted(_bars(answer), key=lambda bar: _order(bar[0])):
        trade_date = _session_date(stamp, zone)
        if trade_date == live_date:
            left_out["session still open"] += 1
        elif prices == [None] * len(PRICES):
            left_out["session without a price"] += 1
        else:
            # What is no date stays a row of its own, to be refused.
            session = trade_date if isinstance(trade_date, date) else len(records)
            left_out["earlier bar of a session that stands twice"] += session in records
            cleaned = dict(zip(PRICES, map(_without_noise, prices), strict=True))
            records[session] = {"symbol": symbol, "trade_date": trade_date, **cleaned}
    return typed(records.values(), COLUMNS, fetched_at=payload.fetched_at, observed="trade_date", left_out=+left_out)


def _bars(answer: Mapping[str, object]) -> Iterable[tuple[object, ...]]:
    """Stamp, open, high, low and close of each session; nothing where the provider leaves the stamps out."""
    stamps = part(answer, "timestamp", where="result") if "timestamp" in answer else []
    if not stamps:
        return []
    quote_of = part(answer, "indicators", "quote", 0, kind=dict, where="result")
    columns = [part(quote_of, price, where="quote") for price in PRICES]
    lengths = {len(column) for column in (stamps, *columns)}
    require(len(lengths) == 1, f"{answer.get('symbol', 'result')}: columns of different lengths: {sorted(lengths)}.")
    return zip(stamps, *columns, strict=True)


def _live_date(session: Mapping[str, object], payload: Payload, zone: ZoneInfo) -> object:
    """Trading date of the session that was open when the answer was fetched, None when it had closed."""
    require_names(session, ("start", "end"), "currentTradingPeriod.regular")
    end = from_s(session["end"])
    if not isinstance(end, datetime):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url}: the session's end is no time.")
    return _session_date(session["start"], zone) if payload.fetched_at < end.replace(tzinfo=UTC) else None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{name[:60]!r} is no time zone.") from None


def _session_date(stamp: object, zone: ZoneInfo) -> object:
    """Trading date of a stamp; what is no time comes back unchanged.

    A bar of a future is stamped with local midnight. For some days after a change of the clocks it is stamped an hour
    early, late on the evening before: a stamp of the last hour of a day belongs to the day that begins then.
    """
    instant = from_s(stamp)
    if not isinstance(instant, datetime):
        return stamp
    local = instant.replace(tzinfo=UTC).astimezone(zone)
    return (local + timedelta(hours=1)).date() if local.hour == LAST_HOUR else local.date()


def _order(stamp: object) -> float:
    """What bars are put in order by, so that of two of one session the later counts."""
    return float(stamp) if isinstance(stamp, int | float) and not isinstance(stamp, bool) else 0.0


def _without_noise(price: object) -> object:
    is_number = isinstance(price, int | float) and not isinstance(price, bool)
    return float(f"{price:.{SIGNIFICANT_FIGURES}g}") if is_number else price


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="daily_bar",
        bucket=Bucket.MACRO,
        description="Daily bars of stock indices, gold, silver, the dollar index and VIX.",
        columns=COLUMNS,
        key=("symbol", "trade_date"),
        observed="trade_date",
        period=timedelta(hours=22),  # 16:00 New York, 21:00 UTC at the latest, and an hour
        publication_lag=timedelta(0),
        fetch=fetch_daily_bar,
        read=read_daily_bar,
        calendar=Calendar.US_TRADING,
        reread=timedelta(days=7),
        may_be_empty=True,
    ),
)
