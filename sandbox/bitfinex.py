"""Bitfinex's positional answers: status history of the BTC perpetual, without its key, and executed liquidations."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from sandbox.bars import HOUR, Row, between, events, instant, milliseconds
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

PERPETUAL = "tBTCF0:USTF0"


def status_history(request: ProviderRequest) -> Response:
    """`status/deriv/…/hist`: newest first unless `sort` is 1."""
    rows = events(request, "open_interest", "bitfinex", "time").drop_nulls()
    return _page(request, [_status(row) for row in between(rows, "time", *_range(request)).iter_rows(named=True)])


def _status(row: Row) -> list[object]:
    mark = row["oi_usd"] / row["oi_btc"]
    status: list[object] = [None] * 23
    status[0], status[2], status[3], status[14], status[17] = milliseconds(row["time"]), mark, mark, mark, row["oi_btc"]
    return status


def liquidations(request: ProviderRequest) -> Response:
    """`liquidations/hist`: the tables know sums of an hour, so each is one position at the price of the hour."""
    prices = request.market.table("price_1h").select("open_time", "close")
    table = request.market.table("liquidations_1h")
    hours = table.filter(table["venue"] == "bitfinex", table["hour"] + HOUR <= request.clock)
    priced = hours.join_asof(prices, left_on="hour", right_on="open_time").drop_nulls("close")
    rows = list(between(priced, "hour", *_range(request)).iter_rows(named=True))
    longs = [_execution(row, 0, row["long_usd"] / row["close"]) for row in rows if row["long_usd"]]
    shorts = [_execution(row, 1, -row["short_usd"] / row["close"]) for row in rows if row["short_usd"]]
    return _page(request, sorted(longs + shorts, key=lambda event: event[0][2]))


def _execution(row: Row, side: int, amount: float) -> list[list[Any]]:
    stamp = milliseconds(row["hour"])
    return [["pos", stamp * 2 + side, stamp, None, PERPETUAL, amount, row["close"], None, 1, 1, None, row["close"]]]


def _range(request: ProviderRequest) -> tuple[datetime | None, datetime | None]:
    return instant(request.params.get("start")), instant(request.params.get("end"))


def _page(request: ProviderRequest, rows: list[list[Any]]) -> Response:
    limit = int(request.params.get("limit", 100))
    return json_answer((rows if request.params.get("sort") == "1" else rows[::-1])[:limit])


ROUTES: dict[str, RouteHandler] = {
    "GET api-pub.bitfinex.com/v2/status/deriv/{key}/hist": status_history,
    "GET api-pub.bitfinex.com/v2/liquidations/hist": liquidations,
}
FED_BY: FedBy = {
    "bitfinex.liquidation": ("liquidations_1h", "bitfinex"),
    "bitfinex.open_interest": ("open_interest", "bitfinex"),
}
