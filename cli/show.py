"""`leadline show`: the board of a day."""

from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.console import Console

from cli import terminal
from cli.published import published_file
from pipeline.settings import Settings
from reporting.published import open_published
from reporting.scorecard import scorecard_of
from reporting.terminal import as_json, render
from warehouse.home import Home


def show_board(day: date | None, as_of: datetime | None, lang: str, json: bool, full: bool) -> None:
    """The board of a day in the terminal."""
    published = published_file(as_of)
    demo = Home(Settings().home / "demo").published
    if as_of is None and not published.exists() and demo.exists():
        click.echo(f"There is no run of your own yet: this is the demo in {demo.parent}.", err=True)
        published = demo
    print_board(published, day, lang=lang, json=json, full=full)


def print_board(
    published: Path,
    day: date | None,
    *,
    lang: str = "en",
    json: bool = False,
    full: bool = False,
    console: Console | None = None,
) -> None:
    """The board of a day (the newest by default) from a published file."""
    with open_published(published) as warehouse:
        board = warehouse.board(day)
        records = scorecard_of(warehouse, board.signal_date) if full else {}
    if json:
        Console(soft_wrap=True).print_json(as_json(board, lang))
    else:
        now = None if day else datetime.now(UTC)
        (console or terminal.console()).print(render(board, lang, full=full, now=now, records=records))
