"""Commands that only look: at the published warehouse, or at what is declared."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration import terminal
from orchestration.request import RequestError
from orchestration.settings import Settings
from reporting.board import open_published, read_board
from reporting.terminal import as_json, render
from sources import DATASETS
from warehouse.home import Home

MOST_ROWS = 1_000


def show_board(day: date | None, as_of: datetime | None, lang: str, json: bool) -> None:
    """The board of a day in the terminal."""
    print_board(_published(as_of), day, lang=lang, json=json)


def print_board(
    published: Path, day: date | None, *, lang: str = "en", json: bool = False, console: Console | None = None
) -> None:
    """The board of a day (the newest by default) from a published file."""
    board = read_board(published, day)
    if json:
        Console(soft_wrap=True).print_json(as_json(board))
    else:
        (console or terminal.console()).print(render(board, lang))


def show_rules(day: date | None) -> None:
    """Every rule with whether it holds and the distance to its flip."""
    with open_published(_published(None)) as warehouse:
        newest = warehouse.rows("select max(signal_date) as day from marts.fct_regime_daily")[0]["day"]
        rows = warehouse.rows("select * from marts.fct_rule_daily where signal_date = $day", day=day or newest)
    _print(rows)


def show_status() -> None:
    """Freshness and coverage of every dataset, as the published warehouse has it."""
    with open_published(_published(None)) as warehouse:
        _print(warehouse.sources())


def show_sources() -> None:
    """Every declared dataset; needs no warehouse."""
    settings = Settings()
    table = Table("dataset", "bucket", "asked", "key", "may republish", "licence", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for dataset in DATASETS:
        provider = dataset.provider
        key = "none needed"
        if provider.key_variable:
            key = "set" if settings.key(provider.name) else f"needs a key: {provider.key_variable}"
        republish = "yes" if provider.may_republish else "no"
        table.add_row(dataset.id, dataset.bucket, dataset.cadence, key, republish, provider.licence)
    terminal.console().print(table)


def query_published(query: str | None) -> None:
    """One query, or a prompt that takes one a line until its end."""
    connection = duckdb.connect(str(_existing(_published(None))), read_only=True)
    # The file is open; from here on a query reads it and nothing else of this machine.
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    console = terminal.console()
    if query is not None:
        _answer(connection, query, console)
        return
    console.print("SQL on the published warehouse, read-only; one statement a line. Try: from marts.fct_regime_daily")
    while True:
        try:
            line = console.input("leadline> ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if line in {"exit", "quit", ".exit", ".quit"}:
            return
        if line:
            try:
                _answer(connection, line, console)
            except RequestError as error:
                console.print(f"[red]{error}[/]")


def _answer(connection: duckdb.DuckDBPyConnection, query: str, console: Console) -> None:
    try:
        relation = connection.sql(query)
    except duckdb.Error as error:
        raise RequestError(f"{error}") from error
    if relation is None:
        return
    if console.is_terminal:
        console.print(str(relation), highlight=False, markup=False)
        return
    # For a pipe: tab-separated, all rows.
    console.print("\t".join(relation.columns), highlight=False, markup=False, soft_wrap=True)
    while rows := relation.fetchmany(MOST_ROWS):
        for row in rows:
            console.print("\t".join(map(_cell, row)), highlight=False, markup=False, soft_wrap=True)


def _print(rows: Sequence[dict[str, object]]) -> None:
    if not rows:
        raise RequestError("There is nothing to show. `leadline run` fetches and builds.")
    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    terminal.console().print(table)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _published(as_of: datetime | None) -> Path:
    home = Home(Settings().home)
    return (home if as_of is None else home.as_of(as_of)).published


def _existing(published: Path) -> Path:
    if not published.exists():
        raise RequestError(f"There is no published warehouse at {published}. `leadline run` makes one.")
    return published
