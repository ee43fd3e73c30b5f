"""ECB reference rates whose dollar index is that of `macro_1d` at the day's open: out at 15:00 UTC of the day.

Market tables hold no exchange rates. All rates but the dollar's keep their price in dollars; the euro takes the rest.
"""

from datetime import timedelta

import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

OUT = timedelta(hours=15)
# Units of a currency for one dollar, and the weights of the index: 50.14348112 times the product of the powers.
PER_DOLLAR = {"JPY": 152.0, "GBP": 0.75, "CAD": 1.38, "SEK": 9.6, "CHF": 0.81}
WEIGHTS = {"JPY": 0.136, "GBP": 0.119, "CAD": 0.091, "SEK": 0.042, "CHF": 0.036}
BASE, EURO_WEIGHT = 50.14348112, -0.576
HEADER = (
    "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,OBS_CONF,DECIMALS,UNIT_MULT"
)


def reference_rates(request: ProviderRequest) -> Response:
    """A block a currency in the order of the key, days ascending; nothing at all is an error, as on the site."""
    day = pl.col("date")
    first, last = request.params.get("startPeriod", ""), request.params.get("endPeriod", "9999")
    rows = request.market.table("macro_1d").filter(
        pl.col("series") == "dxy",
        pl.col("open").is_not_null(),
        day.cast(pl.Datetime("us")) + OUT <= request.clock,
        day.cast(pl.String) >= first,
        day.cast(pl.String) <= last,
    )
    if rows.is_empty():
        return text_answer("No results found.", 404)
    asked = request.path["key"].split(".")[1].split("+")
    lines = [HEADER]
    for currency in asked:
        lines += [
            f"EXR.D.{currency}.EUR.SP00.A,D,{currency},EUR,SP00,A,{date},{rate_of(currency, index):.5g},A,F,4,0"
            for date, index in rows.select("date", "open").iter_rows()
        ]
    return text_answer("\r\n".join(lines) + "\r\n", media_type="text/csv")


def rate_of(currency: str, index: float) -> float:
    """Units of a currency for one euro on a day of that dollar index."""
    others = BASE
    for name, weight in WEIGHTS.items():
        others *= PER_DOLLAR[name] ** weight
    dollars: float = (index / others) ** (1 / EURO_WEIGHT)
    return dollars * PER_DOLLAR.get(currency, 1.0)


ROUTES: dict[str, RouteHandler] = {"GET data-api.ecb.europa.eu/service/data/EXR/{key}": reference_rates}
