"""A small read-only server: the site's files, and what OpenBB Workspace asks a backend for.

Files carry an ETag, so a client that asks again with `If-None-Match` gets 304 and nothing more.
"""

from pathlib import Path
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

# Who may read across origins: OpenBB's own pages, which run in the reader's browser.
OPENBB_ORIGINS: Final = ("https://pro.openbb.co", "https://pro.openbb.dev", "http://localhost:1420")
DAY: Final = {"paramName": "signal_date", "label": "Day", "type": "date", "value": "", "show": True, "optional": True}


def application(folder: Path) -> Starlette:
    """The server over the folder of a site."""
    backend = OpenBBBackend(folder)
    return Starlette(
        routes=[
            Route("/widgets.json", backend.widgets),
            Route("/apps.json", backend.apps),
            Route("/openbb/answer", backend.answer),
            Route("/openbb/buckets", backend.buckets),
            Route("/openbb/days", backend.days),
            Route("/openbb/signal", backend.signal),
            Mount("/", StaticFiles(directory=folder, html=True)),
        ],
        middleware=[
            Middleware(CORSMiddleware, allow_origins=OPENBB_ORIGINS, allow_methods=["GET"], allow_headers=["*"]),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
    )


class OpenBBBackend:
    """Widgets of OpenBB Workspace over the site's own files: nothing here is computed a second time."""

    def __init__(self, folder: Path) -> None:
        self._api = folder / "api" / "v1"

    async def widgets(self, _: Request) -> Response:
        """What widgets there are, in OpenBB's terms."""
        signals = [signal for signal in self._read("signals")["signals"] if signal["has_history"]]
        choices = [{"label": signal["name_en"], "value": signal["signal_id"]} for signal in signals]
        signal: dict[str, Any] = {
            "paramName": "signal_id",
            "label": "Signal",
            "type": "text",
            "value": choices[0]["value"] if choices else "",
            "options": choices,
            "show": True,
        }
        return JSONResponse(
            {
                "leadline_answer": _widget("Does Bitcoin hold the level?", "markdown", "openbb/answer", [DAY], (20, 8)),
                "leadline_buckets": _widget("Seven buckets", "table", "openbb/buckets", [DAY], (40, 12)),
                "leadline_days": _widget("Every day in a line", "table", "openbb/days", [], (40, 14)),
                "leadline_signal": _widget("History of a signal", "table", "openbb/signal", [signal], (20, 14)),
            }
        )

    async def apps(self, _: Request) -> Response:
        """Ready-made layouts: none."""
        return JSONResponse([])

    async def answer(self, request: Request) -> Response:
        """The answer of a day as Markdown."""
        day = self._day(request)
        lines = [
            *(["**SIMULATED DATA — not the real market**", ""] if day["is_simulated"] else []),
            f"## {day['regime'].replace('_', ' ').capitalize()}, since {day['regime_since']}",
            "",
            f"{day['regime_means'].capitalize()}. {day['price']}.",
            "",
            f"Next condition: {day['next_condition'] or 'none, S1–S3 are all met'}. {day['signal_date']}, as known at "
            f"{day['as_known_at']}.",
        ]
        return PlainTextResponse("\n".join(lines))

    async def buckets(self, request: Request) -> Response:
        """The seven buckets of a day as rows."""
        rows = [
            {
                "bucket": bucket["bucket"],
                "state": bucket["state"],
                "signal": bucket["reading"]["signal_id"],
                "value": bucket["reading"]["value"],
                "unit": bucket["reading"]["unit"],
                "observed_date": bucket["reading"]["observed_date"],
                "to_flip": bucket["to_flip"],
            }
            for bucket in self._day(request)["buckets"]
        ]
        return JSONResponse(rows)

    async def days(self, _: Request) -> Response:
        """Every day as a row, the newest first."""
        return JSONResponse(self._read("days")["days"][::-1])

    async def signal(self, request: Request) -> Response:
        """A signal's days as rows, the newest first."""
        name = request.query_params.get("signal_id", "")
        known = {signal["signal_id"] for signal in self._read("signals")["signals"]}
        if name not in known:
            raise HTTPException(404, f"No signal is called {name!r}; api/v1/signals.json lists them.")
        data = self._read(f"signals/{name}")["data"]
        rows = [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
        return JSONResponse(rows[::-1])

    def _day(self, request: Request) -> dict[str, Any]:
        wanted = request.query_params.get("signal_date", "")
        if not wanted:
            return self._read("latest")
        if wanted not in {day["signal_date"] for day in self._read("days")["days"]}:
            raise HTTPException(404, f"There is no day {wanted!r}; api/v1/days.json lists them.")
        return self._read(f"days/{wanted}")

    def _read(self, name: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = orjson.loads((self._api / f"{name}.json").read_bytes())
        except FileNotFoundError as error:
            raise HTTPException(404, f"There is no {name}.json in this site.") from error
        return answer


def _widget(name: str, kind: str, endpoint: str, params: list[dict[str, Any]], size: tuple[int, int]) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"{name}. Leadline, from raw sources, as known at 01:00 UTC of the next day.",
        "category": "Leadline",
        "type": kind,
        "endpoint": endpoint,
        "params": params,
        "gridData": {"w": size[0], "h": size[1]},
        "source": ["Leadline"],
    }
