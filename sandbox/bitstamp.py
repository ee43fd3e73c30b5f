"""Bitstamp's candles: text, oldest first, the newest `limit` bars up to `end` whatever `start` says."""

from starlette.responses import Response

from sandbox.bars import DAY, Row, bars, between, instant, milliseconds
from sandbox.serving import Handler, Question, json_answer

MOST_BARS = 1000


def ohlc(question: Question) -> Response:
    """`ohlc`: the running bar included."""
    limit = int(question.params.get("limit", 0))
    if question.params.get("step") != "86400" or not 0 < limit <= MOST_BARS:
        return json_answer({"status": "error", "reason": "Invalid parameters", "response_code": "400.002"}, 400)
    end = question.params.get("end")
    last = instant(f"{end}000") if end else None
    rows = between(bars(question, "bitstamp", "spot", DAY), "open_time", None, last).tail(limit)
    return json_answer({"data": {"ohlc": [_bar(row) for row in rows.iter_rows(named=True)], "pair": "BTC/USD"}})


def _bar(row: Row) -> dict[str, str]:
    prices = {name: f"{row[name]:.2f}" for name in ("close", "high", "low", "open")}
    stamp = str(milliseconds(row["open_time"]) // 1000)
    return {**prices, "timestamp": stamp, "volume": f"{row['volume_btc']:.8f}"}


ROUTES: dict[str, Handler] = {"GET www.bitstamp.net/api/v2/ohlc/btcusd/": ohlc}
