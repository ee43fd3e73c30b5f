"""Coinbase Exchange: spot candles of BTC-USD, the dollar market beside the USDT ones.

Published by the exchange itself; values are the exchange's, free to use through its API and not to be passed on.

Oddities: times are seconds; LOW comes before HIGH before OPEN; bars run newest first; a request covers at most 300
bars; a bar in which nothing traded is missing; the running bar is sent without any mark.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sources.core.dataset import Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import seconds_within
from sources.core.parsing import from_s, part, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import pieces
from sources.core.venues import DAY, HOUR, bars, candle_dataset, cells, read_candles, stamps_of

SYMBOL = "BTC-USD"
CANDLES = f"https://api.exchange.coinbase.com/products/{SYMBOL}/candles"
MOST_BARS = 300
CANDLE = ("open_time", "low_usd", "high_usd", "open_usd", "close_usd", "volume_btc")


def check(payload: Payload) -> None:
    """Raise SourceError for an object with a message. Data is always a list, so only an object is looked into."""
    if payload.body.lstrip()[:1] == b"{":
        _refuse(strict_json(payload), payload)


def _refuse(answer: Mapping[str, Any], payload: Payload) -> None:
    # With a 404 or 429 the status says more than the message.
    if "message" in answer and payload.status in (200, 400):
        raise SourceError(Failure.REFUSED, f"Coinbase answered with an error: {answer['message']!r:.200}.")


def fetch_candles(session: Session, window: Window, *, period: timedelta) -> Iterator[Payload]:
    """Bars of the window in pieces of 300, oldest first; what is open of a short piece is asked for again."""
    end = min(window.end, session.now())
    if window.start >= end:
        return

    def ask(first: int, last: int) -> Payload:
        # Both ends are included by the exchange.
        start, end = map(_iso, seconds_within(first, last))
        params = {"granularity": period // timedelta(seconds=1), "start": start, "end": end}
        return session.get(CANDLES, params)

    def opened(payload: Payload) -> list[int]:
        return stamps_of((cells(bar, CANDLE, payload)["open_time"] for bar in _bars(payload)), payload, from_s)

    for piece in pieces(Window(window.start, end), MOST_BARS * period):
        yield from bars(ask, opened, session, piece, period)


def read_bars(payload: Payload, *, period: timedelta) -> Parsed:
    """Rows of the finished bars on a page."""
    return read_candles(payload, _bars(payload), partial(_candle, payload), symbol=SYMBOL, period=period)


def _bars(payload: Payload) -> list[Any]:
    answer = strict_json(payload)
    if isinstance(answer, dict):
        _refuse(answer, payload)
    sent: list[Any] = part(answer, where=payload.url)
    return sent


def _candle(payload: Payload, entry: object) -> Mapping[str, object]:
    bar = cells(entry, CANDLE, payload)
    return {**bar, "open_time": from_s(bar["open_time"])}


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


PROVIDER = Provider(
    name="coinbase",
    title="Coinbase Exchange",
    home="https://exchange.coinbase.com",
    hosts=("api.exchange.coinbase.com",),
    requests_per_minute=300,  # ten a second are allowed
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="coinbase",
    check=check,
    described_by=specification("https://docs.cdp.coinbase.com/exchange/reference/exchangerestapi_getproductcandles"),
    recorded={
        "spot_candle_1d": "coinbase/products_BTC-USD_candles_60.json",
        "spot_candle_1h": "coinbase/products_BTC-USD_candles_60.json",
    },
    unproven={
        "spot_candle_1d": "bars of a day (recorded are those of a minute)",
        "spot_candle_1h": "bars of an hour (recorded are those of a minute)",
    },
)

DATASETS = tuple(
    candle_dataset(
        PROVIDER,
        name,
        SYMBOL,
        period=period,
        fetch=partial(fetch_candles, period=period),
        read=partial(read_bars, period=period),
    )
    for name, period in (("spot_candle_1d", DAY), ("spot_candle_1h", HOUR))
)
