"""One Chromium for all tests of this folder, and a folder where their screenshots stay for whoever looks at a build."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import REPOSITORY

# No sandbox, because build machines run as root in a container; and nothing that asks the network by itself.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.ui)


@pytest.fixture(scope="session")
def browser(scenario_home: Path) -> Iterator[Browser]:
    """The system's Chromium, headless. Without one the tests fail: they are the only look at what people see.

    The scenario is made first: once Playwright runs its event loop in this process, Dagster cannot run another.
    """
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("There is no chromium on this machine. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


def own_copy(scenario_home: Path, to: Path) -> Path:
    """A copy of the demo's home that a test may change, with the market that fills it."""
    shutil.copytree(scenario_home, to, symlinks=True)
    return to


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where screenshots go: `build/screenshots`, kept as artefacts of a build."""
    folder = REPOSITORY / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
