"""A person who meets an error reads a sentence with a way out: never a traceback, never a secret, never markup."""

import io
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from rich.table import Table

from cli.messages import message_of
from cli.request import RunRequest
from cli.run import RunOutcome, tell
from cli.terminal import PlainConsole
from sources.core.errors import Failure, SourceError
from sources.core.plain_text import as_markdown, printable

CANARY = "canary-91fe"
HOSTILE = (
    "[/bold] [red]x[/] \x1b[2Jgone \x1b]8;;http://evil\x07 :smile: <script>alert(1)</script> \u202e | a\r\nforged line"
)


def leadline(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration", *arguments],
        env={**os.environ, "LEADLINE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def console() -> tuple[PlainConsole, io.StringIO]:
    said = io.StringIO()
    return PlainConsole(file=said, force_terminal=True, width=200), said


def test_the_closing_summary_says_what_a_provider_said_and_nothing_else() -> None:
    shown, said = console()
    outcome = RunOutcome(
        succeeded=True, published=True, dead={"demo.bar": HOSTILE}, incomplete={"demo.bar": HOSTILE},
        failures=[HOSTILE], datasets=1, new_rows=0,
        revised_rows=0, seconds=1, run_id="x",
    )  # fmt: skip
    tell(outcome, RunRequest("refresh"), Path("/home"), shown)
    assert outcome.exit_code == 3
    text = said.getvalue()
    for kept in ("[/bold]", "[red]x[/]", ":smile:", "<script>"):
        assert kept in text
    assert "\x1b[2J" not in text
    assert "\x1b]8;;http://evil" not in text
    assert "\u202e" not in text


def test_a_table_shows_text_as_it_is() -> None:
    shown, said = console()
    table = Table("message")
    table.add_row(HOSTILE)
    shown.print(table)
    assert "[/bold]" in said.getvalue()
    assert "\x1b[2J" not in said.getvalue()


def test_a_source_error_is_one_that_a_terminal_can_show() -> None:
    error = SourceError(Failure.OUTAGE, f"it said {HOSTILE}", "demo.bar")
    assert not set("\x1b\x07\u202e\r") & set(str(error))


def test_markdown_of_a_page_shows_text_as_it_is() -> None:
    shown = as_markdown(HOSTILE + " https://evil.example ![x](http://evil) &lt;")
    assert "\n" not in shown
    for sign in "<>[]()|!&*":
        assert sign not in shown.replace(f"\\{sign}", "")
    assert not re.search(r"(?<!\\)://", shown)


def test_plain_text_stays_plain() -> None:
    for text in ("Ünïcode 比特币 and “quotes”\n\ttab", "plain", "👩‍🔬"):
        assert printable(text) == text


@pytest.mark.parametrize("content", [b"", b"x" * 5_000, None], ids=["empty", "foreign", "cut"])
@pytest.mark.parametrize("command", [("show",), ("status",), ("rules",), ("sql", "select 1")], ids=" ".join)
def test_a_damaged_published_file_is_told_with_the_way_out(
    tmp_path: Path, content: bytes | None, command: tuple[str, ...]
) -> None:
    file = tmp_path / "leadline.duckdb"
    if content is None:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table t as from range(1000000)")
        content = file.read_bytes()[:300_000]
    file.write_bytes(content)
    answer = leadline(tmp_path, *command)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert str(file) in answer.stderr
    assert "leadline publish" in answer.stderr


def test_a_write_ahead_log_beside_the_published_file_is_not_believed(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "leadline.duckdb")) as connection:
        connection.execute("create table t as select 1")
    (tmp_path / "leadline.duckdb.wal").write_bytes(b"forged")
    answer = leadline(tmp_path, "show")
    assert answer.returncode == 1
    assert "never has one" in answer.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEADLINE_UPSTREAM", f"http://user:{CANARY}@127.0.0.1:8321"),
        ("LEADLINE_UPSTREAM", f"http://evil.example/{CANARY}"),
        ("LEADLINE_COST_BASIS_BIN_USD", CANARY),
        ("LEADLINE_CA_BUNDLE", "/nowhere/bundle.pem"),
        ("LEADLINE_HOME", "~nobody-of-this-name/x"),
        ("LEADLINE_HOME", "/etc/passwd"),
        ("LEADLINE_HOME", "/proc/1/here"),
    ],
)
def test_a_bad_setting_is_named_and_its_value_is_not_shown(tmp_path: Path, name: str, value: str) -> None:
    answer = leadline(tmp_path, "run", "--select", "farside", **{name: value})
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert name in answer.stderr or value in answer.stderr
    assert CANARY not in answer.stdout + answer.stderr


def test_an_old_terminal_shows_what_it_can(scenario_home: Path) -> None:
    for encoding in ("latin-1", "ascii"):
        answer = leadline(scenario_home, "show", "--lang", "zh", PYTHONIOENCODING=encoding, LC_ALL="POSIX")
        assert answer.returncode == 0, answer.stderr
        assert "60" in answer.stdout


def test_faults_of_the_machine_are_told_apart() -> None:
    for number, advice in ((28, "free some space"), (30, "read-only"), (24, "ulimit"), (13, "may not write")):
        assert advice in str(message_of(OSError(number, os.strerror(number), "/home/x")))
    assert "disk is full" in str(message_of(sqlite3.OperationalError("database or disk is full"))).lower()
    assert message_of(sqlite3.DatabaseError("database disk image is malformed")) is not None
    assert "free some space" in str(message_of(duckdb.IOException("Could not write: No space left on device")))


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    for mistake in (KeyError("x"), AssertionError(), duckdb.BinderException("no such column"), OSError("odd")):
        assert message_of(mistake) is None
