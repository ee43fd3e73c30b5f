"""A stand-in for a Bitcoin Core node: answers JSON-RPC on loopback from given blocks, and can change its chain."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson

HEADER_FIELDS = ("hash", "height", "time", "mediantime", "previousblockhash")


class NodeStandIn:
    """A chain of blocks as `getblock` with verbosity 3 gives them, and who may ask.

    `blocks` begin at any height and follow each other; `below_s` are time stamps of the blocks below, by height.
    `chain` may be replaced at any time: that is a reorganisation. `requests` counts what was asked, by method.
    """

    def __init__(
        self,
        blocks: Sequence[Mapping[str, Any]],
        *,
        below_s: Mapping[int, int] | None = None,
        network: str = "simulated",
        user: str = "__cookie__",
        password: str = "stand-in",
    ) -> None:
        self.requests: dict[str, int] = {}
        self.faults: list[tuple[int, bytes]] = []  # (status, body) of the next answers, before anything is looked at
        self._allowed = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._network = network
        self._below_s = dict(below_s or {})
        self.replace_chain(blocks)

    def replace_chain(self, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Answer from these blocks from now on."""
        by_height = {block["height"]: block["hash"] for block in blocks}
        headers = {block["hash"]: {name: block.get(name) for name in HEADER_FIELDS} for block in blocks}
        for height, time_s in self._below_s.items():
            by_height.setdefault(height, f"{height:064x}")
            headers.setdefault(f"{height:064x}", {"hash": f"{height:064x}", "height": height, "time": time_s})
        self._hashes, self._headers = by_height, headers
        self._blocks = {block["hash"]: block for block in blocks}

    def answer(self, authorization: str | None, content: bytes) -> tuple[int, bytes]:
        """Status and body for one request."""
        if self.faults:
            return self.faults.pop(0)
        if authorization != self._allowed:
            return 401, b""
        asked = orjson.loads(content)
        if isinstance(asked, list):
            return 200, orjson.dumps([self._called(call) for call in asked])
        answered = self._called(asked)
        return (200 if answered["error"] is None else 500), orjson.dumps(answered)

    def _called(self, call: Mapping[str, Any]) -> dict[str, Any]:
        method, params = call["method"], call["params"]
        self._count(method)
        result: Any = None
        error: dict[str, Any] | None = None
        if method == "getblockcount":
            result = max(self._hashes)
        elif method == "getblockchaininfo":
            result = {"chain": self._network, "blocks": max(self._hashes)}
        elif method == "getblockhash" and params[0] in self._hashes:
            result = self._hashes[params[0]]
        elif method == "getblockhash":
            error = {"code": -8, "message": "Block height out of range"}
        elif method == "getblockheader" and params[0] in self._headers:
            result = self._headers[params[0]]
        elif method == "getblock" and params[0] in self._blocks:
            result = self._blocks[params[0]]
        elif method in ("getblockheader", "getblock"):
            error = {"code": -5, "message": "Block not found"}
        else:
            error = {"code": -32601, "message": "Method not found"}
        return {"result": result, "error": error, "id": call["id"]}

    def _count(self, method: str) -> None:
        self.requests[method] = self.requests.get(method, 0) + 1


@contextmanager
def serving_node(node: NodeStandIn) -> Iterator[str]:
    """The address of the stand-in, on a free loopback port, for as long as the block lasts."""

    class RpcHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status, body = node.answer(self.headers.get("Authorization"), content)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), RpcHandler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="bitcoin-core-stand-in", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
