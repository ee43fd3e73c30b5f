"""BGeometrics from `onchain_1d`: text figures of days up to a week ago."""

from datetime import date, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.onchain import metric, newest_day
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

LATE = timedelta(days=7)
# Path -> name of the figure, and what it is made of.
METRICS = {
    "mvrv": ("mvrv", pl.col("mvrv")),
    "sopr": ("sopr", pl.col("sopr")),
    "realized-price": ("realizedPrice", pl.col("realized_cap_usd") / pl.col("supply_btc")),
    "nrpl-usd": ("nrplUsd", pl.col("realized_profit_usd") - pl.col("realized_loss_usd")),
}


def daily(request: ProviderRequest) -> Response:
    """`v1/{metric}`: both ends of the range included; days without a figure are absent."""
    if request.path["metric"] not in METRICS:
        return json_answer({"error": "Not Found"}, 404)
    name, figure = METRICS[request.path["metric"]]
    first, last = (request.params.get(bound, default) for bound, default in (("startday", ""), ("endday", "9999")))
    rows = metric(request, figure).drop_nulls().filter(pl.col("date") <= newest_day(request) - LATE)
    return json_answer(
        [
            {"d": str(day), "unixTs": str((day - date(1970, 1, 1)).days * 86_400), name: repr(value)}
            for day, value in rows.iter_rows()
            if first <= str(day) <= last
        ]
    )


ROUTES: dict[str, RouteHandler] = {"GET bitcoin-data.com/v1/{metric}": daily}
