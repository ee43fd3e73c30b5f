"""Real history, loaded once for all tests that look at it."""

import fcntl
import os
from datetime import date
from pathlib import Path

import pytest

from cli.demo import demo_settings
from cli.errors import EXIT_DEAD_SOURCES
from cli.request import RunRequest
from cli.run import run_and_tell
from pipeline.settings import environment
from sandbox.server_process import running_apart

FIRST_DAY, LAST_DAY = date(2025, 11, 20), date(2026, 1, 31)
# A level needs 819 days of daily bars before its date; nothing else is loaded from so far back.
FIRST_BARS = date(2023, 8, 1)
BARS = ("binance.spot_candle_1d", "coinbase.spot_candle_1d", "bitstamp.spot_candle_1d")


@pytest.fixture(scope="session")
def real_home(real: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Home with real history of 2025-11-20 to 2026-01-31, from the stand-in upstream. Copy it before changing anything.

    `LEADLINE_TEST_REAL_HOME` names one that was made before.
    """
    if made := os.environ.get("LEADLINE_TEST_REAL_HOME"):
        return Path(made).resolve()
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    home = shared / "real"
    with (shared / "real.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "leadline.duckdb").exists():
            with running_apart(real / "market") as upstream, environment(**demo_settings(home, upstream)):
                run_and_tell(RunRequest("backfill", FIRST_BARS, LAST_DAY, BARS, keeps_history=False))
                # Not every provider has history in the tables: those are named, and everything else is published.
                assert (
                    run_and_tell(RunRequest("backfill", FIRST_DAY, LAST_DAY, keeps_history=False)) == EXIT_DEAD_SOURCES
                )
    return home
