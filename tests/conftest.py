"""Fixtures for all tests: real recordings beside the repository, our own samples, the stand-in upstream."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sandbox.server import running

# The same examples on every machine, and no verdict about its speed.
settings.register_profile("leadline", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("leadline")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder with real recordings and real history, beside the repository. They belong to vendors and stay there."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        reason = f"real recordings are not here ({folder})"
        if os.environ.get("LEADLINE_REQUIRE_REAL") == "1":
            pytest.fail(f"LEADLINE_REQUIRE_REAL=1, but {reason}")
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder with small payloads of our own making, one folder a provider."""
    return REPOSITORY / "tests" / "samples"


@pytest.fixture(scope="session")
def scenario_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Home of the demo, made by the demo itself, once for all test processes. Copy it before changing anything.

    `LEADLINE_TEST_HOME` names one that `make demo` has made just before, so that a build does not make it again.
    """
    if made := os.environ.get("LEADLINE_TEST_HOME"):
        home = Path(made).resolve()
        assert (home / "leadline.duckdb").exists(), f"LEADLINE_TEST_HOME={made} is no home of the demo: make demo"
        return home
    from cli import demo
    from cli.errors import EXIT_PUBLISHED

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


@pytest.fixture
def sandbox() -> Iterator[Callable[..., str]]:
    """`sandbox(market_folder, faults=None) -> base address` of a stand-in that stops with the test."""
    with ExitStack() as stack:

        def start(market_folder: Path, faults: str | None = None) -> str:
            return stack.enter_context(running(market_folder, faults=faults)).base_url

        yield start
