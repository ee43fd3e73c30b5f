"""Binance: spot and USD-M perpetual candles, funding and open interest of BTCUSDT.

Published by the exchange itself, in seconds; values are the exchange's, free to use through its API and not to be
passed on. Addresses in the United States and some clouds are refused with HTTP 451; spot candles then come from
Binance's own host for market data.

Oddities: the body of the 451 says `code` 0; candles carry the running bar; funding stamps are some milliseconds late;
`markPrice` is empty or absent in old funding rows; open interest reaches back 30 days only, and an older start is an
error. COIN-M, which counts contracts of 100 USD where this counts bitcoin, is not used.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sources.core.dataset import Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_ms, own_rows, part, require_in_some, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import pieces
from sources.core.venues import (
    CANDLE_COLUMNS,
    DAY,
    HOUR,
    MILLISECOND,
    TAKER_COLUMN,
    UNSTATED_INTERVAL,
    bars,
    candle_dataset,
    cells,
    fields,
    funding_dataset,
    open_interest_dataset,
    read_candles,
    read_funding,
    read_open_interest,
    readings,
    settlements,
    stamps_of,
)

SYMBOL = "BTCUSDT"
INTERVALS: Mapping[timedelta, str] = {DAY: "1d", HOUR: "1h"}

SPOT = "https://api.binance.com/api/v3/klines"
SPOT_MIRROR = "https://data-api.binance.vision/api/v3/klines"
SPOT_PAGE = 1000
PERP = "https://fapi.binance.com/fapi/v1/klines"
PERP_PAGE = 1500
FUNDING = "https://fapi.binance.com/fapi/v1/fundingRate"
FUNDING_PAGE = 1000
OPEN_INTEREST = "https://fapi.binance.com/futures/data/openInterestHist"
OPEN_INTEREST_PAGE = 500
OPEN_INTEREST_DEPTH = timedelta(days=30)
# The exchange's clock and ours differ, and a start a second too old is an error for the whole request.
DEPTH_MARGIN = timedelta(minutes=10)

KLINE = (
    "open_time",
    "open_usd",
    "high_usd",
    "low_usd",
    "close_usd",
    "volume_btc",
    "close_time",
    "quote_volume",
    "trades",
    "taker_buy_btc",
    "taker_buy_quote",
    "unused",
)
FUNDING_FIELDS = ("symbol", "fundingTime", "fundingRate")
OPEN_INTEREST_FIELDS = ("symbol", "sumOpenInterest", "sumOpenInterestValue", "timestamp")

# What the documented error codes ask of us; every other one means that the request itself was not accepted.
ERRORS: Mapping[int, Failure] = {
    0: Failure.BLOCKED,  # a restricted location
    -1000: Failure.OUTAGE,  # unknown error while processing
    -1001: Failure.OUTAGE,  # disconnected
    -1003: Failure.THROTTLED,  # too many requests
    -1006: Failure.OUTAGE,  # unexpected response from the message bus
    -1007: Failure.OUTAGE,  # time-out
    -1008: Failure.OUTAGE,  # overloaded
    -1016: Failure.OUTAGE,  # the service is going down
}


def check(payload: Payload) -> None:
    """Raise SourceError for an error object. Data is always a list, so only an object is looked into."""
    if payload.body.lstrip()[:1] == b"{":
        _refuse(strict_json(payload))


def _refuse(answer: Mapping[str, Any]) -> None:
    code, message = answer.get("code"), answer.get("msg", "")
    if isinstance(code, int):
        raise SourceError(ERRORS.get(code, Failure.REFUSED), f"Binance answered with error {code}: {message!r:.200}.")


def fetch_spot(session: Session, window: Window, *, period: timedelta) -> Iterator[Payload]:
    """Pages of spot candles, oldest first; from the market data host where the usual one refuses our address."""
    try:
        yield from _klines(session, window, SPOT, period, SPOT_PAGE)
    except SourceError as error:
        if error.failure is not Failure.BLOCKED:
            raise
        yield from _klines(session, window, SPOT_MIRROR, period, SPOT_PAGE)


def fetch_perp(session: Session, window: Window, *, period: timedelta) -> Iterator[Payload]:
    """Pages of perpetual candles, oldest first."""
    yield from _klines(session, window, PERP, period, PERP_PAGE)


def _klines(session: Session, window: Window, url: str, period: timedelta, limit: int) -> Iterator[Payload]:
    asked = {"symbol": SYMBOL, "interval": INTERVALS[period], "limit": limit}

    def ask(start: int, end: int) -> Payload:
        return session.get(url, {**asked, "startTime": start, "endTime": end})

    def opened(payload: Payload) -> list[int]:
        return stamps_of((cells(bar, KLINE, payload)["open_time"] for bar in _rows(payload)), payload)

    yield from bars(ask, opened, session, window, period)


def fetch_funding(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of settlements, and of the one before the window."""

    def ask(start: int, end: int) -> Payload:
        return session.get(FUNDING, {"symbol": SYMBOL, "startTime": start, "endTime": end, "limit": FUNDING_PAGE})

    def settled(payload: Payload) -> list[int]:
        return stamps_of((fields(row, FUNDING_FIELDS)["fundingTime"] for row in _rows(payload)), payload)

    yield from settlements(ask, settled, session, window)


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Hourly readings of the part of the window that the exchange still keeps; nothing when it keeps none of it."""
    start = max(window.start, session.now() - OPEN_INTEREST_DEPTH + DEPTH_MARGIN)
    end = min(window.end, session.now())
    if start >= end:
        return
    asked = {"symbol": SYMBOL, "period": "1h", "limit": OPEN_INTEREST_PAGE}

    def ask(first: int, last: int) -> Payload:
        return session.get(OPEN_INTEREST, {**asked, "startTime": first, "endTime": last})

    def read_at(payload: Payload) -> list[int]:
        return stamps_of((fields(row, OPEN_INTEREST_FIELDS)["timestamp"] for row in _rows(payload)), payload)

    # Which rows win when a range holds more than a page is not documented, so each range holds a page at most.
    for piece in pieces(Window(start, end), OPEN_INTEREST_PAGE * HOUR):
        yield from readings(ask, read_at, session, piece)


def read_klines(payload: Payload, *, period: timedelta) -> Parsed:
    """Rows of the finished bars on a page. Refused is a bar that closes after another time than a period."""
    columns = {**CANDLE_COLUMNS, **TAKER_COLUMN}
    return read_candles(
        payload, _rows(payload), partial(_kline, payload, period), symbol=SYMBOL, period=period, columns=columns
    )


def _kline(payload: Payload, period: timedelta, entry: object) -> Mapping[str, object]:
    bar = cells(entry, KLINE, payload)
    opened, closed = from_ms(bar["open_time"]), from_ms(bar["close_time"])
    if isinstance(opened, datetime) and isinstance(closed, datetime) and closed - opened + MILLISECOND != period:
        opened = f"{opened}, of a bar of {closed - opened + MILLISECOND}"
    return {**bar, "open_time": opened, "taker_buy_btc": _taker_buys(bar)}


def _taker_buys(bar: Mapping[str, Any]) -> object:
    """Taker buys; null for "none at all" in a bar that traded.

    The format has no null. Of hundreds of trades at least one was bought, so a zero there means that the figure is
    missing, as it is in our stand-in when its history has none.
    """
    missing = _is_zero(bar["taker_buy_btc"]) and not _is_zero(bar["volume_btc"])
    return None if missing else bar["taker_buy_btc"]


def _is_zero(text: object) -> bool:
    return isinstance(text, str) and text.strip("0") in ("", ".")


def read_funding_rate(payload: Payload) -> Parsed:
    """One row a settlement."""
    rows = _rows(payload)
    require_in_some(rows, FUNDING_FIELDS, payload.url)
    rows, left_out = own_rows(rows, "symbol", (SYMBOL,), payload.url)
    return read_funding(payload, rows, _settlement, UNSTATED_INTERVAL, left_out)


def _settlement(entry: object) -> Mapping[str, object]:
    record = fields(entry, FUNDING_FIELDS)
    return {
        "symbol": record["symbol"],
        "funding_time": from_ms(record["fundingTime"]),
        "funding_rate": record["fundingRate"],
    }


def read_open_interest_history(payload: Payload) -> Parsed:
    """One row an hour; `timestamp` is the end of the hour that it sums up."""
    rows = _rows(payload)
    require_in_some(rows, OPEN_INTEREST_FIELDS, payload.url)
    rows, left_out = own_rows(rows, "symbol", (SYMBOL,), payload.url)
    return read_open_interest(payload, rows, _reading, left_out)


def _reading(entry: object) -> Mapping[str, object]:
    record = fields(entry, OPEN_INTEREST_FIELDS)
    return {
        "symbol": record["symbol"],
        # A number in payloads, text in the documentation: both are read.
        "observed_at": from_ms(record["timestamp"]),
        "open_interest_btc": record["sumOpenInterest"],
        "open_interest_usd": record["sumOpenInterestValue"],
    }


def _rows(payload: Payload) -> list[Any]:
    """The list that every data answer is. Raises SourceError for an error object, CHANGED_LAYOUT for anything else."""
    answer = strict_json(payload)
    if isinstance(answer, dict):
        _refuse(answer)
    rows: list[Any] = part(answer, where=payload.url)
    return rows


PROVIDER = Provider(
    name="binance",
    title="Binance",
    home="https://www.binance.com",
    hosts=("api.binance.com", "data-api.binance.vision", "fapi.binance.com"),
    # `fundingRate` allows 500 requests in five minutes and the statistics 1 000; candles allow far more.
    requests_per_minute=100,
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="binance",
    check=check,
    described_by=specification(
        "https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api"
    ),
    recorded={
        "spot_candle_1d": "binance/api_v3_klines_BTCUSDT_1d_2019.json",
        "spot_candle_1h": "binance/api_v3_klines_BTCUSDT_1d_2019.json",
        "perp_candle_1d": "binance/fapi_v1_klines_BTCUSDT_1d_2019.json",
        "funding_rate": "binance/fapi_v1_fundingRate_BTCUSDT.json",
        "open_interest": "binance/fapi_futures_data_openInterestHist_BTCUSDT_1h.json",
    },
    unproven={
        "spot_candle_1h": "bars of an hour (recorded are those of a day)",
    },
)

DATASETS = (
    *(
        candle_dataset(
            PROVIDER,
            name,
            SYMBOL,
            period=period,
            fetch=partial(fetch, period=period),
            read=partial(read_klines, period=period),
            taker=True,
        )
        for name, period, fetch in (
            ("spot_candle_1d", DAY, fetch_spot),
            ("spot_candle_1h", HOUR, fetch_spot),
            ("perp_candle_1d", DAY, fetch_perp),
        )
    ),
    funding_dataset(
        PROVIDER,
        "Settled funding rates of the BTCUSDT perpetual.",
        fetch=fetch_funding,
        read=read_funding_rate,
        columns=UNSTATED_INTERVAL,
    ),
    open_interest_dataset(
        PROVIDER,
        "Hourly open interest of the BTCUSDT perpetual.",
        fetch=fetch_open_interest,
        read=read_open_interest_history,
        depth=OPEN_INTEREST_DEPTH - DEPTH_MARGIN,  # windows of a back-fill meet, and lose no hour between them
    ),
)
