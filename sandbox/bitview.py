"""bitview.space's wire format: series by position, and the price distribution of a day in the shape of v0.3."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.onchain import HASHPRICE, cost_basis, metric, newest_day, price_usd
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

DAY_ZERO = date(2009, 1, 1)
UNKNOWN = pl.lit(None, pl.Float64)  # in no market table
SERIES = {
    "realized_loss_sum_24h": (pl.col("realized_loss_usd"), "Dollars"),
    "realized_profit_sum_24h": (pl.col("realized_profit_usd"), "Dollars"),
    "sopr_24h": (pl.col("sopr"), "StoredF32"),
    "realized_price": (pl.col("realized_cap_usd") / pl.col("supply_btc"), "Dollars"),
    "sth_realized_price": (UNKNOWN, "Dollars"),
    "lth_realized_price": (UNKNOWN, "Dollars"),
    "hash_price_phs": (HASHPRICE, "StoredF32"),
}


# Exist by block height alone; by day the server refuses them.
BY_HEIGHT_ONLY = ("realized_loss", "realized_profit", "sopr")
AGGREGATIONS = ("raw", "lin200", "lin500", "lin1000")  # of the server's, those that buckets of one width can make
RANGE = {"start", "end", "limit", "format"}


def series(request: ProviderRequest) -> Response:
    """`series/{name}/{index}`: values of consecutive days, the end not included; a day without a value is null."""
    name, index = request.path["name"], request.path["index"]
    if index not in ("day1", "height"):
        return _error(400, "invalid_request", f"Unknown index '{index}'.")
    if name in BY_HEIGHT_ONLY or (name in SERIES and index == "height"):
        return _error(400, "series_unsupported_index", f"The stand-in has no series '{name}' by '{index}'.")
    if name not in SERIES:
        return _error(404, "series_not_found", f"No series '{name}'.")
    if unknown := set(request.params) - RANGE:
        return _error(400, "invalid_request", f"Unknown parameters: {', '.join(sorted(unknown))}.")
    try:
        start, end = _range(request.params, newest_day(request) + timedelta(days=1))
    except ValueError:
        return _error(400, "invalid_request", "start and end are positions or dates, limit is a number.")
    column, kind = SERIES[name]
    days = pl.DataFrame({"date": pl.date_range(start, end, closed="left", eager=True)})
    values = days.join(metric(request, column), on="date", how="left", maintain_order="left")["value"]
    return json_answer(
        {
            "version": 1,
            "index": index,
            "type": kind,
            "start": (start - DAY_ZERO).days,
            "end": (end - DAY_ZERO).days,
            "stamp": f"{request.clock.isoformat(timespec='seconds')}Z",
            "data": values.to_list(),
        }
    )


def _range(params: Mapping[str, str], after_last: date) -> tuple[date, date]:
    """The days asked for, the end not included. Negative positions count from the end; a limit counts without an end.

    Raises ValueError for what is neither a position nor a date.
    """

    def day(text: str) -> date:
        if re.fullmatch(r"-?\d+", text):
            position = int(text)
            return (after_last if position < 0 else DAY_ZERO) + timedelta(days=position)
        return date.fromisoformat(text[:10])

    start = day(params.get("start", "0"))
    end = day(params["end"]) if "end" in params else after_last
    if "limit" in params and "end" not in params:
        end = min(end, start + timedelta(days=int(params["limit"])))
    end = min(end, after_last)
    return min(start, end), end


def urpd(request: ProviderRequest) -> Response:
    """`urpd/all/{date}`: 404 for a day that is not there."""
    day, aggregation = request.path["date"], request.params.get("agg", "raw")
    if unknown := set(request.params) - {"agg"}:
        return _error(400, "invalid_request", f"Unknown parameters: {', '.join(sorted(unknown))}.")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day) or aggregation not in AGGREGATIONS:
        return _error(400, "invalid_request", f"No distribution of '{day}' by '{aggregation}'.")
    width_usd = None if aggregation == "raw" else float(aggregation.removeprefix("lin"))
    buckets = cost_basis(request, date.fromisoformat(day), width_usd)
    if buckets.is_empty():
        return _error(404, "not_found", f"No distribution of {day}.")
    close = price_usd(request, date.fromisoformat(day))
    rows = buckets.select(
        price_floor="floor",
        supply="supply",
        realized_cap="cap",
        unrealized_pnl=close * pl.col("supply") - pl.col("cap"),
    )
    return json_answer(
        {
            "cohort": "all",
            "date": day,
            "aggregation": aggregation,
            "close": close,
            "total_supply": buckets["supply"].sum(),
            "buckets": rows.to_dicts(),
        }
    )


def _error(status: int, code: str, message: str) -> Response:
    return json_answer({"error": {"type": code, "code": code, "message": message}}, status)


ROUTES: dict[str, RouteHandler] = {
    "GET bitview.space/api/series/{name}/{index}": series,
    "GET bitview.space/api/series/{name}/{index}/data": series,
    "GET bitview.space/api/urpd/all/{date}": urpd,
}
