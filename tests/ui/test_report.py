"""The report as a browser shows it, opened from disk: in both languages, light and dark, on a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from cli.demo import GOLDEN_DAY
from reporting.page import write_report

DESK, PHONE = (1280, 800), (390, 844)
LIMIT_BYTES = 3_000_000
WCAG_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LANGUAGES = ("en", "zh")
SCHEMES = ("light", "dark")
# The verdict of the last golden day begins with its position: tested, from below.
VERDICT = {"en": "Tested: back inside 66 900–70 000", "zh": "回测：已回到 66 900–70 000 之内"}


@pytest.fixture(scope="module")
def report(scenario_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the day that the article is about."""
    return write_report(scenario_home / "leadline.duckdb", tmp_path_factory.mktemp("report"), GOLDEN_DAY)


@pytest.fixture(scope="module")
def public(scenario_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(scenario_home / "leadline.duckdb", tmp_path_factory.mktemp("public"), GOLDEN_DAY, public=True)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]})
    yield made
    made.close()


def test_the_report_needs_nothing_but_its_file(page: Page, scenario_home: Path) -> None:
    asked, complaints = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    report = (scenario_home / "report" / "index.html").as_uri()
    page.goto(report)
    assert page.locator("h1").first.is_visible()
    assert [url for url in asked if url != report and not url.startswith("data:")] == []
    assert complaints == []


def test_the_report_is_small_enough_to_mail(report: Path) -> None:
    assert report.stat().st_size <= LIMIT_BYTES


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_look_fits_its_screen(
    browser: Browser, report: Path, screenshots: Path, language: str, scheme: str, size: tuple[int, int]
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{report.as_uri()}#{language}")
    [heading] = page.locator("h1:visible").all()
    said = heading.inner_text().replace("\u202f", " ").replace("\u00a0", " ")
    assert said.startswith(VERDICT[language])
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.screenshot(path=screenshots / f"report-{language}-{scheme}-{size[0]}.png", full_page=True)
    page.close()


@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [("en", "light", DESK), ("en", "dark", PHONE), ("zh", "light", PHONE), ("zh", "dark", DESK)],
)
def test_each_language_and_scheme_is_accessible(
    browser: Browser, report: Path, language: str, scheme: str, size: tuple[int, int]
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{report.as_uri()}#{language}")
    found = Axe().run(page, options=WCAG_AA)
    assert found.violations_count == 0, found.generate_report()
    page.close()


def test_opened_details_are_accessible_too(page: Page, report: Path) -> None:
    page.goto(f"{report.as_uri()}#en")
    # One table of data stands for all: they are made by the same macro.
    opened = "#en .reading details, #en .traces, #en .traces details, #en #en-trace > details, #en figure.price details"
    page.evaluate(f"document.querySelectorAll('{opened}').forEach(each => each.open = true)")
    found = Axe().run(page, options=WCAG_AA)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_public_report_is_accessible_and_shows_no_withheld_value(page: Page, public: Path, language: str) -> None:
    page.goto(f"{public.as_uri()}#{language}")
    text = page.locator("main:visible").inner_text().replace("\u202f", " ").replace("\u00a0", " ")
    # Close, funding, skew and flow of the day, as the own report has them.
    assert not any(value in text for value in ("69 950", "−0.0141", "−9.57", "434.1", "4.34"))
    assert {"en": "not for republication", "zh": "来源不允许转载"}[language] in text
    found = Axe().run(page, options=WCAG_AA)
    assert found.violations_count == 0, found.generate_report()


def test_the_language_is_switched_by_keyboard_and_kept_on_the_way_through_the_page(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    assert page.locator("#en").is_visible()
    assert not page.locator("#zh").is_visible()
    seen = []
    for _ in range(4):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent"))
    assert seen[:3] == ["Skip to the board", "English", "中文"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.locator("#zh").is_visible()
    assert not page.locator("#en").is_visible()
    page.locator("#zh .contents a").nth(2).click()
    assert page.locator("#zh").is_visible()
    assert page.url.endswith("#zh-charts")
    page.go_back()
    page.go_back()
    assert page.locator("#en").is_visible()


def test_without_scripts_the_report_is_the_same(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#en h1").is_visible()
    page.locator("#en .switch a").nth(1).click()
    assert page.locator("#zh h1").is_visible()
    context.close()


def test_a_chart_gives_its_data_to_who_cannot_see_it(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    figure = page.locator("#en figure", has_text="Options: 25-delta skew")
    label = figure.locator("svg").get_attribute("aria-label") or ""
    assert "−9.57" in label
    figure.locator("summary").press("Enter")
    newest = figure.locator("tbody tr").first.inner_text().replace("\u00a0", " ").split("\t")
    assert newest[0] == str(GOLDEN_DAY)
    assert newest[1] == "−9.57 vol"


def test_states_differ_in_shape_as_well_as_in_colour(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    shown = {text.split()[1]: text.split()[0] for text in page.locator("#en .glance .state").all_inner_texts()}
    assert shown == {"bear": "▼", "improving": "△"}


def test_print_leaves_out_what_only_a_screen_needs(page: Page, report: Path, screenshots: Path) -> None:
    page.goto(f"{report.as_uri()}#zh")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#zh .switch").is_visible()
    assert not page.locator("#zh details.data").first.is_visible()
    assert not page.locator("#en").is_visible()
    # Paper is white, whatever the screen was.
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.pdf(path=screenshots / "report-zh.pdf", prefer_css_page_size=True)
    assert (screenshots / "report-zh.pdf").stat().st_size > 10_000
