"""Luxor's GraphQL from `onchain_1d`: a point a day, for requests with any key; errors with HTTP 200."""

import json
from datetime import timedelta

import polars as pl
from starlette.responses import Response

from sandbox.onchain import HASHPRICE, metric
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

REACH = {"_7_DAYS": 7, "_1_MONTH": 30, "_3_MONTHS": 91, "_1_YEAR": 365, "ALL": 100_000}


def graphql(request: ProviderRequest) -> Response:
    """`getHashprice`: the days of an interval, oldest first, stamped with the end of the day."""
    if not request.headers.get("x-hi-api-key"):
        return json_answer({"errors": [{"message": "API key is missing."}], "data": None})
    variables = json.loads(request.body).get("variables", {})
    if variables.get("interval") not in REACH:
        return json_answer({"errors": [{"message": "The stand-in has no such interval."}], "data": None})
    since = request.clock.date() - timedelta(days=REACH[variables["interval"]])
    prices = metric(request, "price_usd").select("date", price="value")
    days = metric(request, HASHPRICE).join(prices, on="date").drop_nulls().filter(pl.col("date") >= since)
    nodes = [
        {
            "timestamp": f"{day + timedelta(days=1)}T00:00:00+00:00",
            "usdHashprice": usd,
            "btcHashprice": usd / price,
        }
        for day, usd, price in days.tail(int(variables.get("first", 100))).iter_rows()
    ]
    return json_answer({"data": {"getHashprice": {"nodes": nodes}}})


ROUTES: dict[str, RouteHandler] = {"POST api.hashrateindex.com/graphql": graphql}
