"""blockchain.info charts from `onchain_1d`: a point a day, thinned out unless asked otherwise."""

from datetime import date, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.onchain import metric, newest_day
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

MOST_POINTS = 1_500
LATE = timedelta(days=1)
CHARTS = {
    "hash-rate": ("Hash Rate", "Hash Rate TH/s", pl.col("hashrate_ehs") * 1e6),
    "difficulty": ("Difficulty", "Difficulty", pl.col("difficulty")),
    "miners-revenue": (
        "Miners Revenue (USD)",
        "USD",
        (pl.col("issuance_btc") + pl.col("fees_btc")) * pl.col("price_usd"),
    ),
    "mvrv": ("Market Value to Realized Value", "MVRV", pl.col("mvrv")),
}


def chart(request: ProviderRequest) -> Response:
    """`charts/{name}`: from `start` over `timespan` days; a day without a figure is absent."""
    if request.path["name"] not in CHARTS:
        return json_answer({"status": "not-found"}, 404)
    name, unit, figure = CHARTS[request.path["name"]]
    start = date.fromisoformat(request.params.get("start", "2009-01-03"))
    end = start + timedelta(days=int(request.params.get("timespan", "100000days").removesuffix("days")))
    last = min(end, newest_day(request) - LATE)
    days = metric(request, figure).drop_nulls().filter(pl.col("date").is_between(start, last))
    if request.params.get("sampled") != "false" and len(days) > MOST_POINTS:
        days = days.gather_every(-(-len(days) // MOST_POINTS))
    seconds = pl.col("date").cast(pl.Datetime("us")).dt.epoch("s")
    points = days.select(x=seconds, y="value").to_dicts()
    return json_answer(
        {"status": "ok", "name": name, "unit": unit, "period": "day", "description": "", "values": points}
    )


ROUTES: dict[str, RouteHandler] = {"GET api.blockchain.info/charts/{name}": chart}
