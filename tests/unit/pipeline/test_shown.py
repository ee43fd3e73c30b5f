"""A page counts as shown only while publication, drawing code and settings are the same and it is there."""

from pathlib import Path

import duckdb
import pytest

from pipeline import shown
from pipeline.shown import is_shown, remember_shown
from warehouse.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.report.mkdir(parents=True)
    (home.report / "index.html").write_text("drawn", encoding="utf-8")
    _publish(home, "first")
    return home


def test_a_page_that_was_drawn_from_this_publication_is_shown(home: Home) -> None:
    page = home.report / "index.html"
    assert not is_shown(home, page)
    remember_shown(home, page)
    assert is_shown(home, page)


def test_another_publication_or_setting_has_it_drawn_again(home: Home) -> None:
    page = home.report / "index.html"
    remember_shown(home, page, "https://example.org/")
    assert not is_shown(home, page, "https://example.com/")
    _publish(home, "second")
    assert not is_shown(home, page, "https://example.org/")


def test_a_page_that_was_taken_away_is_drawn_again(home: Home) -> None:
    page = home.report / "index.html"
    remember_shown(home, page)
    page.unlink()
    assert not is_shown(home, page)


def test_other_drawing_code_has_it_drawn_again(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = home.report / "index.html"
    remember_shown(home, page)
    (tmp_path / "reporting").mkdir()
    (tmp_path / "reporting" / "page.html.j2").write_text("another template", encoding="utf-8")
    # Drawing code of our own, so that the project's is not edited.
    monkeypatch.setattr(shown, "DRAWN_BY", tmp_path / "reporting")
    shown._code.cache_clear()
    assert not is_shown(home, page)
    monkeypatch.undo()
    shown._code.cache_clear()
    assert is_shown(home, page)


def _publish(home: Home, publication_id: str) -> None:
    home.published.unlink(missing_ok=True)
    with duckdb.connect(str(home.published)) as connection:
        connection.execute("create table main.publication (publication_id varchar)")
        connection.execute("insert into main.publication values (?)", [publication_id])
