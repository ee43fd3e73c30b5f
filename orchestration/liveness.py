"""Whether the process of a run still lives: it holds a lock for as long as it does, and the kernel lets go at its end.

A process id may be given to another process, and none outlives a restart of the machine; a lock has neither trouble.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from pipeline.settings import PROJECT

FOLDER = "running"

_held: dict[Path, IO[str]] = {}


def history_of(home: Path) -> Path:
    """Where Dagster keeps what it knows of a home's runs: beside the code for the default home, else in the home."""
    return (PROJECT if home == PROJECT / "data" else home) / ".dagster"


def hold(history: Path, run_id: str) -> None:
    """Say that this process executes a run, until the process ends or executes another run of the same history."""
    path = _path(history, run_id)
    if path in _held:
        return
    for earlier in [held for held in _held if held.parent == path.parent]:
        _held.pop(earlier).close()
    path.parent.mkdir(parents=True, exist_ok=True)
    _forget_the_dead(path.parent)
    lock = path.open("w", encoding="ascii")
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(str(os.getpid()))  # for a person who looks
    lock.flush()
    _held[path] = lock


def is_held(history: Path, run_id: str) -> bool:
    """Whether some process executes the run."""
    try:
        with _path(history, run_id).open("r", encoding="ascii") as lock:
            return not _is_free(lock)
    except FileNotFoundError:
        return False


def _path(history: Path, run_id: str) -> Path:
    return history / FOLDER / run_id


def _is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_the_dead(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError), path.open("r", encoding="ascii") as lock:
            if _is_free(lock):
                path.unlink()
