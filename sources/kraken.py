"""Kraken: daily spot candles of XBT/USD, the newest 720 days.

Published by the exchange itself; values are the exchange's, free to use through its API and not to be passed on.

Oddities: only the newest 720 bars are answered, whatever `since` says; the last one is the running bar; the result is
named by the canonical pair (XXBTZUSD) and not as it was asked for; times are seconds and prices text; errors come with
HTTP 200 in a list of texts, in which W… is only a warning.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sources.core.dataset import Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_s, part, require, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.venues import DAY, candle_dataset, cells, milliseconds, read_candles

PAIR = "XBTUSD"
CANONICAL = "XXBTZUSD"
OHLC = "https://api.kraken.com/0/public/OHLC"
BARS = 720
CANDLE = ("open_time", "open_usd", "high_usd", "low_usd", "close_usd", "vwap", "volume_btc", "count")

# What the documented errors ask of us; every other one means that the request itself was not accepted.
ERRORS: Mapping[str, Failure] = {
    "EGeneral:Too many requests": Failure.THROTTLED,
    "EAPI:Rate limit exceeded": Failure.THROTTLED,
    "EGeneral:Internal error": Failure.OUTAGE,
    "EGeneral:Temporary lockout": Failure.THROTTLED,
    "EService:Unavailable": Failure.OUTAGE,
    "EService:Busy": Failure.OUTAGE,
    "EService:Timeout": Failure.OUTAGE,
}


def check(payload: Payload) -> None:
    """Raise SourceError for a list of errors that is not empty."""
    answer = strict_json(payload)
    said = answer.get("error") if isinstance(answer, dict) else None
    errors = [error for error in said if isinstance(error, str) and error[:1] != "W"] if isinstance(said, list) else []
    if errors:
        failure = ERRORS.get(errors[0], Failure.REFUSED)
        raise SourceError(failure, f"Kraken answered with an error: {', '.join(errors)!r:.200}.")


def fetch_candles(session: Session, window: Window) -> Iterator[Payload]:
    """The bars from the window's start on; there is one page."""
    since = milliseconds(window.start) // 1000 - 1
    yield session.get(OHLC, {"pair": PAIR, "interval": DAY // timedelta(minutes=1), "since": since})


def read_bars(payload: Payload, *, pair: str = CANONICAL, period: timedelta = DAY) -> Parsed:
    """Rows of the finished bars. Raises CHANGED_LAYOUT for another pair than the canonical one."""
    check(payload)  # once more, for answers that were saved by hand
    result: Mapping[str, Any] = part(strict_json(payload), "result", kind=dict, where=payload.url)
    others = sorted(set(result) - {pair, "last"})
    require(not others, f"{payload.url} sent {', '.join(others):.80} where {pair} was expected.")
    bars = part(result, pair, where=payload.url)
    return read_candles(payload, bars, partial(_candle, payload), symbol=PAIR, period=period)


def _candle(payload: Payload, entry: object) -> Mapping[str, object]:
    bar = cells(entry, CANDLE, payload)
    return {**bar, "open_time": from_s(bar["open_time"])}


PROVIDER = Provider(
    name="kraken",
    title="Kraken",
    home="https://docs.kraken.com/api-reference",
    hosts=("api.kraken.com",),
    requests_per_minute=60,
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="kraken",
    check=check,
    described_by=specification("https://docs.kraken.com/api/docs/rest-api/get-ohlc-data"),
    recorded={
        "spot_candle_1d": "kraken/public_OHLC_XBTUSDT_1m.json",
    },
    unproven={
        "spot_candle_1d": "bars of a day (recorded are those of a minute)",
    },
)

DATASETS = (
    candle_dataset(PROVIDER, "spot_candle_1d", PAIR, period=DAY, depth=BARS * DAY, fetch=fetch_candles, read=read_bars),
)
