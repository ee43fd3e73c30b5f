"""BitMEX's wire formats: funding of XBTUSD and its open interest at the clock; the market tables know no XBTUSDT."""

from datetime import datetime, timedelta

from starlette.responses import Response

from sandbox.bars import Row, between, events
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

SYMBOL = "XBTUSD"
PAGE = 500


def funding(request: ProviderRequest) -> Response:
    """`funding`: oldest first from the offset `start` on, at most 500."""
    rows = events(request, "funding", "bitmex", "funding_time")
    if request.params.get("symbol") != SYMBOL:
        rows = rows.clear()
    bounds = (_instant(request.params.get(name)) for name in ("startTime", "endTime"))
    start, count = int(request.params.get("start", 0)), min(int(request.params.get("count", 100)), PAGE)
    page = between(rows, "funding_time", *bounds).slice(start, count)
    return json_answer([_settlement(row) for row in page.iter_rows(named=True)])


def _settlement(row: Row) -> dict[str, object]:
    interval = timedelta(hours=row["interval_hours"])
    return {
        "timestamp": _iso(row["funding_time"]),
        "symbol": SYMBOL,
        "fundingInterval": _iso(datetime(2000, 1, 1) + interval),
        "fundingRate": row["rate"],
        "fundingRateDaily": row["rate"] * (timedelta(days=1) / interval),
    }


def instrument(request: ProviderRequest) -> Response:
    """`instrument`: the columns that were asked for, of the newest reading."""
    newest = events(request, "open_interest", "bitmex", "time").drop_nulls().tail(1)
    wanted = request.params.get("columns", "").split(",")
    answers = [_contract(row) for row in newest.iter_rows(named=True)]
    return json_answer([{name: value for name, value in answer.items() if name in wanted} for answer in answers])


def _contract(row: Row) -> dict[str, object]:
    return {
        "symbol": SYMBOL,
        "isInverse": True,
        "settlCurrency": "XBt",
        "openInterest": round(row["oi_usd"]),
        "openValue": round(row["oi_btc"] * 1e8),
        "underlyingToPositionMultiplier": None,
        "timestamp": _iso(row["time"]),
    }


def _iso(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _instant(text: str | None) -> datetime | None:
    return None if not text else datetime.fromisoformat(text).replace(tzinfo=None)


ROUTES: dict[str, RouteHandler] = {
    "GET www.bitmex.com/api/v1/funding": funding,
    "GET www.bitmex.com/api/v1/instrument": instrument,
}
FED_BY: FedBy = {
    "bitmex.funding_rate": ("funding", "bitmex"),
    "bitmex.open_interest": ("open_interest", "bitmex"),
}
