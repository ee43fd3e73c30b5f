"""Opens the build file. Only this module and dbt open it, and never at the same time."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import duckdb

from sources.core.dataset import Dataset
from warehouse.errors import BusyError, DamagedError, HomeError
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.staging_views import create_views, view_of
from warehouse.tables import ensure_tables

# DuckDB must not download extensions by itself. Those that Leadline needs are built in.
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def connect(file: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a database file.

    Raises BusyError when another process has it open, DamagedError when it cannot be read.
    """
    try:
        return duckdb.connect(str(file), read_only=read_only, config=SETTINGS)
    except duckdb.IOException as error:
        text = str(error)
        if "set lock" in text:
            holder = re.search(r"held in (.+?) \(PID (\d+)\)", text)
            who = f"process {holder[2]} ({holder[1]})" if holder else "another process"
            raise BusyError(
                f"{file} is open in {who}. Only one process can write it. Wait for that run to end, or end it, then "
                "run again. Readers should open leadline.duckdb instead."
            ) from error
        raise DamagedError(_damaged(file, text)) from error
    except duckdb.Error as error:
        raise DamagedError(_damaged(file, str(error))) from error


class Warehouse:
    """The build file of a home, open for as long as the `with` block lasts.

    Raises HomeError when the file is missing though data was loaded before, BusyError and DamagedError as `connect`;
    DamagedError also when the damage is found only while the file is read.
    """

    def __init__(self, home: Home, *, file: Path | None = None) -> None:
        self.home = home
        self.landing = Landing(home)
        self._file = file or home.build_file
        self._is_rebuild = file is not None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> "Warehouse":
        if not self._is_rebuild and not self._file.exists() and self.landing.has_loads:
            raise HomeError(
                f"{self._file} is missing, and {self.home.landing} holds data that was loaded into it. Run "
                "`leadline rebuild` to make it again from the landing files."
            )
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = connect(self._file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Closing writes the WAL into the file, so a later crash has nothing to lose.
            connection.close()
        if isinstance(error, duckdb.Error) and "checksum" in str(error):
            raise DamagedError(_damaged(self._file, str(error))) from error

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection."""
        if self._connection is None:
            raise RuntimeError("the warehouse is open only inside its with block")
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        connection = self.connection
        connection.execute("begin")
        try:
            yield connection
            connection.execute("commit")
        except BaseException:
            # After a fatal error (a full disk) the connection accepts no rollback. The file keeps what was committed.
            with suppress(duckdb.Error):
                connection.execute("rollback")
            raise

    def ensure_tables(self, datasets: Sequence[Dataset]) -> None:
        """Create or extend every raw and metadata table, and make the views of staging, in one transaction.

        See `warehouse.tables` and `warehouse.staging_views`.
        """
        with self.transaction() as connection:
            ensure_tables(connection, datasets)
            create_views(connection, map(view_of, datasets))


def _damaged(file: Path, reason: str) -> str:
    return (
        f"{file} cannot be read ({reason.splitlines()[0]}). Nothing in it is touched. Run `leadline rebuild`: it sets "
        "the file and its WAL aside and makes a new one from the landing files."
    )
