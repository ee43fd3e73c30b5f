"""Hyperliquid's one address: hourly funding and the contexts of its coins, told apart by the body of the request."""

import json

from starlette.responses import Response

from sandbox.bars import Row, between, events, instant, milliseconds, plain
from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer

PAGE = 500


def info(request: ProviderRequest) -> Response:
    """`fundingHistory` oldest first, `metaAndAssetCtxs` as two lists; anything else is refused with 422."""
    asked = json.loads(request.body or b"{}")
    if asked.get("type") == "fundingHistory" and asked.get("coin") == "BTC":
        bounds = (instant(str(asked.get(name, ""))) for name in ("startTime", "endTime"))
        rows = between(events(request, "funding", "hyperliquid", "funding_time"), "funding_time", *bounds)
        return json_answer([_hour(row) for row in rows.head(PAGE).iter_rows(named=True)])
    if asked.get("type") == "metaAndAssetCtxs":
        newest = events(request, "open_interest", "hyperliquid", "time").drop_nulls("oi_btc").tail(1)
        universe = [{"szDecimals": 5, "name": "BTC", "maxLeverage": 40, "marginTableId": 56}] * len(newest)
        return json_answer([{"universe": universe}, [_context(row) for row in newest.iter_rows(named=True)]])
    return Response("Failed to deserialize the JSON body into the target type", 422)


def _hour(row: Row) -> dict[str, object]:
    rate = plain(row["rate"], 10)
    return {"coin": "BTC", "fundingRate": rate, "premium": "0.0", "time": milliseconds(row["funding_time"])}


def _context(row: Row) -> dict[str, object]:
    """The market tables know open interest and its dollars; everything else of a context is left at the mark or 0."""
    mark = f"{(row['oi_usd'] or 0.0) / row['oi_btc']:.1f}"
    return {
        "funding": "0.0",
        "openInterest": plain(row["oi_btc"], 5),
        "prevDayPx": mark,
        "dayNtlVlm": "0.0",
        "premium": "0.0",
        "oraclePx": mark,
        "markPx": mark,
        "midPx": mark,
        "impactPxs": [mark, mark],
        "dayBaseVlm": "0.0",
    }


ROUTES: dict[str, RouteHandler] = {"POST api.hyperliquid.xyz/info": info}
FED_BY: FedBy = {
    "hyperliquid.funding_rate": ("funding", "hyperliquid"),
    "hyperliquid.open_interest": ("open_interest", "hyperliquid"),
}
