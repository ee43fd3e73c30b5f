"""Yahoo Finance chart from `macro_1d`: daily bars, a trading date's from 21:00 UTC on."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

SERIES = {
    "^GSPC": "spx", "^IXIC": "ixic", "^NDX": "ndx", "^DJI": "dji", "^SOX": "sox", "^VIX": "vix",
    "GC=F": "gold", "SI=F": "silver", "DX-Y.NYB": "dxy",
}  # fmt: skip
NEW_YORK = ZoneInfo("America/New_York")
VISIBLE_FROM = timedelta(hours=21)
OPEN, CLOSE = time(9, 30), time(16)
PRICES = ("open", "high", "low", "close")


def chart(request: ProviderRequest) -> Response:
    """The bars whose session opens in [period1, period2)."""
    symbol, params = request.path["symbol"], request.params
    if symbol not in SERIES:
        error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return json_answer({"chart": {"result": None, "error": error}}, 404)
    bars = request.market.table("macro_1d").filter(
        pl.col("series") == SERIES[symbol], pl.col("date").cast(pl.Datetime("us")) + VISIBLE_FROM <= request.clock
    )
    first, last = int(params.get("period1", 0)), int(params.get("period2", 2**40))
    rows = bars.select("date", *PRICES).iter_rows()
    shown = [(day, prices) for day, *prices in rows if first <= _stamp(day, OPEN) < last]
    return json_answer(encode(symbol, shown, request.clock.date()))


def encode(symbol: str, bars: Sequence[tuple[date, Sequence[float | None]]], today: date) -> dict[str, object]:
    """The chart of daily bars (open, high, low, close), as asked on `today`; 32-bit prices, as Yahoo prints them."""
    columns = {
        name: [None if prices[i] is None else float(np.float32(prices[i] or 0)) for _, prices in bars]
        for i, name in enumerate(PRICES)
    }
    stamps = [_stamp(day, OPEN) for day, _ in bars]
    offset = _stamp(today, time(0), UTC) - _stamp(today, time(0))
    zone = {"timezone": "EST" if offset == -18_000 else "EDT", "gmtoffset": offset}
    close = columns["close"][-1] if bars else 0.0
    meta = {
        "currency": "USD", "symbol": symbol, "exchangeName": "SIM", "fullExchangeName": "Stand-in",
        "instrumentType": "INDEX", "firstTradeDate": -1325583000, "regularMarketTime": stamps[-1] if stamps else 0,
        "hasPrePostMarketData": False, **zone, "exchangeTimezoneName": NEW_YORK.key, "regularMarketPrice": close,
        "chartPreviousClose": close, "priceHint": 2,
        "currentTradingPeriod": {
            name: {**zone, "start": _stamp(today, opens), "end": _stamp(today, closes)}
            for name, opens, closes in (("pre", time(4), OPEN), ("regular", OPEN, CLOSE), ("post", CLOSE, time(20)))
        },
        "dataGranularity": "1d", "range": "", "validRanges": ["1d", "5d", "1mo", "1y", "10y", "ytd", "max"],
    }  # fmt: skip
    quote, adjusted = ({**columns, "volume": [0] * len(bars)}, {"adjclose": columns["close"]}) if bars else ({}, {})
    result = {"meta": meta} | ({"timestamp": stamps} if bars else {})
    return {"chart": {"result": [result | {"indicators": {"quote": [quote], "adjclose": [adjusted]}}], "error": None}}


def _stamp(day: date, at: time, zone: tzinfo = NEW_YORK) -> int:
    return int(datetime.combine(day, at, zone).timestamp())


ROUTES: dict[str, RouteHandler] = {"GET query1.finance.yahoo.com/v8/finance/chart/{symbol}": chart}
