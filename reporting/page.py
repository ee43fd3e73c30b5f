"""The report: one page in both languages that needs nothing but a browser, drawn from the published warehouse."""

from datetime import date
from pathlib import Path

from reporting.board import Board
from reporting.charts import draw_all
from reporting.context import Context, read_context
from reporting.localization import LANGUAGE_TAGS, LANGUAGES
from reporting.published import open_published
from reporting.templating import environment
from reporting.view import View, column_heads

PAGE = "index.html"
# Sections that a reader can jump to: what their identifiers end with, and their heading.
CONTENTS = (
    *(("board", "table_title"), ("framework", "framework_title"), ("charts", "charts"), ("options-section", "options")),
    *(("moves", "moves"), ("calendar", "calendar"), ("health", "health"), ("trace", "trace_title")),
)


def write_report(published: Path, folder: Path, day: date | None = None, *, public: bool = False) -> Path:
    """Write the report of a date (the newest by default) and return its page.

    `public` leaves out the values whose source forbids passing them on, and what is drawn from them. Raises BoardError
    when the published warehouse cannot answer.
    """
    with open_published(published, public=public) as warehouse:
        board = warehouse.board(day)
        context = read_context(warehouse, board)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / PAGE
    side = page.with_suffix(".part")
    side.write_text(render_page(board, context), encoding="utf-8")
    side.replace(page)  # a reader never sees half a page
    return page


def render_page(board: Board, context: Context) -> str:
    """The page as HTML text."""
    charts = draw_all(board, context)
    views = [View(board, context, charts, language) for language in LANGUAGES]
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            board=board,
            views=views,
            tags=LANGUAGE_TAGS,
            figures="drawn",
            contents=CONTENTS,
            column_heads=column_heads(),
        )
    )
