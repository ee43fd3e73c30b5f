"""The Esplora routes of a stand-in: the same blocks as the node stand-in has, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson

HOST = "blockstream.info"
TRANSACTIONS_A_PAGE = 25


class EsploraStandIn:
    """A chain of blocks as `getblock` with verbosity 3 gives them, answered as Esplora does. `requests` counts."""

    def __init__(self, blocks: Sequence[Mapping[str, Any]]) -> None:
        self.requests = 0
        self._blocks = {block["hash"]: block for block in blocks}
        self._by_height = {block["height"]: block["hash"] for block in blocks}
        self._places = {tx["txid"]: block for block in blocks for tx in block["tx"]}

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path below `/blockstream.info/api`."""
        self.requests += 1
        match path.split("/"):
            case ["blocks", "tip", "height"]:
                return _text(max(self._by_height))
            case ["block-height", height] if int(height) in self._by_height:
                return _text(self._by_height[int(height)])
            case ["block", name] if name in self._blocks:
                return _json(_header(self._blocks[name]))
            case ["block", name, "txs", first] if name in self._blocks:
                transactions = self._blocks[name]["tx"]
                page = transactions[int(first) : int(first) + TRANSACTIONS_A_PAGE]
                return _json([_transaction(transaction) for transaction in page])
            case ["tx", name, "status"] if name in self._places:
                block = self._places[name]
                return _json({"confirmed": True, "block_height": block["height"], "block_time": block["time"]})
        return 404, "text/plain", b"Block not found"


@contextmanager
def serving_esplora(esplora: EsploraStandIn) -> Iterator[str]:
    """The address of the stand-in, to be used as an upstream, for as long as the block lasts."""

    class EsploraHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, kind, body = esplora.answer(self.path.removeprefix(f"/{HOST}/api/"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), EsploraHandler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="esplora-stand-in", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _header(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": block["hash"],
        "height": block["height"],
        "timestamp": block["time"],
        "tx_count": len(block["tx"]),
        "previousblockhash": block.get("previousblockhash"),
    }


def _transaction(transaction: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "txid": transaction["txid"],
        "vin": [_input(sent) for sent in transaction["vin"]],
        "vout": [_output(paid) for paid in transaction["vout"]],
    }


def _input(sent: Mapping[str, Any]) -> dict[str, Any]:
    if "coinbase" in sent:
        return {"is_coinbase": True, "prevout": None, "txid": "0" * 64, "vout": 0xFFFFFFFF}
    return {"is_coinbase": False, "prevout": _output(sent["prevout"]), "txid": sent["txid"], "vout": sent["vout"]}


def _output(paid: Mapping[str, Any]) -> dict[str, Any]:
    return {"scriptpubkey": paid["scriptPubKey"]["hex"], "value": round(paid["value"] * 100_000_000)}


def _text(value: object) -> tuple[int, str, bytes]:
    return 200, "text/plain", str(value).encode()


def _json(value: object) -> tuple[int, str, bytes]:
    return 200, "application/json", orjson.dumps(value)
