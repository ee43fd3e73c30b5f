"""One run of the bundled scenario, end to end, for every test that only reads what it published."""

import fcntl
from pathlib import Path

import pytest

from orchestration import demo
from orchestration.request import EXIT_PUBLISHED


@pytest.fixture(scope="session")
def scenario_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Home of the demo, made by the demo itself, once for all test processes. Copy it before changing anything."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    root = shared / "scenario"
    with (shared / "scenario.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "demo" / "leadline.duckdb").exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("LEADLINE_HOME", str(root))
                assert demo.run_demo() == EXIT_PUBLISHED
    return root / "demo"
