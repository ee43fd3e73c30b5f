"""Cboe VIX history from `macro_1d`: one CSV with everything, a trading date's row from 16:00 UTC of the next day."""

from datetime import timedelta

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

LAG = timedelta(days=1, hours=16)


def vix_history(request: ProviderRequest) -> Response:
    """Ascending dates, six decimals; open, high and low repeat the close where there is nothing else."""
    rows = request.market.table("macro_1d").filter(
        pl.col("series") == "vix", pl.col("date").cast(pl.Datetime("us")) + LAG <= request.clock
    )
    lines = ["DATE,OPEN,HIGH,LOW,CLOSE"]
    for day, *prices in rows.select("date", "open", "high", "low", "close").iter_rows():
        lines.append(",".join([f"{day:%m/%d/%Y}", *(f"{prices[3] if p is None else p:.6f}" for p in prices)]))
    return text_answer("\n".join(lines) + "\n", media_type="text/csv")


ROUTES: dict[str, RouteHandler] = {"GET cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv": vix_history}
