"""CFTC's reports: no market table holds them, so the page is empty."""

from starlette.responses import Response

from sandbox.provider_request import FedBy, ProviderRequest, RouteHandler, json_answer


def reports(request: ProviderRequest) -> Response:
    """A resource of the open data portal: a list of rows."""
    return json_answer([])


ROUTES: dict[str, RouteHandler] = {"GET publicreporting.cftc.gov/resource/gpe5-46if.json": reports}
FED_BY: FedBy = {"cftc.position": None}
