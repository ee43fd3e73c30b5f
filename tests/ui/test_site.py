"""The site as a browser shows it: the answer at first sight, hover, tables, keys, a past day, in both languages."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cli.demo import GOLDEN_DAY
from cli.site_server import application
from reporting.site.build import write_site
from tests.ui.test_report import WCAG_AA

DESK, PHONE, NARROW = (1280, 720), (390, 844), (360, 740)
OVERVIEWS = ("history", "compare", "methodology", "sources", "programs", "signals", "buckets", "buckets/options")
WIDER_FONTS_PX = 80  # what other machines' fonts may add to the height of the first screen
WIRE_LIMIT_BYTES = 300_000
CHART_SCRIPT = "lightweight-charts.js"


@pytest.fixture(scope="module")
def site(scenario_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(scenario_home / "leadline.duckdb", tmp_path_factory.mktemp("site")).folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site over HTTP, as `leadline serve` gives it."""
    server = uvicorn.Server(uvicorn.Config(application(site), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]})
    yield made
    made.close()


def drawn(page: Page, number: int = 0) -> None:
    """Wait until a chart of the page is drawn."""
    figure = page.locator("figure.live").nth(number)
    figure.scroll_into_view_if_needed()
    expect(figure.locator(".plot canvas").first).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("prefix", ["", "zh/"])
def test_the_answer_is_seen_without_scrolling_and_without_a_script(
    browser: Browser, site: Path, screenshots: Path, prefix: str, size: tuple[int, int]
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, java_script_enabled=False)
    page = context.new_page()
    page.goto((site / f"{prefix}{GOLDEN_DAY}" / "index.html").as_uri())
    for answer in (page.locator("h1"), page.locator(".lead"), page.locator(".glance li").last):
        box = answer.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size[1] - WIDER_FONTS_PX
    page.screenshot(path=screenshots / f"site-day-{prefix.strip('/') or 'en'}-{size[0]}-no-script.png")
    context.close()


@pytest.mark.parametrize("folder", [str(GOLDEN_DAY), "", *OVERVIEWS, "signals/rr25_30d"])
@pytest.mark.parametrize("prefix", ["", "zh/"])
def test_no_page_scrolls_sideways_on_a_narrow_phone(browser: Browser, site: Path, prefix: str, folder: str) -> None:
    page = browser.new_page(viewport={"width": NARROW[0], "height": NARROW[1]})
    page.goto((site / f"{prefix}{folder}" / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    page.close()


@pytest.mark.parametrize("how", ["disk", "http"])
def test_charts_say_date_and_value_under_the_pointer_and_by_keys(
    page: Page, site: Path, address: str, screenshots: Path, how: str
) -> None:
    complaints = list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    at = (site / f"{GOLDEN_DAY}" / "index.html").as_uri() if how == "disk" else f"{address}{GOLDEN_DAY}/"
    page.goto(at)
    drawn(page)
    legend = page.locator("figure.live .legend").first
    expect(legend).to_contain_text(f"{GOLDEN_DAY}")
    expect(legend).to_contain_text("69,950")
    plot = page.locator("figure.live .plot").first
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(legend).not_to_contain_text(f"{GOLDEN_DAY}")
    expect(legend).to_contain_text("2025-")
    page.mouse.move(0, 0)
    plot.focus()
    plot.press("ArrowLeft")
    expect(legend).to_contain_text("2026-02-05")
    expect(legend).to_contain_text("62,600")
    page.screenshot(path=screenshots / f"site-day-hover-{how}.png")
    assert complaints == []


def test_a_chart_has_its_table_and_its_ranges(page: Page, site: Path) -> None:
    page.goto((site / "signals" / "rr25_30d" / "index.html").as_uri())
    drawn(page)
    page.get_by_role("button", name="Table").click()
    assert page.locator("figure.live tbody tr").count() > 100
    page.get_by_role("button", name="3 m").click()
    expect(page.get_by_role("button", name="3 m")).to_have_attribute("aria-pressed", "true")


def test_a_past_day_shows_nothing_that_came_later(page: Page, site: Path) -> None:
    page.goto((site / "2026-02-05" / "index.html").as_uri())
    drawn(page)
    page.get_by_role("button", name="Table").first.click()
    days = page.locator("figure.live tbody th").all_inner_texts()
    assert max(days) == "2026-02-05"


def test_two_days_are_compared_and_the_address_says_which(page: Page, site: Path, screenshots: Path) -> None:
    page.goto((site / "compare" / "index.html").as_uri() + "?a=2026-02-05&b=2026-02-06")
    row = page.locator("tr[data-row=regime] td")
    expect(row.nth(0)).to_have_text("Capitulation")
    expect(row.nth(1)).to_have_text("Relief rally")
    page.screenshot(path=screenshots / "site-compare.png")


@pytest.mark.parametrize(
    ("folder", "scheme"),
    [
        (f"{GOLDEN_DAY}", "light"),
        (f"zh/{GOLDEN_DAY}", "dark"),
        ("signals/rr25_30d", "dark"),
        *((each, "light") for each in OVERVIEWS),
    ],
)
def test_pages_are_accessible(browser: Browser, site: Path, screenshots: Path, folder: str, scheme: str) -> None:
    page = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto((site / folder / "index.html").as_uri())
    if page.locator("figure.live").count():
        drawn(page)
    found = Axe().run(page, options=WCAG_AA)
    page.screenshot(path=screenshots / f"site-{folder.replace('/', '-')}.png", full_page=True)
    page.close()
    assert found.violations_count == 0, found.generate_report()


def test_a_day_is_light_over_the_wire(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]})
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes, names = dict[str, int](), dict[str, str]()
    session.on("Network.responseReceived", lambda event: names.update({event["requestId"]: event["response"]["url"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(f"{address}{GOLDEN_DAY}/")
    for number in range(page.locator("figure.live").count()):
        drawn(page, number)
    page.wait_for_load_state("networkidle")
    shown = {names[each]: size for each, size in sizes.items() if CHART_SCRIPT not in names[each]}
    page.close()
    assert len(shown) > 5
    assert sum(shown.values()) <= WIRE_LIMIT_BYTES, shown


def test_a_late_site_says_so(browser: Browser, site: Path, tmp_path: Path) -> None:
    page = browser.new_page()
    newest = (site / "index.html").read_text(encoding="utf-8")
    assert "data-due" not in newest  # a simulated market is never late
    text = newest.replace("<body ", '<body data-due="2026-02-12T01:00:00+00:00" ')
    (site / "late.html").write_text(text, encoding="utf-8")
    page.goto((site / "late.html").as_uri())
    expect(page.locator(".late")).to_be_visible()
    assert "{" not in page.locator(".late").inner_text()
    (site / "late.html").unlink()
    page.close()
