"""The report as a browser shows it, opened from disk."""

from pathlib import Path

from playwright.sync_api import Browser


def test_the_report_needs_nothing_but_its_file(browser: Browser, scenario_home: Path) -> None:
    page = browser.new_page()
    asked, complaints = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    report = (scenario_home / "report" / "index.html").as_uri()
    page.goto(report)
    assert page.locator("h1").first.is_visible()
    assert [url for url in asked if url != report and not url.startswith("data:")] == []
    assert complaints == []
    page.close()
