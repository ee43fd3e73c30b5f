"""Twelve Data: daily bars of funds on stock indices, and gold and silver in US dollars. Needs a free key.

A stand-in for Yahoo where that refuses the address. The free plan allows 8 requests a minute and 800 a day and has no
indices, so the funds SPY and DIA stand for S&P and Dow: their returns follow the index less fees and dividends, and
their level is another one. No fund follows the Nasdaq Composite or the PHLX index closely. No redistribution.

Oddities: failures come with HTTP 200, `status` "error" and a `code`; values are text, newest first. The shape is from
the provider's documentation; no recording was at hand.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import partial

import polars as pl

from sources.core.dataset import Bucket, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import covered
from sources.core.parsing import part, strict_json, typed
from sources.core.payload import Parsed, Payload

URL = "https://api.twelvedata.com/time_series"
SYMBOLS = ("SPY", "DIA", "XAU/USD", "XAG/USD")
PRICES = ("open", "high", "low", "close")
MOST_ROWS = 5000
LONGEST_CLOSURE_DAYS = 5  # from the last session before Easter or a holiday weekend to the next one

ERRORS: Mapping[int, Failure] = {
    400: Failure.REFUSED,
    401: Failure.BAD_KEY,
    403: Failure.BAD_KEY,
    404: Failure.NO_DATA,
    429: Failure.QUOTA,
}


def check(payload: Payload) -> None:
    """Raise SourceError for an error object, whatever its HTTP status."""
    answer = strict_json(payload)
    if isinstance(answer, dict) and answer.get("status") == "error":
        code = answer.get("code")
        failure = ERRORS.get(code, Failure.OUTAGE) if isinstance(code, int) else Failure.REFUSED
        raise SourceError(failure, f"Twelve Data answered with error {code!r:.10}: {answer.get('message')!r:.200}.")


PROVIDER = Provider(
    name="twelvedata",
    title="Twelve Data",
    home="https://twelvedata.com",
    hosts=("api.twelvedata.com",),
    requests_per_minute=8,
    licence="own use within the plan; no redistribution",
    may_republish=False,
    key_header="Authorization",
    key_scheme="apikey ",
    check=check,
    described_by=specification("https://twelvedata.com/docs#time-series"),
)

COLUMNS: Mapping[str, Column] = {
    "symbol": Column(pl.String, "Twelve Data symbol", "Instrument, such as SPY or XAU/USD."),
    "trade_date": Column(pl.Date, "trading date", "Date of the bar."),
    **{name: Column(pl.Float64, "USD", f"{name.capitalize()} of the session.", minimum=1e-6) for name in PRICES},
}


def fetch_daily_bar(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of sessions, one symbol after the other."""
    first, last = window.start.date().toordinal(), (window.end - timedelta(microseconds=1)).date().toordinal()
    for symbol in SYMBOLS:
        yield from covered(partial(_ask, session, symbol), _dates, first, last, step=LONGEST_CLOSURE_DAYS)


def _ask(session: Session, symbol: str, first: int, last: int) -> Payload:
    days = {"start_date": date.fromordinal(first).isoformat(), "end_date": date.fromordinal(last).isoformat()}
    return session.get(URL, {"symbol": symbol, "interval": "1day", **days, "outputsize": MOST_ROWS})


def _dates(payload: Payload) -> list[int]:
    bars = part(strict_json(payload), "values", where=payload.url)
    return [date.fromisoformat(str(part(bar, "datetime", kind=str))).toordinal() for bar in bars]


def read_daily_bar(payload: Payload) -> Parsed:
    """One row a session."""
    check(payload)
    answer = strict_json(payload)
    symbol = part(answer, "meta", "symbol", kind=str, where=payload.url)
    records = []
    for bar in part(answer, "values", where=payload.url):
        session = bar if isinstance(bar, dict) else {}
        records.append({"symbol": symbol, "trade_date": session.get("datetime"), **_prices(session)})
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="trade_date")


def _prices(session: Mapping[str, object]) -> dict[str, object]:
    return {name: session[name] for name in PRICES if name in session}


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="daily_bar",
        bucket=Bucket.MACRO,
        description="Daily bars of index funds and of gold and silver in US dollars.",
        columns=COLUMNS,
        key=("symbol", "trade_date"),
        observed="trade_date",
        period=timedelta(hours=22),
        publication_lag=timedelta(0),
        fetch=fetch_daily_bar,
        read=read_daily_bar,
        calendar=Calendar.US_TRADING,
        reread=timedelta(days=7),
        may_be_empty=True,
    ),
)
