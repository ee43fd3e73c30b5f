"""FRED graph download from `macro_1d`: one series a file, a date's value from 22:50 UTC of the next business day."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

# FRED id -> series of the market table; None = a series that FRED has and market tables do not.
SERIES = {
    "DGS2": "ust2y", "DGS10": "ust10y", "DFII10": "real10y", "SP500": "spx", "NASDAQCOM": "ixic", "NASDAQ100": "ndx",
    "DJIA": "dji", "NASDAQSOX": "sox", "VIXCLS": "vix", "DTWEXBGS": None,
}  # fmt: skip
DECIMALS = {"DTWEXBGS": 4, "DGS2": 2, "DGS10": 2, "DFII10": 2}
UNKNOWN = "<!DOCTYPE html><html><head><title>Error - St. Louis Fed</title></head><body>Not found</body></html>"


def fredgraph(request: ProviderRequest) -> Response:
    """Dates between `cosd` and `coed` inclusive, weekdays without a value empty; a web page for an unknown series."""
    series = request.params.get("id", "")
    if series not in SERIES:
        return text_answer(UNKNOWN, media_type="text/html")
    values = known(request, series, request.params.get("cosd", ""), request.params.get("coed", "9999"))
    return text_answer(encode(series, values), media_type="text/csv")


def known(request: ProviderRequest, series: str, first: str, last: str) -> dict[date, float]:
    """The values of a series between two dates that are out at the clock's instant."""
    day = pl.col("date")
    values = request.market.table("macro_1d").filter(
        pl.col("series") == (SERIES[series] or ""), day.cast(pl.String) >= first, day.cast(pl.String) <= last
    )
    return {day: close for day, close in values.select("date", "close").iter_rows() if _out(day) <= request.clock}


def encode(series: str, values: Mapping[date, float | None]) -> str:
    """The file of one series; weekdays between two dates that have no value stand there empty."""
    lines = [f"observation_date,{series}"]
    for day in pl.date_range(min(values), max(values), eager=True).to_list() if values else []:
        value = values.get(day)
        if value is not None:
            lines.append(f"{day},{value:.{DECIMALS.get(series, 2)}f}")
        elif day.weekday() < 5:
            lines.append(f"{day},")
    return "\n".join(lines) + "\n"


def _out(day: date) -> datetime:
    """The evening of the next business day."""
    return datetime.combine(day, time(22, 50)) + timedelta(days=7 - day.weekday() if day.weekday() >= 4 else 1)


ROUTES: dict[str, RouteHandler] = {"GET fred.stlouisfed.org/graph/fredgraph.csv": fredgraph}
