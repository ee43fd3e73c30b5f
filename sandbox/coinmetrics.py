"""Coin Metrics from `onchain_1d`: daily metrics, a day's row from 06:00 UTC of the next day; the file a day later."""

from datetime import timedelta
from urllib.parse import urlencode

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer, text_answer

ADDRESS = "community-api.coinmetrics.io/v4/timeseries/asset-metrics"
FILE = "raw.githubusercontent.com/coinmetrics/data/master/csv/btc.csv"
LAG = timedelta(days=1, hours=6)
FILE_LAG = LAG + timedelta(days=1)

# The free metrics in the provider's units; two of them are in no market table.
METRICS = {
    "PriceUSD": pl.col("price_usd"),
    "CapMrktCurUSD": pl.col("market_cap_usd"),
    "CapMVRVCur": pl.col("mvrv"),
    "HashRate": pl.col("hashrate_ehs") * 1e6,  # TH/s
    "IssTotUSD": pl.col("issuance_btc") * pl.col("price_usd"),
    "FeeTotNtv": pl.col("fees_btc"),
    "SplyCur": pl.col("supply_btc"),
    "BlkCnt": pl.col("block_count"),
    "TxCnt": pl.lit(None),
    "AdrActCnt": pl.lit(None),
    "FlowInExUSD": pl.col("exchange_inflow_btc") * pl.col("price_usd"),
    "FlowOutExUSD": pl.col("exchange_outflow_btc") * pl.col("price_usd"),
}


def asset_metrics(request: ProviderRequest) -> Response:
    """One page of days, oldest first; without `paging_from=start` the last page."""
    params = request.params
    asked = params.get("metrics", "").split(",")
    unknown = [metric for metric in asked if metric not in METRICS]
    if unknown or params.get("assets") != "btc" or params.get("frequency") != "1d":
        message = f"Bad parameter 'metrics'. Value '{','.join(unknown)}' is not supported."
        return json_answer({"error": {"type": "bad_parameter", "message": message}}, 400)
    day = pl.col("date").cast(pl.String).alias("time")
    columns = [METRICS[metric].cast(pl.Float64).alias(metric) for metric in asked]
    values = (
        request.market.table("onchain_1d")
        .filter(pl.col("date").cast(pl.Datetime("us")) + LAG <= request.clock)
        .filter(day >= params.get("start_time", ""), day <= params.get("end_time", "9999"))
        .select(day, *columns)
        .filter(pl.any_horizontal(pl.exclude("time").is_not_null()))
    )
    rows: list[dict[str, str | None]] = [
        dict[str, str | None](asset="btc", time=f"{row.pop('time')}T00:00:00.000000000Z")
        # Figures are text. Not there yet: absent. In no market table: null on every day, so that the name is known.
        | {
            metric: None if value is None else f"{value:.15g}"
            for metric, value in row.items()
            if value is not None or not METRICS[metric].meta.root_names()
        }
        for row in values.to_dicts()
    ]
    size, first = int(params.get("page_size", 100)), int(params.get("next_page_token", 0))
    if params.get("paging_from") != "start":
        return json_answer({"data": rows[-size:]})
    page: dict[str, object] = {"data": rows[first : first + size]}
    if first + size < len(rows):
        token = {"next_page_token": str(first + size)}
        page |= token | {"next_page_url": f"https://{ADDRESS}?{urlencode({**params, **token}, safe=',')}"}
    return json_answer(page)


def file(request: ProviderRequest) -> Response:
    """The CSV of all days in the order of its columns; metrics of no market table are not among them."""
    days = request.market.table("onchain_1d").filter(pl.col("date").cast(pl.Datetime("us")) + FILE_LAG <= request.clock)
    known = {metric: values for metric, values in sorted(METRICS.items()) if values.meta.root_names()}
    table = days.select(pl.col("date").cast(pl.String).alias("time"), **known)
    return text_answer(table.write_csv(), media_type="text/plain")


ROUTES: dict[str, RouteHandler] = {f"GET {ADDRESS}": asset_metrics, f"GET {FILE}": file}
