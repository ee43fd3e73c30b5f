"""Faults on demand: how the stand-in upstream misbehaves, host by host.

A text such as `api.binance.com=down,farside.co.uk=garbage` names a host and a fault, comma separated:

| fault | the host |
|---|---|
| `down` | answers 503 to everything |
| `garbage` | answers 200 with bytes that are no data |
| `html` | answers 200 with a bot wall's page |
| `blocked` | answers 403 with Cloudflare's challenge |
| `header` | answers as usual, with its columns renamed, or the first one missing where columns have no names |
| `truncate` | announces the whole body and sends half of it |
| `slow` | answers as usual, a second later |
| `429:3` | answers 429 three times, then as usual; any status 400-599 and count will do |
| `500` | answers with that status every time |
"""

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.provider_request import json_answer, text_answer

KINDS = ("down", "garbage", "html", "blocked", "header", "truncate", "slow")
SLOW_S = 1.0
GARBAGE = b"\x00\xff\xfe not data \x80" * 20
BOT_WALL = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


class FaultsError(ValueError):
    """A text that is no list of faults."""


@dataclass
class _Status:
    """Answers `status`, `left` more times; None = always."""

    status: int
    left: int | None

    def take(self) -> int | None:
        if self.left is None:
            return self.status
        self.left -= 1
        return self.status if self.left >= 0 else None


class Faults:
    """The faults of one run of the stand-in, parsed from their text.

    Raises FaultsError for a text that is no list of faults or names a host that is not among `hosts`.
    """

    def __init__(self, text: str, hosts: Collection[str]) -> None:
        self._faults: Mapping[str, str | _Status] = dict(_parse(item) for item in text.split(",") if item.strip())
        unknown = sorted(set(self._faults) - set(hosts))
        if unknown:
            raise FaultsError(f"The stand-in does not play {', '.join(unknown)}. It plays {', '.join(sorted(hosts))}.")

    async def instead(self, host: str) -> Response | None:
        """What the host answers without looking at the question; None = the true answer is wanted."""
        fault = self._faults.get(host)
        if isinstance(fault, _Status):
            status = fault.take()
            return None if status is None else json_answer({"error": "a fault on demand"}, status, {"Retry-After": "1"})
        if fault == "down":
            return text_answer("Service Unavailable", 503)
        if fault == "garbage":
            return Response(GARBAGE, media_type="application/octet-stream")
        if fault == "html":
            return text_answer(BOT_WALL, media_type="text/html")
        if fault == "blocked":
            return text_answer(BOT_WALL, 403, {"cf-mitigated": "challenge", "server": "cloudflare"}, "text/html")
        if fault == "slow":
            await asyncio.sleep(SLOW_S)
        return None

    def spoil(self, host: str, answer: Response) -> Response:
        """The true answer, damaged as asked."""
        fault = self._faults.get(host)
        if fault == "header":
            body = renamed(bytes(answer.body))
            return Response(body, answer.status_code, media_type=answer.headers.get("content-type"))
        if fault == "truncate":
            return _Half(answer.body, answer.status_code, media_type=answer.headers.get("content-type"))
        return answer


def _parse(item: str) -> tuple[str, str | _Status]:
    host, equals, fault = (part.strip() for part in item.partition("="))
    known = f"Known faults: {', '.join(KINDS)}, a status such as 503, or a status and a count such as 429:3."
    if not equals or not re.fullmatch(r"[a-z0-9.-]+", host):
        raise FaultsError(f"{item.strip()!r} is no fault: write host=fault. {known}")
    if fault in KINDS:
        return host, fault
    status = re.fullmatch(r"([45]\d\d)(?::(\d+))?", fault)
    if status is None:
        raise FaultsError(f"{fault!r} is no fault for {host}. {known}")
    return host, _Status(int(status[1]), int(status[2]) if status[2] else None)


def renamed(body: bytes) -> bytes:
    """The body with its columns renamed: names in JSON, header cells of a page or of CSV, else a page's classes.

    Of a zip the files in it; where the lines have no header, the first of them becomes one.
    """
    if body.startswith(b"PK"):
        return _renamed_inside(body)
    text = body.decode("utf-8-sig")
    try:
        content = json.loads(text)
    except ValueError:
        if "<th" in text:
            return re.sub(r"(<th\b[^>]*>)", r"\1Renamed ", text).encode()
        if "<html" in text:
            return text.replace('class="', 'class="renamed-').encode()
        header, end, lines = text.partition("\n")
        return (",".join(f"renamed_{name}" for name in header.split(",")) + end + lines).encode()
    return json.dumps(_renamed(content)).encode()


def _renamed_inside(body: bytes) -> bytes:
    opened = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, renamed(old.read(entry)))
    return opened.getvalue()


def _renamed(content: object) -> object:
    """Envelopes keep their names: renamed are the innermost objects, and bare rows lose their first cell."""
    if isinstance(content, dict):
        if any(map(_has_rows, content.values())):
            return {name: _renamed(value) if _has_rows(value) else value for name, value in content.items()}
        return {f"renamed_{name}": value for name, value in content.items()}
    if isinstance(content, list):
        return [_renamed(item) for item in content] if _has_rows(content) else content[1:]
    return content


def _has_rows(value: object) -> bool:
    """Whether a value is an object, or a list of objects or lists."""
    if isinstance(value, list):
        return any(isinstance(item, dict | list) for item in value)
    return isinstance(value, dict) and bool(value)


class _Half(Response):
    """An answer that announces all of its body and stops in the middle; the server then drops the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and half of the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
