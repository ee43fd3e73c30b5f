"""Kraken Futures' wire formats: the whole funding history of PF_XBTUSD, and tickers of the moment."""

import polars as pl
from starlette.responses import Response

from sandbox.bars import Row, events
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

SYMBOL = "PF_XBTUSD"


def historical_funding_rates(request: ProviderRequest) -> Response:
    """`historical-funding-rates`: all of it, oldest first; the amount is the relative rate at the price."""
    index = request.market.table("price_1h").filter(pl.col("market") == "spot").select("open_time", price="open")
    rows = events(request, "funding", "kraken", "funding_time").join_asof(
        index, left_on="funding_time", right_on="open_time"
    )
    if request.params.get("symbol") != SYMBOL:
        rows = rows.clear()
    return _success(request, "rates", [_rate(row) for row in rows.iter_rows(named=True)])


def _rate(row: Row) -> dict[str, object]:
    amount = row["rate"] * (row["price"] or 0.0)
    stamp = f"{row['funding_time'].isoformat(timespec='seconds')}Z"
    return {"timestamp": stamp, "fundingRate": amount, "relativeFundingRate": row["rate"]}


def tickers(request: ProviderRequest) -> Response:
    """`tickers`: the linear perpetual with its open interest in bitcoin."""
    newest = events(request, "open_interest", "kraken", "time").drop_nulls().tail(1)
    return _success(request, "tickers", [_ticker(row) for row in newest.iter_rows(named=True)])


def _ticker(row: Row) -> dict[str, object]:
    mark = row["oi_usd"] / row["oi_btc"]
    return {
        "symbol": SYMBOL,
        "tag": "perpetual",
        "pair": "XBT:USD",
        "markPrice": mark,
        "openInterest": row["oi_btc"],
        "suspended": False,
        "indexPrice": mark,
        "postOnly": False,
    }


def _success(request: ProviderRequest, name: str, rows: list[dict[str, object]]) -> Response:
    time = f"{request.clock.isoformat(timespec='milliseconds')}Z"
    return json_answer({"result": "success", name: rows, "serverTime": time})


ROUTES: dict[str, RouteHandler] = {
    "GET futures.kraken.com/derivatives/api/v3/historical-funding-rates": historical_funding_rates,
    "GET futures.kraken.com/derivatives/api/v3/tickers": tickers,
}
FED_BY: FedBy = {
    "kraken_futures.funding_rate": ("funding", "kraken"),
    "kraken_futures.open_interest": ("open_interest", "kraken"),
}
