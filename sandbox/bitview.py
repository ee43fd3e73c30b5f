"""bitview.space's wire format: series by position, and the price distribution of a day in the shape of v0.3."""

import re
from datetime import date, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.onchain import HASHPRICE, cost_basis, metric, newest_day, price_usd
from sandbox.serving import Handler, Question, json_answer

DAY_ZERO = date(2009, 1, 1)
UNKNOWN = pl.lit(None, pl.Float64)  # in no market table
SERIES = {
    "realized_loss": (pl.col("realized_loss_usd"), "Dollars"),
    "realized_profit": (pl.col("realized_profit_usd"), "Dollars"),
    "sopr": (pl.col("sopr"), "StoredF64"),
    "realized_price": (pl.col("realized_cap_usd") / pl.col("supply_btc"), "Dollars"),
    "sth_realized_price": (UNKNOWN, "Dollars"),
    "lth_realized_price": (UNKNOWN, "Dollars"),
    "hash_price_phs": (HASHPRICE, "StoredF32"),
}


def series(question: Question) -> Response:
    """`series/{name}/{index}`: values of consecutive days, the end not included; a day without a value is null."""
    name, index = question.path["name"], question.path["index"]
    if name not in SERIES or index != "day1":
        return _error(404, "not_found", f"No series '{name}' by '{index}'.")
    column, kind = SERIES[name]
    known = metric(question, column)
    after_last = newest_day(question) + timedelta(days=1)
    try:
        start, end = (date.fromisoformat(question.params.get(bound, "9999-12-31")) for bound in ("start", "end"))
    except ValueError:
        return _error(400, "invalid_request", "start and end must be dates here.")
    end = min(end, after_last)
    start = min(start, end)
    days = pl.DataFrame({"date": pl.date_range(start, end, closed="left", eager=True)})
    return json_answer(
        {
            "version": 1,
            "index": index,
            "type": kind,
            "start": (start - DAY_ZERO).days,
            "end": (end - DAY_ZERO).days,
            "stamp": f"{question.clock.isoformat(timespec='seconds')}Z",
            "data": days.join(known, on="date", how="left", maintain_order="left")["value"].to_list(),
        }
    )


def urpd(question: Question) -> Response:
    """`urpd/all/{date}`: 404 for a day that is not there."""
    day, aggregation = question.path["date"], question.params.get("agg", "raw")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day) or not re.fullmatch(r"raw|lin\d+", aggregation):
        return _error(400, "invalid_request", f"No distribution of '{day}' by '{aggregation}'.")
    width_usd = None if aggregation == "raw" else float(aggregation.removeprefix("lin"))
    buckets = cost_basis(question, date.fromisoformat(day), width_usd)
    if buckets.is_empty():
        return _error(404, "not_found", f"No distribution of {day}.")
    close = price_usd(question, date.fromisoformat(day))
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


ROUTES: dict[str, Handler] = {
    "GET bitview.space/api/series/{name}/{index}": series,
    "GET bitview.space/api/urpd/all/{date}": urpd,
}
