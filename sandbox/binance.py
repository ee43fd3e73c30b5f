"""Binance's wire formats: spot and USD-M klines, funding rates, open interest of the last 30 days."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
from starlette.responses import Response

from sandbox.bars import DAY, HOUR, Row, bars, between, events, instant, milliseconds, turnover
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

SYMBOL = "BTCUSDT"
INTERVALS = {"1h": HOUR, "1d": DAY}
STATISTICS_DEPTH = timedelta(days=30)


def _error(code: int, message: str) -> Response:
    return json_answer({"code": code, "msg": message}, 400)


def _refusal(request: ProviderRequest) -> Response | None:
    """The error for a symbol that is missing or unknown."""
    if not request.params.get("symbol"):
        return _error(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    return None if request.params["symbol"] == SYMBOL else _error(-1121, "Invalid symbol.")


def _page(rows: pl.DataFrame, time: str, request: ProviderRequest, default: int, most: int) -> pl.DataFrame:
    """Rows of the asked range, oldest first: the first ones from a start time on, else the newest."""
    start, end = (instant(request.params.get(name)) for name in ("startTime", "endTime"))
    limit = min(int(request.params.get("limit", default)), most)
    rows = between(rows, time, start, end)
    return rows.head(limit) if start else rows.tail(limit)


def _klines(market: str, most: int, texts: Callable[[Row], tuple[str, ...]]) -> RouteHandler:
    def answer(request: ProviderRequest) -> Response:
        period = INTERVALS.get(request.params.get("interval", ""))
        if refusal := _refusal(request):
            return refusal
        if period is None:
            return _error(-1120, "Invalid interval.")
        page = _page(bars(request, "binance", market, period), "open_time", request, 500, most)
        return json_answer([_kline(row, period, texts(row)) for row in page.iter_rows(named=True)])

    return answer


def _kline(row: Row, period: timedelta, texts: tuple[str, ...]) -> list[object]:
    *prices_and_volume, quote, taker, taker_quote = texts
    open_time = milliseconds(row["open_time"])
    close_time = open_time + period // timedelta(milliseconds=1) - 1
    # The market tables do not count trades.
    return [open_time, *prices_and_volume, close_time, quote, 0, taker, taker_quote, "0"]


def _amounts(row: Row) -> tuple[float, float, float, float]:
    """Volume, quote volume, taker buys and their quote volume. The wire has no null: an unknown taker volume is 0."""
    taker = row["taker_buy_btc"] or 0.0
    price = turnover(row) / row["volume_btc"] if row["volume_btc"] else 0.0
    return row["volume_btc"], turnover(row), taker, taker * price


def spot_texts(row: Row) -> tuple[str, ...]:
    """Prices and amounts of a spot bar as Binance writes them."""
    return tuple(f"{value:.8f}" for value in (row["open"], row["high"], row["low"], row["close"], *_amounts(row)))


def perp_texts(row: Row) -> tuple[str, ...]:
    """The same of a perpetual's bar."""
    prices = (f"{row[name]:.2f}".removesuffix(".00") for name in ("open", "high", "low", "close"))
    volume, quote, taker, taker_quote = _amounts(row)
    return (*prices, f"{volume:.3f}", f"{quote:.5f}", f"{taker:.3f}", f"{taker_quote:.5f}")


def funding_rate(request: ProviderRequest) -> Response:
    """`fundingRate`: settlements, oldest first. `markPrice` is empty, as it is in Binance's own old rows."""
    if refusal := _refusal(request):
        return refusal
    page = _page(events(request, "funding", "binance", "funding_time"), "funding_time", request, 100, 1000)
    return json_answer(
        [
            {
                "symbol": SYMBOL,
                "fundingTime": milliseconds(row["funding_time"]),
                "fundingRate": f"{row['rate']:.8f}",
                "markPrice": "",
                "rateType": "Regular",
            }
            for row in page.iter_rows(named=True)
        ]
    )


def open_interest_history(request: ProviderRequest) -> Response:
    """`openInterestHist`: the last 30 days only; an older start is an invalid parameter."""
    start = instant(request.params.get("startTime"))
    oldest = request.clock - STATISTICS_DEPTH
    if refusal := _refusal(request):
        return refusal
    if start and start < oldest:
        return _error(-1130, "parameter 'startTime' is invalid.")
    on_the_period = pl.col("time").dt.truncate(request.params["period"]) == pl.col("time")
    rows = events(request, "open_interest", "binance", "time").drop_nulls("oi_btc").filter(on_the_period)
    page = _page(rows.filter(pl.col("time") >= oldest), "time", request, 30, 500)
    return json_answer(
        [
            {
                "symbol": SYMBOL,
                "sumOpenInterest": f"{row['oi_btc']:.8f}",
                "sumOpenInterestValue": f"{row['oi_usd'] or 0.0:.8f}",
                "CMCCirculatingSupply": "0.00000000",
                "timestamp": milliseconds(row["time"]),
            }
            for row in page.iter_rows(named=True)
        ]
    )


ROUTES: dict[str, RouteHandler] = {
    "GET api.binance.com/api/v3/klines": _klines("spot", 1000, spot_texts),
    "GET data-api.binance.vision/api/v3/klines": _klines("spot", 1000, spot_texts),
    "GET fapi.binance.com/fapi/v1/klines": _klines("perp", 1500, perp_texts),
    "GET fapi.binance.com/fapi/v1/fundingRate": funding_rate,
    "GET fapi.binance.com/futures/data/openInterestHist": open_interest_history,
}
