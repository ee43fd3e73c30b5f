"""`leadline chain follow` and `leadline chain status`."""

import duckdb
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chain.published import Cells, current
from cli import terminal
from cli.errors import EXIT_PUBLISHED, EXIT_REFUSED
from pipeline.chain import NOT_CONFIGURED, follow_configured, root
from pipeline.origin import origin
from pipeline.settings import Settings
from warehouse.home import Home


def follow_chain(first_height: int | None, last_height: int | None) -> int:
    """Follow what is configured, with a progress bar; 0 when it is followed, 1 when nothing is configured.

    Raises HomeError when the home holds data of another origin, ChainError and SourceError.
    """
    settings, console = Settings(), terminal.console()
    if settings.bitcoin_rpc is not None or settings.esplora:
        Home(settings.home).claim_origin(origin(settings))
    columns = (TextColumn("blocks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("blocks", total=None)
        followed = follow_configured(
            settings,
            first_height=first_height,
            last_height=last_height,
            taken=lambda height, last: bar.update(task, completed=height, total=last),
        )
    if followed is None:
        console.print(NOT_CONFIGURED)
        return EXIT_REFUSED
    orphaned = f", {followed.orphaned} orphaned ones taken out" if followed.orphaned else ""
    console.print(f"{followed.blocks} blocks taken in{orphaned}; at height {followed.height}.")
    _show(current(root(settings.home)))
    return EXIT_PUBLISHED


def show_chain() -> None:
    """How far the published cells reach, and the newest day that the published warehouse values."""
    settings = Settings()
    _show(current(root(settings.home)))
    published = Home(settings.home).published
    if not published.exists():
        return
    with duckdb.connect(str(published), read_only=True) as connection:
        known = connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'analytics' and table_name = 'chain_day'"
        ).fetchone()
        days = connection.execute("select min(day), max(day) from analytics.chain_day").fetchone() if known else None
    valued = f"from {days[0]} to {days[1]}" if days and days[0] else "none yet; `leadline build` values them"
    terminal.console().print(f"days valued in the published warehouse: {valued}")


def _show(cells: Cells | None) -> None:
    console = terminal.console()
    if cells is None:
        console.print(f"no cells yet; {NOT_CONFIGURED}")
        return
    reach = cells.reach
    stocks = "" if reach.is_whole else "; they begin in the middle, so there is no cost basis, only profit and loss"
    console.print(
        f"cells from height {reach.first_height} to {reach.last_height} by way of {reach.way}, complete to "
        f"{reach.last_day}{stocks}"
    )
