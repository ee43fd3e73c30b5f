"""Stooq as a program meets it: HTTP 200 and a page that asks a browser for a proof of work."""

from starlette.responses import Response

from sandbox.provider_request import Handler, Question, text_answer

PROOF_OF_WORK = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><noscript>This site requires JavaScript to verify '
    "your browser.</noscript><script>/* SHA-256 */</script></body></html>"
)


def bars(question: Question) -> Response:
    """The same page, whatever is asked."""
    return text_answer(PROOF_OF_WORK, media_type="text/html")


ROUTES: dict[str, Handler] = {"GET stooq.com/q/d/l/": bars}
