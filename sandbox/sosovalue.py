"""SoSoValue from `etf_flow`: the sum of all funds once the last has reported, for requests with any key.

Turnover and net assets are in no market table and are null; sums of weeks and months are not repeated.
"""

import polars as pl
from starlette.responses import Response

from sandbox.etf_flows import published_since
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer


def summary_history(request: ProviderRequest) -> Response:
    """`etfs/summary-history`: dollars, newest first."""
    if not request.headers.get("x-soso-api-key"):
        return json_answer({"code": 400101, "message": "API key is invalid."}, 401)
    if request.params.get("symbol") != "BTC" or request.params.get("country_code") != "US":
        return json_answer({"code": 400001, "message": "The stand-in has symbol BTC and country US."}, 400)
    dates = (
        request.market.table("etf_flow")
        .group_by("date", maintain_order=True)
        .agg(
            usd=(pl.col("flow_usd_m").sum() * 1e6).round(0),
            since=published_since().max(),
        )
        .with_columns(cumulative=pl.col("usd").cum_sum())
        .filter(pl.col("since") <= request.clock)
    )
    rows = [
        {
            "date": str(day),
            "total_net_inflow": usd,
            "total_value_traded": None,
            "total_net_assets": None,
            "cum_net_inflow": cumulative,
        }
        for day, usd, _, cumulative in dates.tail(int(request.params.get("limit", 50))).iter_rows()
    ]
    return json_answer({"code": 0, "message": "success", "data": rows[::-1], "details": None})


ROUTES: dict[str, RouteHandler] = {"GET openapi.sosovalue.com/openapi/v1/etfs/summary-history": summary_history}
