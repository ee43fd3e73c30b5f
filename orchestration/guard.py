"""What stands in front of Dagster's web server: only its own pages may ask it, and only by POST.

Dagster's server knows no login and takes GraphQL mutations by GET from anybody, so any web page that is open in the
same browser could start runs. A page is known by three things that it cannot forge: the `Host` that the browser
believes to speak to, the `Origin` of the page, and `Sec-Fetch-Site`.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
REFUSED: Final = 403
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware. `hosts` are the names under which the server may be asked, without ports."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed, refuse the rest."""
        if scope["type"] in {"http", "websocket"} and (reason := self._refusal(scope)):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": reason})
            else:
                await PlainTextResponse(f"{reason}\n", REFUSED)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        """Why a request is refused; empty when it is not."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(f"//{host}") not in self._hosts:
            return f"Not served under the host {host!r}. Name it with `leadline up --served-as`."
        origin = headers.get("origin")
        if origin is not None and (_name(origin) not in self._hosts or urlsplit(origin).netloc != host):
            return "Pages of other sites may not ask here."
        if scope["type"] == "websocket":
            return ""
        method, path = scope["method"], scope["path"].rstrip("/")
        if method in SAFE_METHODS:
            if path.endswith("/graphql") and scope["query_string"]:
                return "GraphQL is answered to POST only."
            is_navigation = headers.get("sec-fetch-mode", "navigate") == "navigate"
            return "" if headers.get("sec-fetch-site") != "cross-site" or is_navigation else "Other sites: no."
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return "Pages of other sites may not ask here."
        if (
            path.endswith("/graphql")
            and headers.get("content-type", "").partition(";")[0].strip() != "application/json"
        ):
            return "GraphQL is answered to application/json only."
        return ""


def _name(address: str) -> str:
    """The host of an address, without port; empty when there is none."""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
