"""Dagster's history of runs without its longest wait.

Dagster opens a SQLite file for each event and closes it again, and whoever closes a file last carries its write-ahead
log over and waits for the disk: close to two thousand times a run. A connection that stays open leaves that to the end
of the process. What was committed outlives a crash of the process as before; a power failure may cost the last events.
"""

import atexit
import sqlite3
from threading import Lock
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

MOST_FILES = 8  # a run writes to three; a server that looks at many runs must not hold them all

_kept: dict[str, sqlite3.Connection] = {}
_lock = Lock()


def keep_open() -> None:
    """From now on keep a connection to the SQLite files that SQLAlchemy opens in this process."""
    if not event.contains(Engine, "connect", _keep):
        event.listen(Engine, "connect", _keep)
        atexit.register(_let_go)


def _let_go() -> None:
    while _kept:
        _kept.popitem()[1].close()


def _keep(opened: Any, _record: object) -> None:
    if not isinstance(opened, sqlite3.Connection):
        return
    opened.execute("pragma synchronous = normal")
    [(_, _, file), *_] = opened.execute("pragma database_list").fetchall()
    if not file:
        return  # in memory
    with _lock:
        if file not in _kept:
            if len(_kept) == MOST_FILES:
                _kept.pop(next(iter(_kept))).close()
            _kept[file] = sqlite3.connect(file, check_same_thread=False)
        # Not open before the first look, and not with its write-ahead log before the first look since there is one.
        _kept[file].execute("select 1 from sqlite_master limit 1").fetchone()
