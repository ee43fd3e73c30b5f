"""The process that answers SQL and can write nothing: started by `reporting.sql_session`, spoken to over its pipes.

DuckDB keeps the files that it has opened on its list of allowed paths, also when external access is off, and a
statement may write there. So the file is opened under a name of its own, and that name is taken away before the first
statement: what is left on the list leads nowhere. The operating system holds the rest: no file may grow, memory and
processor time have an end, and the environment holds no key.

One JSON object a line. Asked: `{"query", "form", "rows", "bytes", "cpu_s"}`. Answered: `{"columns"}`, then any number
of `{"rows"}`, then `{"end", "is_cut_off"}`; or `{"text"}` for form `box`; or `{"error"}`.
"""

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import duckdb
from pydantic_core import to_json

from reporting.published import public_copy

ROWS_AT_ONCE: Final = 100
# Above what DuckDB counts itself: its text functions take memory that no limit of its own sees.
UNCOUNTED_MEMORY: Final = 1.5


def main() -> None:
    """Serve one published file until the other side hangs up."""
    told = json.loads(sys.stdin.readline())
    try:
        connection = open_without_a_name(Path(told["published"]), public=told["public"])
    except (duckdb.Error, OSError) as error:
        _say({"error": str(error)})
        return
    connection.execute(f"set memory_limit = '{told['memory_bytes']}B'")
    # Without a place to spill, and with nothing to reach or to set from here on.
    connection.execute("set temp_directory = ''; set enable_external_access = false; set lock_configuration = true")
    confine(told["memory_bytes"])
    _say({"ready": True})
    for line in sys.stdin:
        question = json.loads(line)
        _allow_processor_time(question["cpu_s"])
        try:
            for answer in answers(connection, question):
                _say(answer)
        except (duckdb.OutOfMemoryException, MemoryError):
            # What DuckDB advises here (to set more memory or threads) is locked.
            _say({"error": f"The query needed more than {told['memory_bytes'] / 1e9:g} GB of memory. Ask for less."})
        except (duckdb.Error, ValueError) as error:
            _say({"error": str(error)})


def open_without_a_name(published: Path, *, public: bool = False) -> duckdb.DuckDBPyConnection:
    """The published file, read-only, opened under a name that is gone when this returns.

    A second link where the file system has them, else a copy. `public` leaves out what may not be passed on.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
        "python_enable_replacements": False,
    }
    folder = None
    try:
        folder, name = _second_name(published)
        if public:
            return public_copy(name)
        return duckdb.connect(str(name), read_only=True, config=settings)
    finally:
        if folder is not None:
            shutil.rmtree(folder)


def _second_name(published: Path) -> tuple[Path, Path]:
    """(folder to remove, the file under its own name in that folder)."""
    for parent in (None, published.parent):
        folder = None
        try:
            folder = Path(tempfile.mkdtemp(prefix=".leadline-reader-", dir=parent))
            os.link(published, folder / published.name)
        except OSError:  # another file system, or one that is read-only or has no links
            if folder is not None:
                shutil.rmtree(folder)
        else:
            return folder, folder / published.name
    folder = Path(tempfile.mkdtemp(prefix="leadline-reader-"))
    shutil.copyfile(published, folder / published.name)
    return folder, folder / published.name


def confine(memory_bytes: int) -> None:
    """Take from this process, for good, what no answer needs: files that grow, memory past a bound, core files."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    taken = 0
    with suppress(OSError):  # only Linux tells, and only Linux holds to the limit
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        taken = pages * resource.getpagesize()
    most = taken + int(memory_bytes * UNCOUNTED_MEMORY)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answers(connection: duckdb.DuckDBPyConnection, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What one statement answers, cut off at the rows and bytes that were asked for at most."""
    if question["form"] == "box":
        relation = connection.sql(question["query"])
        text = "" if relation is None else str(relation)
        yield {"text": text[: question["bytes"]]}
        return
    answer = connection.execute(question["query"])
    yield {"columns": [column[0] for column in answer.description or ()]}
    rows_left, bytes_left = question["rows"], question["bytes"]
    while rows := answer.fetchmany(min(ROWS_AT_ONCE, rows_left + 1)):
        fitting: list[list[Any]] = []
        for row in rows:
            cells = [_as_text(cell) for cell in row] if question["form"] == "text" else list(row)
            bytes_left -= len(to_json(cells, inf_nan_mode="null", bytes_mode="base64", fallback=str))
            rows_left -= 1
            if rows_left < 0 or bytes_left < 0:
                yield {"rows": fitting}
                yield {"end": True, "is_cut_off": True}
                return
            fitting.append(cells)
        yield {"rows": fitting}
    yield {"end": True, "is_cut_off": False}


def _as_text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _allow_processor_time(seconds: int) -> None:
    """Processor time for one more statement, should nobody be left to end this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + seconds
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, most))


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(to_json(message, inf_nan_mode="null", bytes_mode="base64", fallback=str) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
