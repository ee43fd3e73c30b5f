"""Bitcoin Core over JSON-RPC: blocks with the value and creation height of every coin they spend.

The user's own node, so nobody's terms apply; the chain's data are facts. The address is
`LEADLINE_BITCOIN_RPC`, http on loopback or https anywhere; who may ask is the cookie file that the node writes at each
start (`LEADLINE_BITCOIN_COOKIE`), or `LEADLINE_BITCOIN_USER` and `LEADLINE_BITCOIN_PASSWORD`. Neither ever stands in an
address, a log or a message.

Oddities: errors come as HTTP 500 with a JSON body (404 for an unknown method, 401 without one for a wrong password, 503
while the work queue is full); -28 means that the node still warms up; amounts are bitcoin with eight decimals;
`getblock` with verbosity 3 gives `prevout` from release 25 on, and not for blocks whose undo data were pruned away.
"""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from tenacity import Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from sources.core.addresses import LOOPBACK
from sources.core.blocks import Block, read_core_block
from sources.core.errors import RETRYABLE, Failure, SourceError
from sources.core.responses import take_in
from sources.core.transport import DeadlineAdapter

MAX_BLOCK_BYTES = 128 * 1024 * 1024  # the largest block so far is under 40 MB as JSON
MAX_ANSWER_BYTES = 8 * 1024 * 1024
DEADLINE_S = 120.0
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0  # a node on a slow disk thinks about a full block for seconds
ATTEMPTS = 5

WARMING_UP = -28  # "Loading block index…": the node has just been started


@dataclass(frozen=True)
class Credentials:
    """Who asks: a cookie file, read anew for each request, or a name and password."""

    cookie: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def header(self) -> str | None:
        """The Authorization header; None when nothing is configured. Raises SourceError for an unreadable cookie."""
        if self.cookie is not None:
            try:
                pair = self.cookie.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SourceError(
                    Failure.NEEDS_KEY,
                    f"The cookie of the Bitcoin node, {self.cookie}, cannot be read ({type(error).__name__}). It is "
                    "there while the node runs; LEADLINE_BITCOIN_COOKIE names it.",
                    "bitcoin_core",
                ) from error
        elif self.user is not None and self.password is not None:
            pair = f"{self.user}:{self.password}"
        else:
            return None
        return "Basic " + b64encode(pair.encode()).decode()


class BitcoinCore:
    """One node. May be used by several threads at once; each has its own connection.

    Raises SourceError UNSAFE for an address that is neither https nor http on loopback, or holds a name or password.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials,
        *,
        ca_bundle: str | None = None,
        backoff_s: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = permitted(address)
        self._credentials = credentials
        self._verify: bool | str = True if ca_bundle is None else ca_bundle
        self._backoff_s = backoff_s
        self._sleep = sleep
        self._of_thread = threading.local()

    def tip_height(self) -> int:
        """Height of the newest block of the best chain."""
        return int(self._call("getblockcount"))

    def hash_at(self, height: int) -> str:
        """Hash of a block of the best chain. Raises SourceError REFUSED beyond the tip."""
        return str(self._call("getblockhash", height))

    def block(self, block_hash: str) -> Block:
        """A block with the coins it spends."""
        body = _call("getblock", block_hash, 3)
        content = self._retrying()(self._exchange, orjson.dumps(body), MAX_BLOCK_BYTES)
        block = read_core_block(content)
        if block.hash != block_hash:
            what = f"The node answered block {block.hash} when asked for {block_hash}."
            raise SourceError(Failure.CHANGED_LAYOUT, what, "bitcoin_core")
        return block

    def times_s(self, first: int, last: int) -> dict[int, int]:
        """Time stamps of the blocks from one height to another, both included, in two requests."""
        heights = range(first, last + 1)
        hashes = self._batch("getblockhash", [[height] for height in heights])
        headers = self._batch("getblockheader", [[block_hash] for block_hash in hashes])
        return {int(header["height"]): int(header["time"]) for header in headers}

    def network(self) -> str:
        """Which network the node follows: `main`, `test`, `signet`, `regtest`."""
        return str(self._call("getblockchaininfo")["chain"])

    def _call(self, method: str, *params: object) -> Any:
        return _result(self._asked(_call(method, *params), MAX_ANSWER_BYTES), method)

    def _batch(self, method: str, params: Sequence[Sequence[object]]) -> list[Any]:
        calls = [{**_call(method, *each), "id": number} for number, each in enumerate(params)]
        answers = self._asked(calls, MAX_BLOCK_BYTES)
        if not isinstance(answers, list) or len(answers) != len(calls):
            raise SourceError(Failure.CHANGED_LAYOUT, f"The node did not answer each {method}.", "bitcoin_core")
        in_order = sorted(answers, key=lambda answer: int(answer["id"]))
        return [_result(answer, method) for answer in in_order]

    def _asked(self, body: object, max_bytes: int) -> Any:
        content = self._retrying()(self._exchange, orjson.dumps(body), max_bytes)
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            what = f"{self.address} answered no JSON ({error}). Is it the RPC port of a Bitcoin node?"
            raise SourceError(Failure.NOT_DATA, what, "bitcoin_core") from None

    def _retrying(self) -> Retrying:
        return Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=self._backoff_s, max=30),
            retry=retry_if_exception(lambda error: isinstance(error, SourceError) and error.failure in RETRYABLE),
            sleep=self._sleep,
            reraise=True,
        )

    def _exchange(self, body: bytes, max_bytes: int) -> bytes:
        """The body of a good answer."""
        deadline = time.monotonic() + DEADLINE_S
        headers = {"Content-Type": "application/json"}
        if (secret := self._credentials.header()) is not None:
            headers["Authorization"] = secret
        try:
            with self._client().post(
                self.address,
                data=body,
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = take_in(response, max_bytes=max_bytes, deadline=deadline)
                status = response.status_code
        except SourceError as error:
            raise replace(error, dataset="bitcoin_core") from None
        except requests.exceptions.SSLError:
            what = f"{self.address} has no valid certificate. For a node's own one set LEADLINE_CA_BUNDLE."
            raise SourceError(Failure.OUTAGE, what, "bitcoin_core") from None
        except requests.exceptions.RequestException as error:
            what = f"The Bitcoin node at {self.address} could not be reached ({type(error).__name__})."
            raise SourceError(Failure.OUTAGE, what, "bitcoin_core") from None
        _require_good(content, status, self.address)
        return content

    def _client(self) -> requests.Session:
        client: requests.Session | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = requests.Session()
            client.trust_env = False  # no .netrc, no proxy between a node and its user
            client.verify = self._verify
            for scheme in ("https://", "http://"):
                client.mount(scheme, DeadlineAdapter(DEADLINE_S))
            self._of_thread.client = client
        return client


def permitted(address: str) -> str:
    """A node's address, checked. Raises SourceError UNSAFE."""
    try:
        parts = urlsplit(address)
        secret = parts.username is not None or parts.password is not None
        fine = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        fine = fine and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        fine, secret = False, False
    if secret:
        raise SourceError(
            Failure.UNSAFE,
            "LEADLINE_BITCOIN_RPC holds a name or password. Set LEADLINE_BITCOIN_COOKIE, or LEADLINE_BITCOIN_USER and "
            "LEADLINE_BITCOIN_PASSWORD, and leave them out of the address.",
            "bitcoin_core",
        )
    if not fine:
        raise SourceError(
            Failure.UNSAFE,
            "LEADLINE_BITCOIN_RPC is not an address like http://127.0.0.1:8332: a node is asked over https, or over "
            "http on this machine.",
            "bitcoin_core",
        )
    return address.rstrip("/")


def _call(method: str, *params: object) -> dict[str, object]:
    return {"jsonrpc": "1.0", "id": 0, "method": method, "params": params}


def _require_good(content: bytes, status: int, address: str) -> None:
    """Raise SourceError for an answer that says what went wrong, or is none of a Bitcoin node."""
    if status in (401, 403):
        what = f"The Bitcoin node at {address} refused the name and password."
        raise SourceError(Failure.BAD_KEY, what, "bitcoin_core")
    if status in (429, 502, 503, 504):
        what = f"The Bitcoin node at {address} is too busy (HTTP {status})."
        raise SourceError(Failure.OUTAGE, what, "bitcoin_core")
    if status == 200 and content[:1] in (b"{", b"["):
        return
    with suppress(orjson.JSONDecodeError):
        _result(orjson.loads(content), "the request")
    failure = Failure.OUTAGE if status >= 500 else Failure.NOT_DATA
    what = f"{address} answered HTTP {status} with no JSON-RPC answer. Is it the RPC port of a Bitcoin node?"
    raise SourceError(failure, what, "bitcoin_core")


def _result(answer: Any, method: str) -> Any:
    if not isinstance(answer, Mapping) or "result" not in answer:
        raise SourceError(Failure.CHANGED_LAYOUT, f"The answer to {method} is no JSON-RPC answer.", "bitcoin_core")
    error = answer.get("error")
    if error is None:
        return answer["result"]
    code, message = (error.get("code"), str(error.get("message", ""))[:200]) if isinstance(error, Mapping) else (0, "")
    advice = ""
    if "pruned" in message:
        advice = " Blocks that are pruned away cannot be read: use the public Parquet copy of the chain for history."
    failure = Failure.OUTAGE if code == WARMING_UP else Failure.REFUSED
    raise SourceError(failure, f"The node refused {method} ({code}): {message}.{advice}", "bitcoin_core")
