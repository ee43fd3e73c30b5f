"""The one way to ask a provider: a session with pace, patience, limits and no leaks.

Every answer is handed to `receive` before anything reads it. What comes back is either a payload that may be read or a
`SourceError` that says what a person has to do. There is no switch to turn certificate checks off, only a CA bundle.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urljoin

import requests
from requests.utils import get_environ_proxies
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from sources.core.addresses import is_own, loopback, through
from sources.core.errors import RETRYABLE, Failure, SourceError
from sources.core.pacing import Pace, pace_of
from sources.core.payload import Payload
from sources.core.provider import Provider
from sources.core.responses import KEPT_HEADERS, take_in, verdict
from sources.core.transport import DeadlineAdapter

CLOCK_HEADER = "Leadline-Clock"
JSON = ("application/json",)
SHORTEST_SECRET = 8  # characters; no provider's key is shorter
_MAX_REDIRECTS = 3


@dataclass(frozen=True)
class HttpLimits:
    """How long and how much, for one request."""

    attempts: int = 4
    backoff_s: float = 1.0  # the first pause is up to this long, each later one up to twice the one before
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0  # between two pieces of one answer
    deadline_s: float = 90.0  # one answer, from the first byte sent to the last byte received
    patience_s: float = 240.0  # all attempts together, pauses included
    max_bytes: int = 32 * 1024 * 1024


LIVE = HttpLimits()
# The stand-in is on this machine: what fails there fails for good, and nobody is served by waiting.
STAND_IN = HttpLimits(attempts=3, backoff_s=0.02, connect_timeout_s=2.0, deadline_s=30.0, patience_s=5.0)


def ignore(payload: Payload) -> None:
    """The receiver of those who keep nothing."""


def nothing_kept(url: str, params: Mapping[str, str]) -> None:
    """The memory of those who keep nothing."""


@dataclass
class HttpTraffic:
    """What a session cost so far: requests sent (repeats included) and bytes of bodies taken in."""

    requests: int = 0
    bytes: int = 0


class Session:
    """One provider's answers, live or from the stand-in upstream; not for use by several threads at once.

    `upstream` is the stand-in's loopback address and `clock` the instant it answers for; without `upstream` requests go
    to the provider itself. `kept` finds the newest landed answer to an address with parameters: what has not changed
    since, as the provider says, is not sent again. `pace` and `sleep` replace the provider's documented pace and real
    waiting. Raises ValueError for a clock without time zone or a CA bundle that is not there, and SourceError UNSAFE
    for an upstream that is not on loopback.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        key: str | None = None,
        upstream: str | None = None,
        clock: datetime | None = None,
        receive: Callable[[Payload], None] = ignore,
        kept: Callable[[str, Mapping[str, str]], Payload | None] = nothing_kept,
        ca_bundle: str | None = None,
        limits: HttpLimits | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.provider = provider
        self.upstream = None if upstream is None else loopback(upstream)
        self.clock = _aware(clock)
        if self.clock is not None and self.upstream is None:
            raise ValueError("only the stand-in upstream can answer for another instant")
        self.traffic = HttpTraffic()
        self.notes: list[str] = []  # what a person should know of answers that were taken all the same
        self._key = key or None
        # What a stand-in is given may be any word; a word must not be cut out of answers.
        self._secret = key if key and len(key) >= SHORTEST_SECRET else None
        self._receive = receive
        self._kept = kept
        self._limits = limits or (STAND_IN if self.upstream else LIVE)
        self._pace = pace or (Pace(None) if self.upstream else pace_of(provider))
        is_live = pace is None and self.upstream is None
        self._slower = {url: pace_of(provider, url) for url, _ in provider.slower if is_live}
        self._sleep = sleep
        self._client = requests.Session()
        # No .netrc, no proxy for loopback; a live request takes the environment's proxies by itself.
        self._client.trust_env = False
        self._client.verify = True if ca_bundle is None else _bundle(ca_bundle)
        self._client.mount("https://", DeadlineAdapter(self._limits.deadline_s))
        self._client.mount("http://", DeadlineAdapter(self._limits.deadline_s))
        self._client.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"})

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def now(self) -> datetime:
        """The clock's instant, else the machine's time; aware UTC."""
        return self.clock or datetime.now(UTC)

    def at(self, clock: datetime) -> "Session":
        """This session at another instant, over the same connections. Raises ValueError for a live session."""
        if self.upstream is None:
            raise ValueError("only the stand-in upstream can answer for another instant")
        other = copy(self)
        other.clock = _aware(clock)
        return other

    def note(self, what: str) -> None:
        """Say something about the answers that is no reason to refuse them."""
        self.notes.append(what)

    def kept(self, url: str, params: Mapping[str, str] | None = None) -> Payload | None:
        """The newest good answer to this address with these parameters that was landed earlier; None if there is none.

        One from after the session's instant is not known yet, and one that could not be read as data is no answer.
        """
        payload = self._kept(url, params or {})
        if payload is None or payload.fetched_at > self.now() or verdict(payload, self.provider, ("text/html",)):
            return None
        return payload

    def get(
        self,
        url: str,
        params: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[str] = JSON,
        max_bytes: int | None = None,
    ) -> Payload:
        """Ask for `url` (the provider's own https address); parameters that are None are left out.

        A web page is an error unless `accept` names text/html. Raises SourceError.
        """
        sent = {name: _text(value) for name, value in (params or {}).items() if value is not None}
        return self._ask(_Request("GET", url, sent, None, dict(headers or {}), tuple(accept), max_bytes))

    def post(
        self,
        url: str,
        body: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[str] = JSON,
        max_bytes: int | None = None,
    ) -> Payload:
        """Send a JSON body; its text stands in the payload's params as `body`. Otherwise as `get`."""
        text = json.dumps(body, separators=(",", ":"))
        asked = {**(headers or {}), "Content-Type": "application/json"}
        return self._ask(_Request("POST", url, {}, text, asked, tuple(accept), max_bytes))

    def _ask(self, request: "_Request") -> Payload:
        if self.provider.needs_key and not self._key:
            raise SourceError(Failure.NEEDS_KEY, f"{self.provider.title} needs {self.provider.key_variable}.")
        self._permit(request.url)
        if self._secret and self._secret in f"{request.url} {request.params} {request.body} {request.headers}":
            raise ValueError(
                f"the key of {self.provider.name} belongs in its header or parameter, as the session sends it, "
                "and nowhere else"
            )
        retrying = Retrying(
            stop=stop_after_attempt(self._limits.attempts) | stop_before_delay(self._limits.patience_s),
            wait=self._pause_s,
            retry=retry_if_exception(lambda error: isinstance(error, SourceError) and error.failure in RETRYABLE),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._attempt, request)

    def _pause_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.retry_after_s if isinstance(error, SourceError) else None
        backoff = wait_random_exponential(multiplier=self._limits.backoff_s)(state)
        return backoff if told is None else told + backoff

    def _attempt(self, request: "_Request") -> Payload:
        pace = self._slower.get(request.url, self._pace)
        pace.wait(self._limits.patience_s)
        before = self.kept(request.url, request.params) if request.method == "GET" else None
        payload = self._exchange(replace(request, headers={**request.headers, **_validators(before)}))
        if before is not None and payload.status == 304:
            return replace(before, fetched_at=payload.fetched_at)  # landed already: nothing to receive
        self._receive(payload)
        error = verdict(payload, self.provider, request.accept)
        if error is None:
            return payload
        if error.failure is Failure.THROTTLED:
            pace.slow_down(error.retry_after_s)
        raise replace(error, what=self._redacted(error.what))

    def _exchange(self, request: "_Request") -> Payload:
        """Send, follow the redirects that stay with the provider, and take the answer in."""
        deadline = time.monotonic() + self._limits.deadline_s
        url, params = request.url, {**request.params, **self._key_params()}
        for _ in range(_MAX_REDIRECTS + 1):
            self.traffic.requests += 1
            with self._send(request, url, params, deadline) as response:
                target = response.headers.get("location")
                if not (response.is_redirect and target):
                    return self._payload(request, response, deadline)
            url, params = urljoin(url, target), {}
            if request.method == "POST" or not is_own(url, self.provider.hosts):
                raise SourceError(Failure.MOVED, f"{request.url} redirects to {self._redacted(url.split('?')[0])}.")
        raise SourceError(Failure.MOVED, f"{request.url} redirects in a circle.")

    def _send(self, request: "_Request", url: str, params: Mapping[str, str], deadline: float) -> requests.Response:
        headers = {**request.headers, "Accept": ", ".join(request.accept)}
        if self._key and self.provider.key_header:
            headers[self.provider.key_header] = f"{self.provider.key_scheme}{self._key}"
        if self.upstream and self.clock:
            headers[CLOCK_HEADER] = self.clock.isoformat().replace("+00:00", "Z")
        try:
            return self._client.request(
                request.method,
                url if self.upstream is None else through(self.upstream, url),
                params=params,
                data=request.body,
                headers=headers,
                timeout=(self._limits.connect_timeout_s, self._limits.read_timeout_s),
                allow_redirects=False,
                proxies=None if self.upstream else get_environ_proxies(url),
                stream=True,
            )
        except requests.exceptions.SSLError:
            what = f"{request.url} has no valid certificate. Behind a company's proxy set LEADLINE_CA_BUNDLE."
        except requests.exceptions.Timeout:
            what = f"{request.url} did not answer in time."
        except requests.exceptions.RequestException as error:
            what = f"{request.url} could not be reached ({type(error).__name__})."
        if time.monotonic() >= deadline:
            raise SourceError(Failure.TOO_SLOW, f"{request.url} did not answer before the deadline.")
        raise SourceError(Failure.OUTAGE, what)

    def _key_params(self) -> dict[str, str]:
        """The key for a provider that takes it in the address only; neither errors nor payloads show it."""
        name = self.provider.key_parameter
        return {name: self._key} if name and self._key else {}

    def _payload(self, request: "_Request", response: requests.Response, deadline: float) -> Payload:
        limit = request.max_bytes or self._limits.max_bytes
        try:
            body = take_in(response, max_bytes=limit, deadline=deadline)
        except SourceError as error:
            raise replace(error, what=f"{request.url}: {error.what}") from None
        self.traffic.bytes += len(body)
        if self._secret and self._secret.encode() in body:
            body = body.replace(self._secret.encode(), b"***")  # some providers repeat a refused key in their message
        kept = {name: self._redacted(response.headers[name]) for name in KEPT_HEADERS if name in response.headers}
        params = dict(request.params) if request.body is None else {"body": request.body}
        return Payload(request.url, params, response.status_code, kept, body, self.now())

    def _permit(self, url: str) -> None:
        if not is_own(url, self.provider.hosts):
            hosts = ", ".join(self.provider.hosts)
            raise SourceError(Failure.UNSAFE, f"{self._redacted(url)} is not https on {hosts}.")

    def _redacted(self, text: str) -> str:
        return text.replace(self._secret, "***") if self._secret else text


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    params: Mapping[str, str]
    body: str | None
    headers: Mapping[str, str]
    accept: tuple[str, ...]
    max_bytes: int | None


def _validators(before: Payload | None) -> dict[str, str]:
    """Headers that ask for an answer only if it is another than the one before."""
    if before is None:
        return {}
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    kept = {name.lower(): value for name, value in before.headers.items()}
    return {asked: kept[name] for name, asked in names.items() if name in kept}


def _aware(clock: datetime | None) -> datetime | None:
    if clock is not None and clock.tzinfo is None:
        raise ValueError("the clock needs an aware instant")
    return clock.astimezone(UTC) if clock else None


def _bundle(path: str) -> str:
    if not Path(path).exists():
        raise ValueError(f"LEADLINE_CA_BUNDLE names no file or folder: {path}")
    return path


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _version() -> str:
    try:
        return version("leadline")
    except PackageNotFoundError:
        return "0"


USER_AGENT = f"Leadline/{_version()} (+https://github.com/leadline/leadline)"
