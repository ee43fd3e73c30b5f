"""The landing zone: every answer as received and every decision, in files that are never changed.

`landing/<provider>__<dataset>/<sequence>-<fetched at>-<status>-<request>-<content>.json.gz` holds one answer: a line of
JSON (what was asked, what came back, when), then the body. `landing/decisions/` holds what people and rules
decided, in the same manner. Names are made of our own ids, times and hashes only, so that nothing a provider
sends can steer a path. The sequence counts up over the whole home, whatever the clock does, and says in which
order to replay.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sources.core.payload import Payload
from warehouse.decisions import WITHOUT_DAMAGED, Decision, Decisions, damaged, packed, unpacked
from warehouse.errors import LandingError
from warehouse.files import flush, instant_of, stamp, write_durably
from warehouse.home import Home

# Headers that can matter when a payload is read again. All others (cookies, keys, tracing) are left out.
SAFE_HEADERS = frozenset(
    {
        "age",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "retry-after",
        "x-content-sha256",
    }
)
# The session has removed secrets already; this check also covers bodies that a person lands by hand.
SECRET_NAME = re.compile(r"key|token|secret|signature|password|auth", re.IGNORECASE)
REDACTED = "REDACTED"

DATASET_ID = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.[a-z][a-z0-9_]*")
FILE_NAME = re.compile(r"(\d{12})-(\d{8}T\d{12}Z)-(\d{3})-([0-9a-f]{16})-([0-9a-f]{16})\.json\.gz")
DECISIONS = "decisions"


@dataclass(frozen=True, order=True)
class LandingFile:
    """One landed answer, described by its file name. Ordered by the sequence of arrival."""

    sequence: int
    dataset_id: str
    fetched_at: datetime
    status: int
    request: str
    content: str
    path: Path

    @property
    def name(self) -> str:
        """Path under the landing folder: what the warehouse writes down as the origin of a row."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def is_answer(self) -> bool:
        """Whether the provider answered at all (an error page is landed too, but never loaded)."""
        return 200 <= self.status < 300


class Landing:
    """The landing folder of one home. Safe to share between threads; files are only ever added."""

    def __init__(self, home: Home) -> None:
        self._folder = home.landing
        self._lock = Lock()
        self._latest: dict[str, dict[str, LandingFile]] = {}
        self._floor: int | None = None
        self._decisions = Decisions(home.landing / DECISIONS)

    def store(self, dataset_id: str, payload: Payload) -> LandingFile | None:
        """Keep an answer as received, durably, before anything reads it.

        Returns None, and writes nothing, when it is the same answer as the latest one to the same request.
        """
        request, content = _request_hash(payload), payload.sha256[:16]
        with self._lock:
            latest = self._latest_of(dataset_id).get(request)
            is_same = latest is not None and (latest.content, latest.status) == (content, payload.status)
            # The same answer, fetched at an earlier time, is new information: the value was known earlier.
            if latest and is_same and payload.fetched_at >= latest.fetched_at:
                return None
            sequence = self._next_sequence()
        folder = self._folder_of(dataset_id)
        name = f"{sequence:012d}-{stamp(payload.fetched_at)}-{payload.status:03d}-{request}-{content}.json.gz"
        file = LandingFile(sequence, dataset_id, payload.fetched_at, payload.status, request, content, folder / name)
        about = {
            "dataset": dataset_id,
            "sequence": sequence,
            "url": _without_secrets(payload.url),
            "params": _safe(payload.params),
            "status": payload.status,
            "headers": {name: value for name, value in payload.headers.items() if name.lower() in SAFE_HEADERS},
            "fetched_at": payload.fetched_at.isoformat(),
            "sha256": payload.sha256,
        }
        write_durably(file.path, packed(json.dumps(about, sort_keys=True).encode() + b"\n" + payload.body))
        with self._lock:
            self._latest_of(dataset_id)[request] = file
        return file

    def find(self, dataset_id: str, payload: Payload) -> LandingFile | None:
        """The file that holds this answer: what `store` wrote, or the equal one that made it write nothing."""
        with self._lock:
            latest = self._latest_of(dataset_id).get(_request_hash(payload))
        return latest if latest and latest.content == payload.sha256[:16] else None

    def answer(self, dataset_id: str, url: str, params: Mapping[str, str]) -> Payload | None:
        """The newest answer to an address with these parameters, None when it never gave one.

        A damaged file counts as no answer, so that asking again does not fail.
        """
        with self._lock:
            latest = self._latest_of(dataset_id).get(_request_hash_of(url, params))
        if latest is None or not latest.is_answer:
            return None
        try:
            return self.read(latest)
        except LandingError:
            return None

    def files(self, dataset_id: str | None = None) -> list[LandingFile]:
        """Every landed answer, of one dataset or of all, in the order of arrival."""
        if dataset_id is not None:
            return sorted(self._scan(dataset_id))
        if not self._folder.is_dir():
            return []
        folders = [entry.name for entry in os.scandir(self._folder) if entry.is_dir() and "__" in entry.name]
        return sorted(file for folder in folders for file in self._scan(folder.replace("__", ".", 1)))

    def file(self, name: str) -> LandingFile:
        """The file that the warehouse wrote down under this name. Raises LandingError when it is gone."""
        folder, _, base = name.partition("/")
        match = FILE_NAME.fullmatch(base)
        path = self._folder / folder / base
        if match is None or not path.is_file():
            raise LandingError(
                f"The landing file {name} is gone from {self._folder}.", f"Restore it from a backup. {WITHOUT_DAMAGED}"
            )
        return _landing_file(folder.replace("__", ".", 1), match, path)

    def read(self, file: LandingFile) -> Payload:
        """The answer exactly as it was received. Raises LandingError when the file is damaged."""
        about, _, body = unpacked(file.path).partition(b"\n")
        try:
            facts = json.loads(about)
            payload = Payload(
                url=facts["url"],
                params=facts["params"],
                status=facts["status"],
                headers=facts["headers"],
                body=body,
                fetched_at=datetime.fromisoformat(facts["fetched_at"]),
            )
            intact = facts["sha256"] == payload.sha256
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(file.path) from error
        if not intact:
            raise damaged(file.path)
        return payload

    def decide(self, kind: str, record: Mapping[str, Any], decided_at: datetime) -> Decision:
        """Keep a decision, durably. `record` holds JSON values only."""
        with self._lock:
            sequence = self._next_sequence()
        decision = Decision(sequence, kind, decided_at, record)
        self._decisions.add(decision)
        return decision

    def decisions(
        self, kind: str | None = None, *, lost: Callable[[LandingError], None] | None = None
    ) -> Iterator[Decision]:
        """Every decision, or those of one kind, in the order in which they were taken.

        Raises LandingError when one is missing or damaged, unless `lost` is there to hear of it.
        """
        return self._decisions.read(kind, lost)

    def missing_decisions(self) -> list[int]:
        """Numbers of decisions that were taken and whose files are gone; from names alone, so it costs little."""
        return self._decisions.missing()

    def readable(self, kind: str) -> Iterator[tuple[Path, Mapping[str, Any] | None]]:
        """Every decision of one kind: its file, and its record; None for a file that is damaged."""
        return self._decisions.of_kind(kind)

    @property
    def has_loads(self) -> bool:
        """Whether anything landed here was ever loaded, so that a missing build file is a loss and no beginning."""
        return self._decisions.has_loads

    def _folder_of(self, dataset_id: str) -> Path:
        if not DATASET_ID.fullmatch(dataset_id):
            raise ValueError(f"{dataset_id!r} is no dataset id")
        folder = self._folder / dataset_id.replace(".", "__", 1)
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            flush(self._folder)
        return folder

    def _scan(self, dataset_id: str) -> Iterator[LandingFile]:
        folder = self._folder / dataset_id.replace(".", "__", 1)
        if not folder.is_dir():
            return
        for entry in os.scandir(folder):
            if match := FILE_NAME.fullmatch(entry.name):
                yield _landing_file(dataset_id, match, folder / entry.name)

    def _latest_of(self, dataset_id: str) -> dict[str, LandingFile]:
        if dataset_id not in self._latest:
            self._latest[dataset_id] = {file.request: file for file in self.files(dataset_id)}
        return self._latest[dataset_id]

    def _next_sequence(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._floor is None:
            # The counter is not flushed at each step, so after a power cut only the file names are right.
            self._floor = self._highest_sequence()
        # The lock is between processes: a hand load may land while a run does.
        with (self._folder / ".sequence").open("a+") as counter:
            fcntl.flock(counter, fcntl.LOCK_EX)
            counter.seek(0)
            text = counter.read().strip()
            sequence = max(self._floor, int(text) if text.isdigit() else 0) + 1
            counter.seek(0)
            counter.truncate()
            counter.write(str(sequence))
        return sequence

    def _highest_sequence(self) -> int:
        folders = [entry for entry in os.scandir(self._folder) if entry.is_dir()]
        names = (entry.name[:12] for folder in folders for entry in os.scandir(folder))
        return max((int(name) for name in names if name.isdigit()), default=0)


def _landing_file(dataset_id: str, match: re.Match[str], path: Path) -> LandingFile:
    sequence, fetched_at, status, request, content = match.groups()
    return LandingFile(int(sequence), dataset_id, instant_of(fetched_at), int(status), request, content, path)


def _request_hash(payload: Payload) -> str:
    return _request_hash_of(payload.url, payload.params)


def _request_hash_of(url: str, params: Mapping[str, str]) -> str:
    request = json.dumps([_without_secrets(url), _safe(params)], sort_keys=True)
    return hashlib.sha256(request.encode()).hexdigest()[:16]


def _safe(params: Mapping[str, str]) -> dict[str, str]:
    return {name: REDACTED if SECRET_NAME.search(name) else value for name, value in params.items()}


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = [(name, REDACTED if SECRET_NAME.search(name) else value) for name, value in parse_qsl(parts.query, True)]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query), parts.fragment))
