"""FRED API from `macro_1d`: the series of the graph download as JSON. Refuses a missing key."""

from datetime import date

from starlette.responses import Response

from sandbox.fred import DECIMALS, SERIES, known
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer

NO_KEY = "Bad Request.  Variable api_key is not set.  Read https://fred.stlouisfed.org/docs/api/api_key.html"
UNKNOWN = "Bad Request.  The series does not exist."


def observations(request: ProviderRequest) -> Response:
    """Dates between two dates inclusive; a missing key and an unknown series are both HTTP 400."""
    series = request.params.get("series_id", "")
    if not request.params.get("api_key") or series not in SERIES:
        message = UNKNOWN if request.params.get("api_key") else NO_KEY
        return json_answer({"error_code": 400, "error_message": message}, 400)
    first, last = request.params.get("observation_start", ""), request.params.get("observation_end", "9999")
    return json_answer(encode(series, known(request, series, first, last), request.clock.date()))


def encode(series: str, values: dict[date, float], today: date) -> dict[str, object]:
    """The answer for one series; `realtime_start` is the day of asking."""
    rows = [
        {"realtime_start": f"{today}", "realtime_end": f"{today}", "date": f"{day}", "value": _text(series, value)}
        for day, value in sorted(values.items())
    ]
    return {"realtime_start": f"{today}", "realtime_end": f"{today}", "count": len(rows), "observations": rows}


def _text(series: str, value: float) -> str:
    return f"{value:.{DECIMALS.get(series, 2)}f}"


ROUTES: dict[str, RouteHandler] = {"GET api.stlouisfed.org/fred/series/observations": observations}
