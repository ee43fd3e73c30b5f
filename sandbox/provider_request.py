"""What an encoder sees of a request, and the few kinds of answers it gives."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.responses import Response

from sandbox.market import Market


@dataclass(frozen=True)
class ProviderRequest:
    """One request to a provider, at one instant.

    `clock` is naive UTC: nothing later than it exists. `path` holds the values of the route's `{names}`; the names of
    `headers` are in lower case.
    """

    market: Market
    clock: datetime
    params: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


RouteHandler = Callable[[ProviderRequest], Response]
# Dataset -> the market table and the venue in it that feed it; None: no table does.
FedBy = Mapping[str, tuple[str, str] | None]


def json_answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Compact JSON; refuses NaN and infinity, which no provider sends."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Response(body, status, headers, media_type="application/json")


def text_answer(
    content: str, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "text/plain"
) -> Response:
    """Text in UTF-8: CSV, HTML or a provider's plain error message."""
    return Response(content, status, headers, media_type=media_type)
