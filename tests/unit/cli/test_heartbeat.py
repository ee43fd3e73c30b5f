"""The watch outside Dagster: it speaks up when nothing is published, and a publication tells whoever expects a ping."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from cli import doctor
from pipeline.heartbeat import ping, silence
from pipeline.settings import Settings
from tests.unit.cli.test_messages import leadline
from tests.unit.warehouse.world import answer, bar, land_and_load
from warehouse.home import Home

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)


def publish(file: Path, at: datetime) -> None:
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table main.publication (published_at timestamp)")
        connection.execute("insert into main.publication values (?)", [at.replace(tzinfo=None)])


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(hours=1), ""),
        (timedelta(hours=26), ""),
        (timedelta(hours=27), "no publication since 2026-02-09 09:00"),
        (timedelta(days=-1), "clock jumped back"),
    ],
)
def test_silence_is_told_by_the_age_of_the_publication(tmp_path: Path, age: timedelta, said: str) -> None:
    file = tmp_path / "leadline.duckdb"
    publish(file, NOW - age)
    trouble = silence(file, NOW)
    assert said in trouble
    assert bool(trouble) is bool(said)


def test_no_file_and_a_damaged_one_are_silence_too(tmp_path: Path) -> None:
    file = tmp_path / "leadline.duckdb"
    assert "no publication" in silence(file, NOW)
    file.write_bytes(b"no database")
    assert "no publication" in silence(file, NOW)


def test_the_command_ends_with_1_on_silence(tmp_path: Path) -> None:
    publish(tmp_path / "leadline.duckdb", datetime.now(UTC) - timedelta(hours=30))
    late = leadline(tmp_path, "doctor", "--heartbeat")
    assert (late.returncode, "no publication since" in late.stdout) == (1, True)
    assert leadline(tmp_path, "doctor", "--heartbeat", "--hours", "48").returncode == 0


@pytest.fixture
def watcher() -> Iterator[tuple[str, list[str]]]:
    """Address of a service that expects pings, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(503 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()


def test_a_ping_arrives_or_says_why_without_its_address(
    watcher: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = watcher
    said = {}
    for path in ("/canary-1", "/broken-canary"):
        monkeypatch.setenv("LEADLINE_PING_URL", address + path)
        said[path] = ping(Settings())
    monkeypatch.setenv("LEADLINE_PING_URL", "http://127.0.0.1:9/canary")
    said["nobody"] = ping(Settings())
    assert asked == ["/canary-1", "/broken-canary"]
    assert said["/canary-1"] == "sent"
    assert "503" in said["/broken-canary"]
    assert "not delivered" in said["nobody"]
    assert not any("canary" in text for text in said.values())


@pytest.mark.parametrize(
    ("damaged", "named", "heals"),
    [
        ("leadline.duckdb", "published", "leadline publish"),
        (".build/warehouse.duckdb", "build file", "leadline rebuild"),
        ("landing/decisions", "decisions", "--without-damaged"),
        (".dagster/history/runs.db", "run history", "move"),
        ("leadline.duckdb.wal", "published log", "move it away"),
    ],
)
def test_damage_in_the_home_is_seen_and_named_with_its_cure(
    tmp_path: Path, damaged: str, named: str, heals: str
) -> None:
    home = Home(tmp_path)
    for day in (0, 1):
        land_and_load(home, answer([bar(day, 7.0)], 10 + day))
    publish(home.published, datetime.now(UTC))
    assert [problem for _, problem, _ in doctor.home_findings(home) if problem] == []
    target = tmp_path / damaged
    if target.is_dir():
        min(target.iterdir()).unlink()
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"\x00damaged" * 1_000)
    found = {name: problem for name, problem, _ in doctor.home_findings(home) if problem}
    assert heals in found[named]
