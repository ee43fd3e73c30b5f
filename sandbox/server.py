"""The stand-in upstream as a local HTTP server.

`/{host}/{path}` answers as `https://{host}/{path}` would have answered at the instant that the request's
`Leadline-Clock` header names; without it, at the newest time of the market tables. It listens on loopback only.
"""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.market import Market, naive_utc
from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer
from sandbox.routes import all_routes
from sandbox.unfed_datasets import without

LOOPBACK = "127.0.0.1"
CLOCK_HEADER = "leadline-clock"
# Hosts of plain files behind a content network, which say whether a file has changed.
OFFERS_ETAGS = frozenset({"cdn.cboe.com", "data.binance.vision", "raw.githubusercontent.com"})


@dataclass(frozen=True)
class LoggedRequest:
    """One request as the stand-in saw it. `clock` is the header's text, None where it was absent."""

    method: str
    host: str
    path: str
    params: Mapping[str, str]
    clock: str | None
    status: int
    user_agent: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class RunningServer:
    """A stand-in that listens: where, and what it was asked so far."""

    base_url: str
    market: Market
    requests: list[LoggedRequest]


def application(
    market: Market,
    *,
    faults: str | None = None,
    routes: Mapping[str, RouteHandler] | None = None,
    log: list[LoggedRequest] | None = None,
) -> Starlette:
    """The stand-in as an ASGI application.

    `routes` maps "METHOD host/path" to handlers, all providers' where none are given; `faults` is the text described
    in `sandbox.faults`, and every request is appended to `log`. Raises FaultsError for a text that is no list of them.
    """
    routes = all_routes() if routes is None else routes
    misbehave = Faults(faults or "", {_host(route) for route in routes})

    def endpoint(host: str, handler: RouteHandler) -> Callable[..., object]:
        async def answer(request: Request) -> Response:
            try:
                clock = _clock(request, market)
            except ValueError as error:
                return _logged(request, json_answer({"error": str(error)}, 400), log)
            asked = ProviderRequest(
                market=market,
                clock=clock,
                params=dict(request.query_params),
                path=request.path_params,
                headers=dict(request.headers),
                body=await request.body(),
            )
            if (broken := await misbehave.instead(host)) is not None:
                return _logged(request, broken, log)
            said = misbehave.spoil(host, await run_in_threadpool(handler, asked))
            return _logged(request, _if_changed(request, said) if host in OFFERS_ETAGS else said, log)

        return answer

    async def origin(request: Request) -> Response:
        sha256, newest, silent = await run_in_threadpool(lambda: (market.sha256, market.newest, without(market)))
        said = {"market": market.name, "sha256": sha256, "newest": f"{newest.isoformat()}Z", "without": silent}
        return json_answer(said)

    async def unknown(request: Request, error: Exception) -> Response:
        host, _, path = request.url.path.lstrip("/").partition("/")
        hint = f"The stand-in upstream has no {request.method} {host}/{path}."
        return _logged(request, json_answer({"error": hint}, 404), log)

    mounted = [Route("/leadline/origin", origin)]
    for key, handler in routes.items():
        method, _, address = key.partition(" ")
        mounted.append(Route(f"/{address}", endpoint(_host(key), handler), methods=[method]))
    return Starlette(routes=mounted, exception_handlers={404: unknown, 405: unknown})


def serve(market_folder: Path, port: int, faults: str | None = None) -> None:
    """Serve until interrupted. Port 0 takes a free one; uvicorn's log says which."""
    uvicorn.run(
        application(Market(market_folder), faults=faults),
        host=LOOPBACK,
        port=port,
        access_log=False,
        log_level="info",
    )


@contextmanager
def running(
    market_folder: Path, *, faults: str | None = None, port: int = 0, routes: Mapping[str, RouteHandler] | None = None
) -> Iterator[RunningServer]:
    """A stand-in in a thread of this process, ready when the block begins and gone when it ends."""
    log: list[LoggedRequest] = []
    market = Market(market_folder)
    app = application(market, faults=faults, routes=routes, log=log)
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", lifespan="off"))
    # A bound and listening socket accepts before the server's loop runs, so the first request waits instead of failing.
    listener = socket.create_server((LOOPBACK, port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="stand-in", daemon=True)
    thread.start()
    try:
        yield RunningServer(f"http://{LOOPBACK}:{listener.getsockname()[1]}", market, log)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _if_changed(request: Request, response: Response) -> Response:
    """The answer with its tag; 304 without a body when the client has it already."""
    if response.status_code != 200:
        return response
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    response.headers["ETag"] = tag
    return Response(status_code=304, headers={"ETag": tag}) if request.headers.get("if-none-match") == tag else response


def _host(route: str) -> str:
    return route.partition(" ")[2].partition("/")[0]


def _clock(request: Request, market: Market) -> datetime:
    """The instant to answer for, naive UTC. Raises ValueError for a header that is no UTC instant."""
    text = request.headers.get(CLOCK_HEADER)
    if text is None:
        return market.newest
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"Leadline-Clock is no instant: {text!r}. Expected one like 2026-02-07T00:20:00Z.") from None
    if instant.tzinfo is None or instant.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"Leadline-Clock is not in UTC: {text!r}. Expected one like 2026-02-07T00:20:00Z.")
    return naive_utc(instant)


def _logged(request: Request, response: Response, log: list[LoggedRequest] | None) -> Response:
    if log is not None:
        host, _, path = request.url.path.lstrip("/").partition("/")
        log.append(
            LoggedRequest(
                method=request.method,
                host=host,
                path=path,
                params=dict(request.query_params),
                clock=request.headers.get(CLOCK_HEADER),
                status=response.status_code,
                user_agent=request.headers.get("user-agent", ""),
                headers=dict(request.headers),
            )
        )
    return response
