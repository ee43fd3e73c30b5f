"""SQL of people and assistants on the published warehouse: one way for the command line, for MCP and for servers.

Statements run in a process of their own that can write nothing (`reporting.sql_process`). Time, bytes and rows are
counted on this side too, and the process is killed when it passes them, whatever DuckDB makes of its own limits.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any, Final, Literal

from pydantic_core import from_json, to_json

Form = Literal["json", "text", "box"]
START_S: Final = 60.0  # to open the file; a copy of what may be passed on is made then
LINE_OVERHEAD: Final = 1_000_000  # names of columns, and what JSON adds to a batch


class QueryError(Exception):
    """A statement was refused, failed, or passed a limit; the message says which and what to do."""


@dataclass(frozen=True)
class QueryLimits:
    """What one statement may take."""

    rows: int
    bytes: int  # of all cells as JSON
    seconds: float
    memory_bytes: int


FOR_ASSISTANTS: Final = QueryLimits(rows=1_000, bytes=1_000_000, seconds=10.0, memory_bytes=1_000_000_000)
FOR_PEOPLE: Final = QueryLimits(rows=1_000_000, bytes=500_000_000, seconds=300.0, memory_bytes=4_000_000_000)


@dataclass
class Answer:
    """Rows as JSON values (instants as ISO text, decimals as text) or, in form `text`, as text."""

    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    is_cut_off: bool = False


class SqlSession:
    """Read-only SQL on one published file, for as long as the `with` block lasts.

    Sees the publication that was newest when it began. A statement that passes a limit ends the process; the next one
    begins a new one, which sees the newest publication. Raises QueryError.
    """

    def __init__(self, published: Path, limits: QueryLimits, *, public: bool = False) -> None:
        self._published = published
        self._limits = limits
        self._public = public
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "SqlSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            _kill(process)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()

    def ask(self, query: str) -> Answer:
        """One statement, or several of which the last one answers: all rows that the limits allow."""
        answer = Answer([])
        for message in self.stream(query):
            answer.columns = message.get("columns", answer.columns)
            answer.rows += message.get("rows", ())
            answer.is_cut_off = message.get("is_cut_off", False)
        return answer

    def box(self, query: str) -> str:
        """The answer as DuckDB draws it for a terminal; empty for a statement that answers nothing."""
        [message] = self.stream(query, "box")
        return str(message["text"])

    def stream(self, query: str, form: Form = "json") -> Iterator[Mapping[str, Any]]:
        """The messages of an answer as they come; see `reporting.sql_process`."""
        limits = self._limits
        question = {
            "query": query,
            "form": form,
            "rows": limits.rows,
            "bytes": limits.bytes,
            "cpu_s": int(limits.seconds * (os.cpu_count() or 1)) + 1,
        }
        process = self._started()
        left = 2 * limits.bytes + LINE_OVERHEAD
        finished = False
        with _Deadline(process, limits.seconds) as deadline:
            try:
                _write(process, question)
                while True:
                    message = _read(process, left)
                    if message is None:
                        raise QueryError(
                            f"The query took longer than {limits.seconds:g} s. Ask for less."
                            if deadline.has_passed
                            else f"The query needed more than {limits.memory_bytes / 1e9:g} GB of memory, or broke the "
                            "database engine, and was ended. Ask for less."
                        )
                    finished = "end" in message or "text" in message or "error" in message
                    if "error" in message:
                        raise QueryError(message["error"])
                    left -= message.pop("size")
                    yield message
                    if finished:
                        return
            finally:
                if not finished:
                    self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        if not self._published.is_file():
            raise QueryError(f"There is no published warehouse at {self._published}. Run `leadline run` first.")
        # Isolated: no variable of ours, no module of the current folder. A group of its own, so that all of it ends.
        self._process = process = subprocess.Popen(
            [sys.executable, "-I", "-m", "reporting.sql_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
        with _Deadline(process, START_S):
            limits = self._limits
            _write(
                process,
                {"published": str(self._published), "public": self._public, "memory_bytes": limits.memory_bytes},
            )
            greeting = _read(process, LINE_OVERHEAD)
        if greeting is None or "ready" not in greeting:
            self.close()
            reason = (greeting or {}).get("error", "its process ended").splitlines()[0]
            raise QueryError(
                f"{self._published} cannot be read ({reason}). Run `leadline publish` to make it again from what is "
                "built."
            )
        return process


class _Deadline:
    """Kills a process when a block takes too long."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.has_passed = False
        self._process = process
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.has_passed = True
        _kill(self._process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _write(process: subprocess.Popen[bytes], message: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(to_json(message) + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended; the reader says so


def _read(process: subprocess.Popen[bytes], most_bytes: int) -> dict[str, Any] | None:
    """The next message with its `size`; None when the process has ended or said more than it may."""
    assert process.stdout is not None
    line = process.stdout.readline(most_bytes)
    if not line.endswith(b"\n"):
        return None
    message: dict[str, Any] = from_json(line)
    return {**message, "size": len(line)}
