"""A reader of the published files, in a process of its own: `python -m tests.ui.reader KIND HOME STOP`.

It asks again and again until the file STOP exists, and prints one line of JSON in the end: answers, the publications
it saw, and what went wrong. Every answer is checked to be of one publication, whole.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

LEAST = 3  # answers, however soon the runs end
NICENESS = 19  # readers give way: it's the runs that the test waits for

# One line: the publication, days by two tables that one build makes, and the publication once more.
WHOLE = """
select
    (select publication_id from main.publication) as publication,
    (select count(distinct signal_date) from marts.fct_bucket_daily) as bucket_days,
    (select count(*) from marts.fct_regime_daily) as regime_days,
    (select count(*) from board()) as buckets,
    (select publication_id from main.publication) as after
"""


@dataclass
class Seen:
    """What a reader saw."""

    answers: int = 0
    publications: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def whole(self, publication: str, bucket_days: int, regime_days: int, buckets: int, after: str) -> None:
        """Take an answer down, or say how it is torn."""
        if (publication, bucket_days, buckets) != (after, regime_days, 7):
            self.errors.append(f"torn: {publication} {bucket_days} {regime_days} {buckets} {after}")
        self.seen(publication)

    def seen(self, publication: str) -> None:
        self.answers += 1
        if publication not in self.publications:
            self.publications.append(publication)


def python(home: Path, seen: Seen) -> None:
    """Several statements in one transaction, the file opened anew each time."""
    with duckdb.connect(str(home / "leadline.duckdb"), read_only=True) as connection:
        connection.execute("begin")
        [first] = connection.execute(WHOLE).fetchall()
        [(rows, last_day)] = connection.execute(
            "select count(*), max(signal_date) from marts.fct_signal_daily"
        ).fetchall()
        [second] = connection.execute(WHOLE).fetchall()
        connection.execute("commit")
    if first != second or not rows or last_day is None:
        seen.errors.append(f"changed under a transaction: {first} {second}")
    seen.whole(*first)


def command_line(home: Path, seen: Seen) -> None:
    """DuckDB's own client, a process for each question."""
    answer = subprocess.run(
        [sys.executable, "-m", "duckdb_cli", "-readonly", "-json", str(home / "leadline.duckdb"), WHOLE],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode or answer.stderr:
        raise RuntimeError(answer.stderr or f"exit code {answer.returncode}")
    [row] = json.loads(answer.stdout)
    seen.whole(**row)


def extracts(home: Path, seen: Seen) -> None:
    """The whole set of files, against its manifest."""
    folder = (home / "extracts").resolve()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for extract in manifest["extracts"]:
        body = (folder / extract["file"]).read_bytes()
        if hashlib.sha256(body).hexdigest() != extract["sha256"]:
            seen.errors.append(f"torn: {extract['file']} is not what its manifest says")
    seen.seen(manifest["publication_id"])


KINDS: dict[str, Callable[[Path, Seen], None]] = {
    "python": python,
    "command line": command_line,
    "extracts": extracts,
}


def read_until(kind: str, home: Path, stop: Path) -> Seen:
    """Ask until the file `stop` is there. Whatever goes wrong is taken down, and the reader goes on."""
    seen = Seen()
    while seen.answers + len(seen.errors) < LEAST or not stop.exists():
        try:
            KINDS[kind](home, seen)
        except Exception as error:  # noqa: BLE001 - a reader that meets any error is what the test looks for
            seen.errors.append(f"{type(error).__name__}: {error}")
    return seen


if __name__ == "__main__":
    os.nice(NICENESS)
    sys.stdout.write(json.dumps(read_until(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])).__dict__))
