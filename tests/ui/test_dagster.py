"""Dagster's pages, driven as a person does: one button, one day with a dead provider, one back-fill."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page, expect

from cli.demo import demo_settings
from sandbox.server import running
from sources.registry import DATASETS
from tests.ui.conftest import own_copy
from tests.ui.studio import LOOPBACK, Studio, free_port, studio

DEAD = "farside"
DEAD_HOST = "farside.co.uk"
PATIENCE_MS = 120_000  # for a page to show what the server knows
SIZE = {"width": 1600, "height": 1000}


@dataclass(frozen=True)
class Desk:
    """A home with a web server on it, and the port at which its stand-in upstream is expected."""

    home: Path
    port: int
    server: Studio
    page: Page

    def publication(self) -> str:
        with duckdb.connect(str(self.home / "leadline.duckdb"), read_only=True) as connection:
            [[publication]] = connection.execute("select publication_id from main.publication").fetchall()
        return str(publication)

    def materialise_all(self) -> str:
        """Open the graph, press the one button, wait. Returns the run's id; it must have succeeded."""
        known = self.server.runs()
        self.page.goto(f"{self.server.address}/asset-groups")
        button = self.page.get_by_role("button", name="Materialize all")
        expect(button).to_be_enabled(timeout=PATIENCE_MS)
        button.click()
        run, status = self.server.ended(known)
        assert status == "SUCCESS"
        return run

    def see(self, path: str, *texts: str) -> None:
        """Open a page and wait until it shows some texts."""
        self.page.goto(f"{self.server.address}/{path}")
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def desk(scenario_home: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("studio")
    home, port = own_copy(scenario_home, folder / "home"), free_port()
    settings = demo_settings(home, f"http://{LOOPBACK}:{port}")
    page = browser.new_page(viewport=SIZE)
    with studio(settings, folder / "server.log") as server:
        yield Desk(home, port, server, page)
    page.close()


def test_one_button_materialises_everything(desk: Desk, screenshots: Path) -> None:
    before = desk.publication()
    with running(desk.home / "market", port=desk.port):
        run = desk.materialise_all()
    assert desk.publication() != before
    assert desk.server.failed_checks(run) == {}
    desk.see(f"runs/{run}", "Success")
    expect(desk.page.get_by_text("Loading run logs")).to_be_hidden(timeout=PATIENCE_MS)
    desk.page.screenshot(path=screenshots / "dagster-run.png")
    desk.see("assets/raw/farside__etf_flow?view=checks", "answered", "contract", "fresh", "Passed")
    desk.see("asset-groups", "marts", "published")
    desk.page.screenshot(path=screenshots / "dagster-graph.png")


def test_an_asset_shows_its_latest_row_and_a_plot(desk: Desk, screenshots: Path) -> None:
    desk.see("assets/raw/deribit__dvol?view=overview", "latest row", "trend")
    desk.page.screenshot(path=screenshots / "dagster-asset.png")
    desk.page.get_by_text("Show Markdown").first.click()
    plot = desk.page.locator("[role=dialog] img")
    expect(plot).to_be_visible(timeout=PATIENCE_MS)
    assert plot.evaluate("image => image.naturalWidth") > 0


def test_a_dead_provider_is_red_and_everything_else_green_and_published(desk: Desk, screenshots: Path) -> None:
    before, report = desk.publication(), desk.home / "report" / "index.html"
    told_before = report.stat().st_mtime_ns
    with running(desk.home / "market", port=desk.port, faults=f"{DEAD_HOST}=blocked"):
        run = desk.materialise_all()
    failed = desk.server.failed_checks(run)
    dead = {f"raw/{dataset.table}" for dataset in DATASETS if dataset.provider.name == DEAD}
    assert {asset for asset, _ in failed} == dead
    assert {check for _, check in failed} == {"answered"}
    assert all("farside.co.uk" in says for says in failed.values())  # what happened, and what to do
    assert desk.publication() != before
    assert report.stat().st_mtime_ns > told_before
    desk.see("assets/raw/farside__etf_flow?view=checks&checkDetail=answered", "Failed")
    desk.page.screenshot(path=screenshots / "dagster-failed-check.png")


def test_history_is_filled_from_the_launchpad(desk: Desk) -> None:
    known = desk.server.runs()
    desk.see(f"locations/{desk.server.location()}/jobs/backfill/playground", "Launch Run")
    editor = desk.page.locator(".CodeMirror").first
    expect(editor).to_contain_text("each_instant", timeout=PATIENCE_MS)  # the default says what can be set
    editor.click()
    desk.page.keyboard.press("Control+A")
    days = {"first": "2026-02-03", "last": "2026-02-04", "each_instant": True}
    desk.page.keyboard.insert_text(json.dumps({"resources": {"scope": {"config": days}}}))
    with running(desk.home / "market", port=desk.port) as upstream:
        launch = desk.page.get_by_role("button", name="Launch Run")
        expect(launch).to_be_enabled(timeout=PATIENCE_MS)
        launch.click()
        _, status = desk.server.ended(known)
        asked_at = sorted(request.clock for request in upstream.requests if request.clock)
    assert status == "SUCCESS"
    # A stand-in is asked at the instants of the days themselves, the last one at their cut-off.
    assert asked_at[0] >= "2026-02-03"
    assert asked_at[-1] <= "2026-02-05T01:00:01"
