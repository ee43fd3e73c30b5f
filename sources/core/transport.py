"""Connections that end at a deadline.

A read time-out of a socket starts anew with each byte, so a server that drips its headers could hold a run for days.
Here a timer closes the connection when the headers are not complete in time; `sources.core.responses` does the same for
bodies, where it can count.
"""

import socket
from threading import Timer
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _Timed(HTTPConnection):
    """A connection with at most `deadline_s` for the headers of an answer."""

    deadline_s: float

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3: its own kind of answer
        """The answer, its body still unread; a broken connection when the headers are not there in time."""
        timer = Timer(self.deadline_s, _hang_up, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()


class _TimedTLS(_Timed, HTTPSConnection):
    """The same over TLS."""


class DeadlineAdapter(HTTPAdapter):
    """The transport of a session: no retries of its own, and `deadline_s` for the headers of each answer."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make every pool use timed connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools()

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same for a connection through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools()
        return manager

    def _pools(self) -> dict[str, type[HTTPConnectionPool]]:
        plain = type("TimedConnection", (_Timed,), {"deadline_s": self._deadline_s})
        secure = type("TimedConnectionTLS", (_TimedTLS,), {"deadline_s": self._deadline_s})
        return {
            "http": type("TimedPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("TimedPoolTLS", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }


def _hang_up(connection: socket.socket) -> None:
    try:
        # The plain socket's method: the TLS one would take the session away under the waiting reader.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # closed already
