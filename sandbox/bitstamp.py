"""Bitstamp's candles: text, oldest first, the newest `limit` bars up to `end` whatever `start` says.

`price_history_1d` reaches further back than `price_1d`; where a market has both, the bars of `price_1d` count.
"""

import polars as pl
from starlette.responses import Response

from sandbox.bars import DAY, Row, bars, between, instant, milliseconds
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

MOST_BARS = 1000


def ohlc(request: ProviderRequest) -> Response:
    """`ohlc`: the running bar included."""
    limit = int(request.params.get("limit", 0))
    if request.params.get("step") != "86400" or not 0 < limit <= MOST_BARS:
        return json_answer({"status": "error", "reason": "Invalid parameters", "response_code": "400.002"}, 400)
    end = request.params.get("end")
    last = instant(f"{end}000") if end else None
    rows = between(_every_bar(request), "open_time", None, last).tail(limit)
    return json_answer({"data": {"ohlc": [_bar(row) for row in rows.iter_rows(named=True)], "pair": "BTC/USD"}})


def _every_bar(request: ProviderRequest) -> pl.DataFrame:
    recent = bars(request, "bitstamp", "spot", DAY)
    past = request.market.table("price_history_1d").filter(
        pl.col("venue") == "bitstamp", pl.col("market") == "spot", pl.col("open_time") <= request.clock
    )
    past = past.join(recent, on="open_time", how="anti")
    return pl.concat([past, recent.select(past.columns)]).sort("open_time")


def _bar(row: Row) -> dict[str, str]:
    prices = {name: f"{row[name]:.2f}" for name in ("close", "high", "low", "open")}
    stamp = str(milliseconds(row["open_time"]) // 1000)
    return {**prices, "timestamp": stamp, "volume": f"{row['volume_btc']:.8f}"}


ROUTES: dict[str, RouteHandler] = {"GET www.bitstamp.net/api/v2/ohlc/btcusd/": ohlc}
FED_BY: FedBy = {
    "bitstamp.spot_candle_1d": ("price_1d", "bitstamp"),
    "bitstamp.spot_history_1d": ("price_history_1d", "bitstamp"),
}
