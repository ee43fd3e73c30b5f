"""Glassnode's wire format: daily metrics and the newest cost basis, for requests with any key; errors in plain text."""

from datetime import date

import polars as pl
from starlette.responses import Response

from sandbox.onchain import cost_basis, metric, newest_day, open_interest_usd, price_usd
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer, text_answer

METRICS = {
    "indicators/realized_loss": pl.col("realized_loss_usd"),
    "indicators/realized_profit": pl.col("realized_profit_usd"),
    "indicators/net_realized_profit_loss": pl.col("realized_profit_usd") - pl.col("realized_loss_usd"),
    "indicators/sopr": pl.col("sopr"),
    "market/mvrv": pl.col("mvrv"),
    "mining/hash_rate_mean": pl.col("hashrate_ehs") * 1e18,
}


def daily(request: ProviderRequest) -> Response:
    """`{category}/{metric}`: stamps at the beginning of each day, both ends of the range included."""
    name = f"{request.path['category']}/{request.path['metric']}"
    if refusal := _refusal(request):
        return refusal
    if name == "derivatives/futures_open_interest_sum":
        values = open_interest_usd(request)
    elif name in METRICS:
        values = metric(request, METRICS[name])
    else:
        return text_answer("metric not found", 404)
    seconds = pl.col("date").cast(pl.Datetime("us")).dt.epoch("s")
    rows = values.select(t=seconds, v="value")
    since, until = (int(request.params.get(bound, default)) for bound, default in (("s", 0), ("u", 2**40)))
    return json_answer(rows.filter(pl.col("t").is_between(since, until)).to_dicts())


def urpd(request: ProviderRequest) -> Response:
    """`indicators/urpd_entity_adjusted`: one day, in hundredths of the all-time high."""
    if refusal := _refusal(request):
        return refusal
    known = request.market.table("cost_basis").filter(pl.col("date") <= newest_day(request))
    if known.is_empty():
        return json_answer([])
    day = known["date"][-1]
    prices = request.market.table("onchain_1d").filter(pl.col("date") <= day)["price_usd"].drop_nulls()
    high = max((known["price_high_usd"] if prices.is_empty() else prices).to_list())
    width = high / 100
    supply = {round(floor / width): supply for floor, supply, _ in cost_basis(request, day, width).iter_rows()}
    steps = range(max(supply) + 1)
    row = {
        "t": (day - date(1970, 1, 1)).days * 86_400,
        "ath_price": high,
        "current_price": price_usd(request, day),
        "total_supply": sum(supply.values()),
        "partitions": [supply.get(step, 0.0) for step in steps],
        "prices": [step * width for step in steps],
    }
    return json_answer([row])


def _refusal(request: ProviderRequest) -> Response | None:
    if not (request.headers.get("x-api-key") or request.params.get("api_key")):
        return text_answer("api key is required", 401)
    for name, allowed in (("a", "BTC"), ("i", "24h")):
        if (value := request.params.get(name)) != allowed:
            return text_answer(f"parameter {name}={value} is invalid, allowed values=[{allowed}]", 400)
    return None


ROUTES: dict[str, RouteHandler] = {
    "GET api.glassnode.com/v1/metrics/indicators/urpd_entity_adjusted": urpd,
    "GET api.glassnode.com/v1/metrics/{category}/{metric}": daily,
}
