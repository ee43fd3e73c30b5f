"""A webhook on loopback that keeps what it is sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Webhook:
    """What arrived, and the apprise address to send to; `status` is what it answers with."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        self.address = f"json://127.0.0.1:{server.server_port}/hook/"


@contextmanager
def webhook() -> Iterator[Webhook]:
    class WebhookHandler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if hook.status == 200:
                hook.received.append(message)
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), WebhookHandler)
    hook = Webhook(server)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
