"""Twelve Data from `macro_1d`: gold and silver; it has no funds, so theirs are empty. Refuses a missing key."""

from datetime import timedelta

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

SERIES = {"XAU/USD": "gold", "XAG/USD": "silver"}
OUT = timedelta(hours=22)
REFUSED = {"code": 401, "message": "**apikey** parameter is incorrect or not specified.", "status": "error"}


def time_series(request: ProviderRequest) -> Response:
    """Sessions between two dates that have ended, newest first, as text."""
    if not request.headers.get("authorization", "").startswith("apikey "):
        return json_answer(REFUSED, 401)
    symbol, day = request.params.get("symbol", ""), pl.col("date")
    bars = request.market.table("macro_1d").filter(
        pl.col("series") == SERIES.get(symbol, ""),
        day.cast(pl.String) >= request.params.get("start_date", ""),
        day.cast(pl.String) <= request.params.get("end_date", "9999"),
        day.cast(pl.Datetime("us")) + OUT <= request.clock,
    )
    return json_answer(encode(symbol, bars.sort("date", descending=True)))


def encode(symbol: str, bars: pl.DataFrame) -> dict[str, object]:
    """The answer for one symbol; where a session has a close only, it stands for all four prices."""
    values = [
        {"datetime": f"{day}", **{name: f"{close if price is None else price:.5f}" for name, price in prices.items()}}
        for day, close, prices in (
            (bar["date"], bar["close"], {name: bar[name] for name in ("open", "high", "low", "close")})
            for bar in bars.iter_rows(named=True)
        )
    ]
    return {"meta": {"symbol": symbol, "interval": "1day", "currency": "USD"}, "values": values, "status": "ok"}


ROUTES: dict[str, RouteHandler] = {"GET api.twelvedata.com/time_series": time_series}
