"""Dagster's events in SQLite, over connections that stay open.

Dagster makes a new engine for each of close to two thousand events of a run. SQLAlchemy then compiles each statement
anew, and whoever closes a SQLite file last carries its write-ahead log over and waits for the disk. With one engine for
each file both happen once. What was committed outlives a crash of the process; a power failure may cost the last
events.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

MOST_FILES = 8  # a run writes to two; a server that looks at many runs must not hold them all


class EventLog(SqliteEventLogStorage):
    """The event log of one instance: a SQLite file a run, and one of all runs."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether the file of all runs has a table. Tables are never taken away, so each is looked for once."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Stop watching, and close every file."""
        super().dispose()
        while self._engines:
            self._engines.popitem()[1].dispose()

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is not None and not Path(self.path_for_shard(shard)).exists():  # the run was deleted
            engine.dispose()
            self._initialized_dbs.discard(shard)
            engine = None
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _wait_for_the_disk_seldom)
        self._engines[shard] = engine
        while len(self._engines) > MOST_FILES:
            self._engines.popitem(last=False)[1].dispose()
        return engine


def _wait_for_the_disk_seldom(opened: Any, _record: object) -> None:
    opened.execute("pragma synchronous = normal")
