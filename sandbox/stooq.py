"""Stooq as a program sees it: HTTP 200 and a page that asks a browser for a proof of work."""

from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

PROOF_OF_WORK = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><noscript>This site requires JavaScript to verify '
    "your browser.</noscript><script>/* SHA-256 */</script></body></html>"
)


def bars(request: ProviderRequest) -> Response:
    """The same page, whatever is asked."""
    return text_answer(PROOF_OF_WORK, media_type="text/html")


ROUTES: dict[str, RouteHandler] = {"GET stooq.com/q/d/l/": bars}
