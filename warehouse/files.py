"""Writes files so that a killed process or a power cut leaves the old file or the new one, never a part of it."""

import os
from datetime import UTC, datetime
from pathlib import Path

STAMP = "%Y%m%dT%H%M%S%fZ"  # sorts by time, and is legal in a file name everywhere


def stamp(instant: datetime) -> str:
    """An aware instant as text for a file name, in UTC to the microsecond."""
    return instant.astimezone(UTC).strftime(STAMP)


def instant_of(text: str) -> datetime:
    """The aware instant that `stamp` wrote."""
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC)


def flush(path: Path) -> None:
    """Force a file, or the entries of a directory, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, content: bytes) -> None:
    """Write a whole file or nothing. No reader sees a part of it, and when this returns it is on the disk."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(aside, path)
    finally:
        aside.unlink(missing_ok=True)  # only there when the disk was full


def put_in_place(aside: Path, path: Path) -> None:
    """Rename a finished file or link to its real name. Readers that have the old one open keep it."""
    aside.replace(path)
    flush(path.parent)
