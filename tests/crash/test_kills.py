"""Every command killed at random moments, with all its processes: nothing is lost, and no hand is needed afterwards.

A small home (three datasets, two months of the simulated market) is filled, built, published, backed up and rebuilt.
`KILLS` says how often (30 without it); `SEED` repeats a sequence of moments.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cli.demo import demo_settings
from sandbox.server import running

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "30"))
SEED = int(os.environ.get("SEED", "15"))
SELECTED = ("binance.spot_candle_1d", "coinbase.spot_candle_1d", "farside.etf_flow")
FETCH = ("backfill", "--from", "2025-12-01", "--to", "2026-02-10", *(f"--select={name}" for name in SELECTED))
COMMANDS = (
    FETCH,
    ("build",),
    ("publish",),
    ("backup",),
    ("rebuild",),
    FETCH,
)  # all of one window: another would bring other versions
# What says when and by which file a row came, and so differs between two homes with the same rows.
OF_THE_RUN = ("load_id", "landing_file", "loaded_at", "fetched_at", "attempt_at", "last_loaded_at", "published_at")
BOOKS = ("attempt", "load_ledger", "loaded_file", "watermark", "regime_log", "publication", "quarantine", "dim_source")


class KilledLife:
    """One home and its commands, each in a process group of its own."""

    def __init__(self, home: Path, upstream: str) -> None:
        self.home = home
        self._environment = {**os.environ, **demo_settings(home, upstream)}

    def start(self, command: tuple[str, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration", *command],
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def finish(self, command: tuple[str, ...]) -> None:
        process = self.start(command)
        said, _ = process.communicate()
        assert process.returncode == 0, f"{' '.join(command)}: {said[-2_000:]}"

    def kill(self, command: tuple[str, ...], after_s: float) -> bool:
        """Whether the command was killed before it had ended."""
        process = self.start(command)
        try:
            process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        return False

    def tables(self) -> dict[str, str]:
        """Row count and hash of every published table, without what differs between two homes."""
        with duckdb.connect(str(self.home / "leadline.duckdb"), read_only=True) as connection:
            columns = connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns() where not internal order by all"
            ).fetchall()
            kept: dict[str, list[str]] = {}
            for schema, table, column in columns:
                if table not in BOOKS and not column.endswith(OF_THE_RUN):
                    kept.setdefault(f'"{schema}"."{table}"', []).append(f'"{column}"')
            return {
                table: str(
                    connection.execute(f"select count(*), sum(hash({', '.join(names)})) from {table}").fetchone()
                )
                for table, names in kept.items()
            }


@pytest.fixture(scope="module")
def upstream(scenario_home: Path) -> Iterator[str]:
    with running(scenario_home / "market") as server:
        yield server.base_url


def test_no_kill_loses_anything_or_needs_a_hand(upstream: str, tmp_path: Path) -> None:
    undisturbed = KilledLife(tmp_path / "undisturbed", upstream)
    for command in (FETCH, ("rebuild",), FETCH):
        undisturbed.finish(command)
    expected = undisturbed.tables()
    assert any("fct_price_daily" in table for table in expected)

    disturbed = KilledLife(tmp_path / "disturbed", upstream)
    chance = random.Random(SEED)
    killed = dict.fromkeys(COMMANDS, 0)
    acknowledged = 0
    while sum(killed.values()) < KILLS:
        command = chance.choice(COMMANDS)
        was_killed = disturbed.kill(command, chance.uniform(1.0, 25.0))
        killed[command] += was_killed
        if (disturbed.home / "leadline.duckdb").exists():
            assert disturbed.tables()  # a reader always finds a whole file
        # Whatever was decided stays decided.
        decisions = len(list((disturbed.home / "landing" / "decisions").glob("*.json.gz")))
        assert decisions >= acknowledged
        acknowledged = decisions
    for command in (FETCH, ("rebuild",), FETCH, ("backup",)):
        disturbed.finish(command)
    assert disturbed.tables() == expected
    assert not list((disturbed.home / ".build").glob("rebuild*"))
    assert [path for path in (disturbed.home / "backup").iterdir() if path.name.startswith(".")] == []
