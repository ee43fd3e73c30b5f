"""Bitstamp: daily spot candles of BTC/USD, the oldest dollar market that still trades.

Bars are kept twice. `spot_candle_1d` is one venue among others, for the days that the signals are about.
`spot_history_1d` is the whole market since Mt. Gox closed, one venue alone, from which forecasts take their past paths;
it is asked from its first day on in any first run.

Published by the exchange itself; values are the exchange's, free to use through its API and not to be passed on.

Oddities: everything is text, times are seconds; at most 1 000 bars; where start, end and limit are all given, the limit
wins and the bars before `end` come, so pages go backwards by `end`. The running bar is sent without any mark.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sources.core.dataset import Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import seconds_within
from sources.core.parsing import from_s, part, require_in_some, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.venues import DAY, bars, candle_dataset, fields, read_candles, stamps_of

PAIR = "BTC/USD"
OHLC = "https://www.bitstamp.net/api/v2/ohlc/btcusd/"
PAGE = 1000
STEP = DAY // timedelta(seconds=1)
NAMES: Mapping[str, str] = {
    "open_time": "timestamp",
    "open_usd": "open",
    "high_usd": "high",
    "low_usd": "low",
    "close_usd": "close",
    "volume_btc": "volume",
}


def check(payload: Payload) -> None:
    """Raise SourceError for an error sent in place of data. One with 404 or 429 is left to its status."""
    answer = strict_json(payload)
    if isinstance(answer, dict) and answer.get("status") == "error" and payload.status in (200, 400):
        raise SourceError(Failure.REFUSED, f"Bitstamp answered with an error: {answer.get('reason')!r:.200}.")


def fetch_candles(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of bars back from the window's end to its start."""

    def ask(start: int, end: int) -> Payload:
        first, last = seconds_within(start, end)
        limit = min(PAGE, (last - first) // STEP + 1)
        return session.get(OHLC, {"step": STEP, "limit": limit, "start": first, "end": last})

    def opened(payload: Payload) -> list[int]:
        return stamps_of((fields(bar, ("timestamp",))["timestamp"] for bar in _bars(payload)), payload, from_s)

    yield from bars(ask, opened, session, window, DAY)


def read_bars(payload: Payload) -> Parsed:
    """Rows of the finished bars on a page, those before the start that was asked for left out: the limit wins over it.

    Raises CHANGED_LAYOUT for another pair.
    """
    check(payload)  # once more, for answers that were saved by hand
    start = from_s(payload.params.get("start", "0"))
    inside = [bar for bar in _bars(payload) if not _is_before(bar, start)]
    return read_candles(payload, inside, _candle, symbol=PAIR, period=DAY)


def _is_before(bar: object, start: object) -> bool:
    opened = from_s(fields(bar, ("timestamp",))["timestamp"])
    return isinstance(opened, datetime) and isinstance(start, datetime) and datetime(1971, 1, 1) < opened < start


def _candle(entry: object) -> Mapping[str, object]:
    bar = fields(entry, tuple(NAMES.values()))
    return {**{name: bar[sent] for name, sent in NAMES.items()}, "open_time": from_s(bar["timestamp"])}


def _bars(payload: Payload) -> list[Any]:
    data = part(strict_json(payload), "data", kind=dict, where=payload.url)
    pair = part(data, "pair", kind=str, where=payload.url)
    if pair != PAIR:
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sent {pair!r:.40} where {PAIR} was expected.")
    listed: list[Any] = part(data, "ohlc", where=payload.url)
    require_in_some(listed, tuple(NAMES.values()), payload.url)
    return listed


PROVIDER = Provider(
    name="bitstamp",
    title="Bitstamp",
    home="https://www.bitstamp.net/api",
    hosts=("www.bitstamp.net",),
    requests_per_minute=120,  # 10 000 in ten minutes are allowed
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="bitstamp",
    check=check,
    described_by=specification("https://www.bitstamp.net/api/#tag/Market-info"),
    recorded={
        "spot_candle_1d": "bitstamp/ohlc_btcusd_86400.json",
        "spot_history_1d": "bitstamp/ohlc_btcusd_86400.json",
    },
)

CANDLES = candle_dataset(PROVIDER, "spot_candle_1d", PAIR, period=DAY, fetch=fetch_candles, read=read_bars)
HISTORY = replace(
    CANDLES,
    name="spot_history_1d",
    description=f"Spot bars of {PAIR}, one a UTC day since April 2014; the past paths of forecasts.",
    history_from=date(2014, 4, 1),
)

DATASETS = (CANDLES, HISTORY)
