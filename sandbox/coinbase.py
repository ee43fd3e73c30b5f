"""Coinbase Exchange's candles: seconds, low before high before open, newest first, at most 300 buckets a request."""

from datetime import UTC, datetime

from starlette.responses import Response

from sandbox.bars import DAY, HOUR, bars, between, milliseconds
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

GRANULARITIES = {"3600": HOUR, "86400": DAY}
MOST_BUCKETS = 300


def candles(request: ProviderRequest) -> Response:
    """`candles`: the asked range, both ends included; without one, the newest 300 buckets."""
    if request.path["product"] != "BTC-USD":
        return json_answer({"message": "NotFound"}, 404)
    period = GRANULARITIES.get(request.params.get("granularity", ""))
    if period is None:
        return json_answer({"message": "Unsupported granularity"}, 400)
    start, end = _instant(request.params.get("start")), _instant(request.params.get("end"))
    if start and (end or request.clock) - start > MOST_BUCKETS * period:
        reason = "granularity too small for the requested time range. Count of aggregations requested exceeds 300"
        return json_answer({"message": reason}, 400)
    rows = between(bars(request, "coinbase", "spot", period), "open_time", start, end).tail(MOST_BUCKETS).reverse()
    columns = rows.select("open_time", "low", "high", "open", "close", "volume_btc")
    return json_answer([[milliseconds(time) // 1000, *map(_number, rest)] for time, *rest in columns.iter_rows()])


def _instant(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _number(value: float) -> int | float:
    """A JSON number as Coinbase writes it: whole ones without a point."""
    return int(value) if value.is_integer() else value


ROUTES: dict[str, RouteHandler] = {"GET api.exchange.coinbase.com/products/{product}/candles": candles}
