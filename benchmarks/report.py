"""The report of the bundled scenario: how long it takes to write, how large it is, and how soon a browser shows it."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.claim import Bound, Claim, Size
from cli.demo import GOLDEN_DAY, run_demo
from pipeline.settings import environment
from reporting.page import write_report

WRITE_LIMIT_S = 3
SIZE_LIMIT_MB = 3
PAINT_LIMIT_S = 1
REPEATS = {Size.SMALL: 1, Size.FULL: 5}
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint').map(each => each.startTime)[0]"


def run(size: Size) -> Iterator[Claim]:
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
        with environment(LEADLINE_HOME=folder):
            run_demo()
        published, target = Path(folder) / "demo" / "leadline.duckdb", Path(folder) / "report"
        times = []
        for _ in range(REPEATS[size]):
            started = time.perf_counter()
            page = write_report(published, target, GOLDEN_DAY)
            times.append(time.perf_counter() - started)
        detail = f"median of {len(times)}, both languages"
        yield Claim(
            "report, from the published warehouse to the file",
            _median(times),
            Bound.AT_MOST,
            WRITE_LIMIT_S,
            "s",
            detail,
        )
        yield Claim("size of the file", page.stat().st_size / 1e6, Bound.AT_MOST, SIZE_LIMIT_MB, "MB")
        paints = list(_first_paints(page, REPEATS[size]))
        detail = f"median of {len(paints)}, opened from disk in Chromium"
        yield Claim("first paint", _median(paints), Bound.AT_MOST, PAINT_LIMIT_S, "s", detail)


def _first_paints(page: Path, repeats: int) -> Iterator[float]:
    executable = shutil.which("chromium")
    if executable is None:
        raise RuntimeError("There is no chromium on this machine. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM))
        for _ in range(repeats):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_function(f"{FIRST_PAINT} !== undefined")
            yield tab.evaluate(FIRST_PAINT) / 1000
            tab.close()
        browser.close()


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
