"""The report: one page a language that needs nothing but a browser, drawn from the published warehouse."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reporting.board import BUCKETS, Board, History, open_published
from reporting.charts import line_chart, price_chart
from reporting.words import LANGUAGES, MARKS, MONEY, Words, headlines, number

PAGES: Final = {"en": "index.html", "zh": "zh.html"}


def write_report(published: Path, folder: Path, day: date | None = None) -> Path:
    """Write the report of a date (the newest by default) and return its English page.

    Raises BoardError when the published warehouse cannot answer.
    """
    with open_published(published) as warehouse:
        board = warehouse.board(day)
        history = warehouse.history(board)
        sources = warehouse.sources()
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        page = folder / PAGES[language]
        side = page.with_suffix(".part")
        side.write_text(render_page(board, history, sources, language), encoding="utf-8")
        side.replace(page)  # a reader never sees half a page
    return folder / PAGES["en"]


def render_page(board: Board, history: History, sources: list[dict[str, Any]], language: str = "en") -> str:
    """The page as HTML text."""
    words = Words(language)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["stamp"] = _stamp
    return environment.get_template("report.html.j2").render(
        board=board,
        words=words,
        other_language=next(each for each in LANGUAGES if each != language),
        pages=PAGES,
        marks=MARKS,
        headlines=_headlines(board),
        price_chart=price_chart(history),
        bucket_charts={bucket: line_chart(series) for bucket, series in history.primaries.items()},
        sources=sorted(sources, key=_bucket_order),
        number=number,
        money=MONEY,
    )


def _headlines(board: Board) -> Mapping[str, list[Any]]:
    """The readings under each bucket's primary one, as far as they are known."""
    return {
        bucket.bucket: [
            reading
            for signal_id in headlines(bucket.bucket)
            if (reading := board.readings.get(signal_id)) and reading.value is not None and reading != bucket.primary
        ]
        for bucket in board.buckets
    }


def _bucket_order(source: Mapping[str, Any]) -> tuple[int, str]:
    bucket = source["bucket"]
    return (BUCKETS.index(bucket) if bucket in BUCKETS else len(BUCKETS), source["dataset_id"])


def _stamp(value: datetime | date | None) -> str:
    """An instant to the minute, or a date; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"
