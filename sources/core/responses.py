"""Taking in one HTTP answer safely, and saying what kind of failure an unusable one is."""

import re
import time
import zlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException

import requests
import urllib3

from sources.core.error_texts import explained
from sources.core.errors import Failure, SourceError
from sources.core.parsing import looks_like_html
from sources.core.payload import Payload
from sources.core.provider import Provider

CHUNK_BYTES = 64 * 1024
# Market data in JSON compresses 5 to 30 times; a bomb a thousand times.
MAX_RATIO = 200
RATIO_COUNTS_FROM_BYTES = 1024 * 1024
# A longer wait than this is no instruction but an error or a joke, and is treated as this long.
LONGEST_RETRY_AFTER_S = 900.0

# Of a body with an error status: `{}` and the like, of which the status says more.
SAYS_NOTHING = frozenset({Failure.NO_DATA, Failure.NOT_DATA, Failure.CHANGED_LAYOUT})

# What is kept of the headers: nothing that sets cookies or names a session.
KEPT_HEADERS = (
    "age",
    "cf-mitigated",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "server",
)

_TOO_OFTEN = re.compile(r"too (?:many|frequent)|rate.?limit", re.IGNORECASE)
_LONG_QUOTA = re.compile(r"(?:quota|monthly|daily)[^.]{0,40}(?:exceed|reach|used)|LIMIT_DAY", re.IGNORECASE)
_CHALLENGE = re.compile(r"<title>\s*(?:just a moment|attention required|access denied)", re.IGNORECASE)


def take_in(response: requests.Response, *, max_bytes: int, deadline: float) -> bytes:
    """The whole body, decompressed, read in pieces until `deadline` (monotonic seconds).

    Raises SourceError: TOO_LARGE beyond `max_bytes` received or decompressed or for a suspicious ratio, TOO_SLOW past
    the deadline, OUTAGE when cut short, NOT_DATA when compressed other than announced.
    """
    announced = response.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise SourceError(Failure.TOO_LARGE, f"The answer announces {announced} bytes; at most {max_bytes} are taken.")
    inflate = _inflater(response.headers.get("content-encoding", ""))
    received = 0
    body = bytearray()
    try:
        while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
            received += len(chunk)
            body += chunk if inflate is None else inflate.decompress(chunk, max_bytes + 1 - len(body))
            if max(received, len(body)) > max_bytes:
                raise SourceError(Failure.TOO_LARGE, f"The answer is longer than {max_bytes} bytes; reading stopped.")
            if len(body) > max(RATIO_COUNTS_FROM_BYTES, MAX_RATIO * received):
                raise SourceError(Failure.TOO_LARGE, f"{received} bytes opened to more than {MAX_RATIO} times as many.")
            _in_time(deadline, received)
        _in_time(deadline, received)
    except zlib.error:
        raise SourceError(Failure.NOT_DATA, "The body is not compressed in the way its header says.") from None
    except (urllib3.exceptions.HTTPError, HTTPException, OSError):
        raise SourceError(Failure.OUTAGE, f"The answer was cut short after {received} bytes.") from None
    if announced.isdigit() and received != int(announced):
        raise SourceError(Failure.OUTAGE, f"The answer was cut short: {received} of {announced} bytes.")
    framed = bool(announced) or "transfer-encoding" in response.headers or response.status_code in (204, 304)
    if not received and not framed:
        # The standard library takes headers that break off for headers that are complete.
        raise SourceError(Failure.OUTAGE, "The answer was cut short before its body.")
    if inflate is not None and received and not inflate.eof:
        raise SourceError(Failure.OUTAGE, f"The compressed answer was cut short after {received} bytes.")
    if inflate is not None and inflate.unused_data:
        raise SourceError(Failure.NOT_DATA, "Something follows the end of the compressed body.")
    return bytes(body)


def _in_time(deadline: float, received: int) -> None:
    if time.monotonic() > deadline:
        raise SourceError(Failure.TOO_SLOW, f"Only {received} bytes had come when the deadline ran out.")


def verdict(payload: Payload, provider: Provider, accept: Collection[str]) -> SourceError | None:
    """What is wrong with an answer as far as HTTP can tell; None when it may be read.

    A provider's own error code in a 4xx body says more than the status, so `provider.check` is asked first there.
    """
    excerpt = _excerpt(payload)
    if _is_challenge(payload):
        return SourceError(Failure.BLOCKED, f"{_named(payload)} is behind a bot wall (HTTP {payload.status}).")
    if payload.status == 200:
        if "text/html" not in accept and (_is_html(payload.headers) or looks_like_html(payload.body)):
            return SourceError(Failure.BLOCKED, f"{_named(payload)} sent a web page where data was expected.")
        return _checked(payload, provider)
    if 400 <= payload.status < 500 and payload.body.lstrip()[:1] in (b"{", b"["):
        said = _checked(payload, provider)
        if said is not None and said.failure not in SAYS_NOTHING:
            said.retry_after_s = said.retry_after_s or _retry_after(payload)
            return said
    failure = _failure(payload.status, excerpt, provider, is_html=_is_html(payload.headers))
    what = f"{_named(payload)} answered HTTP {payload.status}{_quoted(excerpt)}."
    return SourceError(failure, what, retry_after_s=_retry_after(payload))


def is_bot_wall(payload: Payload) -> bool:
    """Of an answer that was refused as blocked: whether it was a page for people to click, and no ban of an address."""
    return payload.status == 200 or _is_challenge(payload)


def _is_challenge(payload: Payload) -> bool:
    return "cf-mitigated" in payload.headers or _CHALLENGE.search(_excerpt(payload)) is not None


def _excerpt(payload: Payload) -> str:
    return payload.body[:4_000].decode("utf-8", "replace")


def _failure(status: int, excerpt: str, provider: Provider, *, is_html: bool) -> Failure:
    if status in (418, 429):
        return Failure.QUOTA if _LONG_QUOTA.search(excerpt) else Failure.THROTTLED
    if status == 403 and not is_html and _TOO_OFTEN.search(excerpt):
        return Failure.THROTTLED  # Bybit says "access too frequent" with the status it also uses for a region ban
    if status in (401, 403):
        return Failure.BAD_KEY if provider.needs_key and not is_html else Failure.BLOCKED
    if status == 451:
        return Failure.BLOCKED
    if status in (404, 410):
        return Failure.MOVED
    if status >= 500 or status in (206, 408, 425):
        return Failure.OUTAGE
    if status >= 400:
        return Failure.REFUSED
    return Failure.NO_DATA if status == 204 else Failure.NOT_DATA


def _retry_after(payload: Payload) -> float | None:
    """Seconds to wait as the header says, at most `LONGEST_RETRY_AFTER_S`; None when it says nothing sensible."""
    text = payload.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else _until(text)
    except (TypeError, ValueError):
        return None
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds >= 0 else None


def _until(http_date: str) -> float:
    moment = parsedate_to_datetime(http_date)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _checked(payload: Payload, provider: Provider) -> SourceError | None:
    if provider.check is None:
        return None
    try:
        provider.check(payload)
    except SourceError as error:
        return explained(error, payload)
    return None


def _inflater(encoding: str) -> "zlib._Decompress | None":
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    if encoding == "deflate":
        return zlib.decompressobj()
    raise SourceError(Failure.NOT_DATA, f"The body is compressed as {encoding[:40]!r}, which was not asked for.")


def _is_html(headers: Mapping[str, str]) -> bool:
    return "html" in headers.get("content-type", "").lower()


def _named(payload: Payload) -> str:
    return payload.url.split("?")[0]


def _quoted(excerpt: str) -> str:
    """The beginning of a short, readable error body; nothing of a web page."""
    text = " ".join(excerpt.split())
    readable = "".join(character for character in text if character.isprintable())[:200]
    return f": {readable}" if readable and not readable.startswith("<") else ""
