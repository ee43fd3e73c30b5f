"""CoinGlass's wire format: daily bars of `aggregate` open interest and liquidations, for requests with any key."""

from datetime import datetime, time

import polars as pl
from starlette.responses import Response

from sandbox.bars import DAY, HOUR, between, instant, milliseconds
from sandbox.etf_flows import published_since
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

MAX_ROWS = 1000


def open_interest(request: ProviderRequest) -> Response:
    """`open-interest/aggregated-history`: text, finished days only.

    A row stamped D 00:00 is the figure of the whole day D, so it must not be seen before D has ended.
    """
    if refusal := _refusal(request):
        return refusal
    figure = pl.col("oi_btc" if request.params.get("unit") == "coin" else "oi_usd")
    days = (
        request.market.table("open_interest")
        .filter(pl.col("venue") == "aggregate", figure.is_not_null())
        .group_by(pl.col("time").dt.truncate("1d"), maintain_order=True)
        .agg(figure.first().alias("open"), figure.max().alias("high"), figure.min().alias("low"), close=figure.last())
        .filter(pl.col("time") + DAY <= request.clock)
    )
    return _bars(days.with_columns(pl.exclude("time").cast(pl.String)), request)


def funding(request: ProviderRequest) -> Response:
    """`funding-rate/oi-weight-history`: text, percent per eight hours, finished days only."""
    if refusal := _refusal(request):
        return refusal
    rate = pl.col("rate") * 100 * 8 / pl.col("interval_hours")
    days = (
        request.market.table("funding")
        .filter(pl.col("venue") == "aggregate")
        .group_by(pl.col("funding_time").dt.truncate("1d").alias("time"), maintain_order=True)
        .agg(open=rate.first(), high=rate.max(), low=rate.min(), close=rate.last())
        .filter(pl.col("time") + DAY <= request.clock)
    )
    return _bars(days.with_columns(pl.exclude("time").cast(pl.String)), request)


def liquidation(request: ProviderRequest) -> Response:
    """`liquidation/aggregated-history`: numbers, the running day with what has come. Exchanges must be named."""
    if refusal := _refusal(request):
        return refusal
    if not request.params.get("exchange_list"):
        return _answer("400", "Required parameter 'exchange_list' is not present.")
    hours = request.market.table("liquidations_1h").filter(pl.col("hour") + HOUR <= request.clock)
    aggregate = hours.filter(pl.col("venue") == "aggregate")
    days = (
        (hours if aggregate.is_empty() else aggregate)
        .group_by(pl.col("hour").dt.truncate("1d").alias("time"), maintain_order=True)
        .agg(
            aggregated_long_liquidation_usd=pl.col("long_usd").sum(),
            aggregated_short_liquidation_usd=pl.col("short_usd").sum(),
        )
    )
    return _bars(days, request)


def etf_flows(request: ProviderRequest) -> Response:
    """`etf/bitcoin/flow-history`: every trading date and what its funds have reported, a fund that has not yet bare."""
    if refusal := _keyless(request):
        return refusal
    since = published_since()
    flows = request.market.table("etf_flow").sort(since, maintain_order=True).with_columns(since=since)
    flows = flows.with_columns(
        usd=pl.when(pl.col("since") <= request.clock).then((pl.col("flow_usd_m") * 1e6).round(0))
    )
    # The newest figure that stands at the clock; a date is there once one of its funds is.
    standing = flows.sort(pl.col("usd").is_not_null(), maintain_order=True).unique(["date", "fund"], keep="last")
    data = []
    for (day,), funds in standing.sort("date", "fund").group_by("date", maintain_order=True):
        listed = [
            {"etf_ticker": fund} | ({} if usd is None else {"flow_usd": usd})
            for fund, usd in funds.select("fund", "usd").iter_rows()
        ]
        if funds["usd"].count():
            stamp = {"timestamp": milliseconds(datetime.combine(day, time())), "flow_usd": funds["usd"].sum()}
            data.append(stamp | {"price_usd": None, "etf_flows": listed})
    return _answer("0", "success", data)


def _keyless(request: ProviderRequest) -> Response | None:
    return None if request.headers.get("cg-api-key") else _answer("401", "API key missing.")


def _refusal(request: ProviderRequest) -> Response | None:
    if keyless := _keyless(request):
        return keyless
    if request.params.get("symbol") != "BTC" or request.params.get("interval") != "1d":
        return _answer("400", "The stand-in has symbol BTC and interval 1d.")
    return None


def _bars(days: pl.DataFrame, request: ProviderRequest) -> Response:
    bounds: list[datetime | None] = [instant(request.params.get(name)) for name in ("start_time", "end_time")]
    limit = min(int(request.params.get("limit", MAX_ROWS)), MAX_ROWS)
    rows = between(days, "time", *bounds).tail(limit).iter_rows(named=True)
    return _answer("0", "success", [{**row, "time": milliseconds(row["time"])} for row in rows])


def _answer(code: str, message: str, data: object = None) -> Response:
    """Errors come with HTTP 200, and without data."""
    return json_answer({"code": code, "msg": message} | ({} if data is None else {"data": data}))


ROUTES: dict[str, RouteHandler] = {
    "GET open-api-v4.coinglass.com/api/etf/bitcoin/flow-history": etf_flows,
    "GET open-api-v4.coinglass.com/api/futures/open-interest/aggregated-history": open_interest,
    "GET open-api-v4.coinglass.com/api/futures/funding-rate/oi-weight-history": funding,
    "GET open-api-v4.coinglass.com/api/futures/liquidation/aggregated-history": liquidation,
}
FED_BY: FedBy = {"coinglass.funding_rate": ("funding", "aggregate")}
