"""Bitfinex's positional answers: status history of the BTC perpetual, without its key, and executed liquidations."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from sandbox.bars import HOUR, Row, between, events, instant, milliseconds
from sandbox.provider_request import Handler, Question, json_answer

PERPETUAL = "tBTCF0:USTF0"


def status_history(question: Question) -> Response:
    """`status/deriv/…/hist`: newest first unless `sort` is 1."""
    rows = events(question, "open_interest", "bitfinex", "time").drop_nulls()
    return _page(question, [_status(row) for row in between(rows, "time", *_range(question)).iter_rows(named=True)])


def _status(row: Row) -> list[object]:
    mark = row["oi_usd"] / row["oi_btc"]
    status: list[object] = [None] * 23
    status[0], status[2], status[3], status[14], status[17] = milliseconds(row["time"]), mark, mark, mark, row["oi_btc"]
    return status


def liquidations(question: Question) -> Response:
    """`liquidations/hist`: the tables know sums of an hour, so each is one position at the price of the hour."""
    prices = question.market.table("price_1h").select("open_time", "close")
    table = question.market.table("liquidations_1h")
    hours = table.filter(table["venue"] == "bitfinex", table["hour"] + HOUR <= question.clock)
    priced = hours.join_asof(prices, left_on="hour", right_on="open_time").drop_nulls("close")
    rows = list(between(priced, "hour", *_range(question)).iter_rows(named=True))
    longs = [_execution(row, 0, row["long_usd"] / row["close"]) for row in rows if row["long_usd"]]
    shorts = [_execution(row, 1, -row["short_usd"] / row["close"]) for row in rows if row["short_usd"]]
    return _page(question, sorted(longs + shorts, key=lambda event: event[0][2]))


def _execution(row: Row, side: int, amount: float) -> list[list[Any]]:
    stamp = milliseconds(row["hour"])
    return [["pos", stamp * 2 + side, stamp, None, PERPETUAL, amount, row["close"], None, 1, 1, None, row["close"]]]


def _range(question: Question) -> tuple[datetime | None, datetime | None]:
    return instant(question.params.get("start")), instant(question.params.get("end"))


def _page(question: Question, rows: list[list[Any]]) -> Response:
    limit = int(question.params.get("limit", 100))
    return json_answer((rows if question.params.get("sort") == "1" else rows[::-1])[:limit])


ROUTES: dict[str, Handler] = {
    "GET api-pub.bitfinex.com/v2/status/deriv/{key}/hist": status_history,
    "GET api-pub.bitfinex.com/v2/liquidations/hist": liquidations,
}
