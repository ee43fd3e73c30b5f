"""`leadline sql`: one query, or a prompt; answered by a process that can write nothing."""

import click
from rich.console import Console

from cli import terminal
from cli.published import existing, published_file
from reporting.sql_session import FOR_PEOPLE, QueryError, SqlSession


def query_published(query: str | None) -> None:
    """One query, or a prompt that takes one a line until its end."""
    console = terminal.console()
    with SqlSession(existing(published_file()), FOR_PEOPLE) as session:
        if query is not None:
            _answer(session, query, console)
            return
        console.print(
            "SQL on the published warehouse, read-only; one statement a line. Try: from marts.fct_regime_daily"
        )
        while True:
            try:
                line = console.input("leadline> ").strip()
            except (EOFError, KeyboardInterrupt):
                return
            if line in {"exit", "quit", ".exit", ".quit"}:
                return
            if line:
                try:
                    _answer(session, line, console)
                except QueryError as error:
                    console.print(f"{error}", style="red", markup=False)


def _answer(session: SqlSession, query: str, console: Console) -> None:
    if console.is_terminal:
        console.print(session.box(query), highlight=False, markup=False)
        return
    # For a pipe: tab-separated, all rows.
    is_cut_off = False
    for message in session.stream(query, "text"):
        lines = [message["columns"]] if "columns" in message else message.get("rows", ())
        if lines:
            click.echo("\n".join("\t".join(cells) for cells in lines))
        is_cut_off = message.get("is_cut_off", False)
    if is_cut_off:
        click.echo("leadline: cut off there; ask for fewer rows, or read the Parquet extracts.", err=True)
