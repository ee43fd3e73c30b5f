"""Bybit's wire formats: funding history and open interest, newest first, numbers as text, errors with status 200."""

from datetime import datetime
from urllib.parse import parse_qs, quote

from starlette.responses import Response

from sandbox.bars import Row, between, events, instant, milliseconds, newest_first, plain
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

SYMBOL = "BTCUSDT"
ONE_SIDED_FROM = datetime(2026, 6, 11)  # from that day on `singleOpenInterest` stands beside the two-sided figure


def _envelope(request: ProviderRequest, result: object, code: int = 0, message: str = "OK") -> Response:
    time = milliseconds(request.clock)
    return json_answer({"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": time})


def _refusal(request: ProviderRequest) -> Response | None:
    if request.params.get("category") != "linear":
        return _envelope(request, {}, 10001, "params error: Category is invalid")
    if request.params.get("symbol") != SYMBOL:
        return _envelope(request, {}, 10001, "params error: symbol invalid")
    return None


def funding_history(request: ProviderRequest) -> Response:
    """`funding/history`: a start time alone is an error."""
    start, end = (instant(request.params.get(name)) for name in ("startTime", "endTime"))
    if refusal := _refusal(request):
        return refusal
    if start and not end:
        return _envelope(request, {}, 10001, "params error: startTime and endTime must be passed together")
    rows = between(events(request, "funding", "bybit", "funding_time"), "funding_time", start, end)
    page = [
        {
            "symbol": SYMBOL,
            "fundingRate": plain(row["rate"], 8),
            "fundingRateTimestamp": str(milliseconds(row["funding_time"])),
        }
        for row in newest_first(rows, min(int(request.params.get("limit", 200)), 200))
    ]
    return _envelope(request, {"category": "linear", "list": page})


def open_interest(request: ProviderRequest) -> Response:
    """`open-interest`: both sides added up; the cursor for the next page comes URL-encoded."""
    start, end = (instant(request.params.get(name)) for name in ("startTime", "endTime"))
    if refusal := _refusal(request):
        return refusal
    rows = events(request, "open_interest", "bybit", "time").drop_nulls("oi_btc")
    rows = between(rows, "time", start, end)
    if cursor := request.params.get("cursor"):
        last_seen = instant(parse_qs(cursor)["lasttime"][0] + "000")
        rows = rows.remove(rows["time"] >= last_seen)
    limit = min(int(request.params.get("limit", 50)), 200)
    page = list(newest_first(rows, limit))
    following = ""
    if len(rows) > limit:
        following = quote(f"lastid={len(rows)}&lasttime={milliseconds(page[-1]['time']) // 1000}")
    listing = [_two_sided(row, request.clock) for row in page]
    result = {"symbol": SYMBOL, "category": "linear", "list": listing, "nextPageCursor": following}
    return _envelope(request, result)


def _two_sided(row: Row, clock: datetime) -> dict[str, str]:
    single = {"singleOpenInterest": plain(row["oi_btc"], 3)} if clock >= ONE_SIDED_FROM else {}
    return {
        "openInterest": f"{row['oi_btc'] * 2:.8f}",
        **single,
        "timestamp": str(milliseconds(row["time"])),
    }


ROUTES: dict[str, RouteHandler] = {
    "GET api.bybit.com/v5/market/funding/history": funding_history,
    "GET api.bybit.com/v5/market/open-interest": open_interest,
}
