"""A server that says exactly the bytes it is told to say: for answers no proper server would give."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

Say = bytes | Callable[[socket.socket], None]


@dataclass
class Scripted:
    """Where the server listens and what it was sent so far, one text a request."""

    base_url: str
    received: list[str] = field(default_factory=list)


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """A proper answer with these headers; content length and type are filled in where not given."""
    told = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items() if value), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@contextmanager
def scripted(*says: Say, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Give the first connection the first answer, and so on; the last one is repeated."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")
    thread = threading.Thread(target=_serve, args=(listener, says, server.received, tls), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # Closing alone does not wake a thread that waits in accept().
        socket.create_connection(listener.getsockname()).close()
        thread.join()
        listener.close()


def _serve(listener: socket.socket, says: Sequence[Say], received: list[str], tls: ssl.SSLContext | None) -> None:
    served = 0
    while True:
        connection, _ = listener.accept()
        with connection:
            request = connection.recv(65_536)
            if not request:
                return
            received.append(request.decode("latin-1"))
            if tls is not None:  # the request was a CONNECT: play the proxy, then the provider behind it
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                try:
                    connection = tls.wrap_socket(connection, server_side=True)
                except OSError:
                    continue
                received.append(connection.recv(65_536).decode("latin-1"))
            say = says[min(served, len(says) - 1)]
            served += 1
            try:
                say(connection) if callable(say) else connection.sendall(say)
            except OSError:
                continue  # the client hung up, as it should
