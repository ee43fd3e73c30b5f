"""US Treasury yields from `macro_1d`: one CSV a year and curve, newest day first, a day's row from 22:30 UTC on."""

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

PAGE = "home.treasury.gov/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{year}/all"
PUBLISHED = timedelta(hours=22, minutes=30)
# Curve -> series of the market table, each with its column in the file.
CURVES = {
    "daily_treasury_yield_curve": {"ust2y": "2 Yr", "ust10y": "10 Yr"},
    "daily_treasury_real_yield_curve": {"real10y": "10 YR"},
}


def rates(request: ProviderRequest) -> Response:
    """The days of one year that are out."""
    labels = CURVES.get(request.params.get("type", ""))
    if labels is None:
        return text_answer("Not Found", 404)
    rows = request.market.table("macro_1d").filter(
        pl.col("series").is_in(list(labels)),
        pl.col("date").dt.year().cast(pl.String) == request.path["year"],
        pl.col("date").cast(pl.Datetime("us")) + PUBLISHED <= request.clock,
    )
    days: dict[date, dict[str, float]] = {}
    for series, day, rate in rows.select("series", "date", "close").iter_rows():
        days.setdefault(day, {})[labels[series]] = rate
    return text_answer(encode(tuple(labels.values()), days), media_type="text/csv")


def encode(labels: tuple[str, ...], days: Mapping[date, Mapping[str, float | None]]) -> str:
    """The file of one year: quoted tenor labels, two decimals, blank for a tenor without a rate."""
    lines = ["Date," + ",".join(f'"{label}"' for label in labels)]
    for day in sorted(days, reverse=True):
        rates_of = [days[day].get(label) for label in labels]
        lines.append(",".join([f"{day:%m/%d/%Y}", *("" if rate is None else f"{rate:.2f}" for rate in rates_of)]))
    return "\n".join(lines)


ROUTES: dict[str, RouteHandler] = {f"GET {PAGE}": rates}
