"""Decisions of people and rules, in files that are never changed and are numbered without a gap.

`landing/decisions/<sequence>-<decided at>-<kind>-<number>-<content>.json.gz` holds one. The sequence is that of the
landing zone and says in which order to replay; it may have gaps, because an answer that a kill kept from landing has
used one up. The number has none, so that a file that is gone is missed. Decisions from before there were numbers have
none in their names; they count all the same.
"""

import fcntl
import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import IO, Any

from warehouse.errors import LandingError
from warehouse.files import instant_of, stamp, write_durably

NAME = re.compile(r"(\d{12})-(\d{8}T\d{12}Z)-([a-z_]+)(?:-(\d{8}))?-([0-9a-f]{16})\.json\.gz")
COUNT = ".decisions"  # beside the folder: the last number given, so that the loss of the newest decisions is seen too
COMPRESSION = 3  # 3 writes three times faster than 6 and is 7 % larger on option chains

WITHOUT_DAMAGED = (
    "Or run `leadline rebuild --without-damaged`: it leaves out what cannot be read, says what that was, and the next "
    "run fetches what providers still have."
)


@dataclass(frozen=True, order=True)
class Decision:
    """Something a person or a rule decided: a load, an acceptance, a logged regime."""

    sequence: int
    kind: str
    decided_at: datetime
    record: Mapping[str, Any]


class Decisions:
    """The folder of decisions of one home. Safe to share between threads; files are only ever added."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._last: int | None = None

    def add(self, decision: Decision) -> None:
        """Keep a decision, durably. Its record holds JSON values only."""
        text = json.dumps(
            {
                "sequence": decision.sequence,
                "kind": decision.kind,
                "decided_at": decision.decided_at.isoformat(),
                "record": decision.record,
            },
            sort_keys=True,
        ).encode()
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._lock, (self._folder.parent / COUNT).open("a+", encoding="ascii") as counter:
            fcntl.flock(counter, fcntl.LOCK_EX)
            if self._last is None:
                self._last = self._highest_number()
            number = max(self._last, _number_in(counter)) + 1
            name = f"{decision.sequence:012d}-{stamp(decision.decided_at)}-{decision.kind}-{number:08d}-{_hash(text)}"
            write_durably(self._folder / f"{name}.json.gz", packed(text))
            # Counted after the file is written, so that a kill between the two does not look like a lost file.
            counter.seek(0)
            counter.truncate()
            counter.write(str(number))
            self._last = number

    def read(self, kind: str | None, lost: Callable[[LandingError], None] | None) -> Iterator[Decision]:
        """Every decision that can be read, or those of one kind, in the order in which they were taken.

        Of the others `lost` hears; without it LandingError is raised. A gap is looked for where all kinds are read.
        """
        mind = lost or _raise
        if kind is None and (gaps := self.missing()):
            mind(
                LandingError(
                    f"Of the decisions in {self._folder} number {spans(gaps)} are missing: what was loaded, released "
                    "or published by them.",
                    f"Restore the files from a backup. {WITHOUT_DAMAGED}",
                )
            )
        for path, match in self._files():
            if kind not in (None, match[3]):
                continue
            try:
                decision = self._read(path)
            except LandingError as error:
                mind(error)
            else:
                yield decision

    def of_kind(self, kind: str) -> Iterator[tuple[Path, Mapping[str, Any] | None]]:
        """Every decision of one kind: its file, and its record; None for a file that is damaged."""
        for path, match in self._files():
            if match[3] == kind:
                try:
                    yield path, self._read(path).record
                except LandingError:
                    yield path, None

    def missing(self) -> list[int]:
        """Numbers of decisions that were taken and whose files are gone; from names alone, so it costs little."""
        found = self._files()
        numbers = {int(match[4]) for _, match in found if match[4]}
        counter = self._folder.parent / COUNT
        last = max(numbers, default=0)
        if counter.exists():
            with counter.open(encoding="ascii") as file:
                last = max(last, _number_in(file))
        first = sum(match[4] is None for _, match in found) + 1
        return sorted(set(range(first, last + 1)) - numbers)

    @property
    def has_loads(self) -> bool:
        """Whether anything that landed was ever loaded."""
        return any(match[3] == "load" for _, match in self._files())

    def _files(self) -> list[tuple[Path, re.Match[str]]]:
        names = sorted(entry.name for entry in os.scandir(self._folder)) if self._folder.is_dir() else []
        return [(self._folder / name, match) for name in names if (match := NAME.fullmatch(name))]

    def _read(self, path: Path) -> Decision:
        text = unpacked(path)
        match = NAME.fullmatch(path.name)
        if match is None or _hash(text) != match[5]:
            raise damaged(path)
        return Decision(int(match[1]), match[3], instant_of(match[2]), json.loads(text)["record"])

    def _highest_number(self) -> int:
        """The last number given, as the names have it; before there were numbers, how many decisions there are."""
        found = self._files()
        return max((int(match[4]) for _, match in found if match[4]), default=len(found))


def packed(content: bytes) -> bytes:
    """Content as a landing file holds it."""
    return gzip.compress(content, COMPRESSION, mtime=0)


def unpacked(path: Path) -> bytes:
    """The content of a landing file. Raises LandingError when it is gone or damaged."""
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(path) from error


def damaged(path: Path) -> LandingError:
    """What to say of a landing file that is not what it was."""
    return LandingError(
        f"The landing file {path} is damaged: its content no longer has the hash it was stored with.",
        f"Restore it from a backup. {WITHOUT_DAMAGED}",
        path,
    )


def spans(numbers: Sequence[int]) -> str:
    """Ascending numbers as text, runs of them as from-to."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _raise(error: LandingError) -> None:
    raise error


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _number_in(counter: IO[str]) -> int:
    counter.seek(0)
    text = counter.read().strip()
    return int(text) if text.isdigit() else 0
