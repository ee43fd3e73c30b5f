"""The record of each condition next to its words in the terminal: in the full view of the newest date only."""

import io
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from cli.show import print_board
from reporting.scorecard import HORIZON_DAYS
from tests.unit.reporting.warehouses import DAY, publish

RECORDS = """
    create table marts.fct_scorecard as
    select * from (values
        ('condition', 'H1', 'holds', 800, 7, 63, 4.9, 4.6, 0.4, -2.3, 3.1, 'nothing'),
        ('condition', 'S3', 'holds', 39, 3, 1, -20.5, -0.1, -20.4, -26.0, -12.0, 'too_few'),
        ('regime', 'regime', 'relief_rally', 20, 1, 1, 3.0, 1.0, 2.0, null, null, 'too_few')
    ) as records (
        kind, subject, state, days_true, stretches, windows, return_true_pct, return_false_pct, difference_pct,
        lo90_pct, hi90_pct, verdict
    )
    cross join (select {days} as horizon_days)
"""
SAID = {
    "en": ("On its own record this has not told good days from bad", "7 stretches", "opposite", "in one stretch only"),
    "zh": ("就其自身成绩而言，未能区分好日子与坏日子", "7 段", "方向与其名称所示相反", "只出现过一段"),
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    file = publish(tmp_path / "leadline.duckdb")
    with duckdb.connect(str(file)) as connection:
        connection.execute(RECORDS.format(days=HORIZON_DAYS))
    return file


def shown(published: Path, language: str, day: date | None = None, *, full: bool = True, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_board(published, day, lang=language, full=full, console=console)
    file = console.file
    assert isinstance(file, io.StringIO)
    return "".join(file.getvalue().split()) if language == "zh" else " ".join(file.getvalue().split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_full_view_of_the_newest_date_says_what_followed_each_condition(published: Path, language: str) -> None:
    text = shown(published, language)
    for words in SAID[language]:
        assert words.replace(" ", "" if language == "zh" else " ") in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_older_date_and_the_short_view_do_not_know_it(published: Path, language: str) -> None:
    for text in (shown(published, language, DAY - timedelta(days=1)), shown(published, language, full=False)):
        assert not any(words in text for words in SAID[language])


def test_a_file_without_a_scorecard_says_nothing_of_records(tmp_path: Path) -> None:
    assert "on any day yet" not in shown(publish(tmp_path / "leadline.duckdb"), "en")
