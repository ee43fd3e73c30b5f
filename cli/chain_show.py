"""`leadline chain show`: what the coins of the chain are worth on one day, in price bins and age bands of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb
import polars as pl
from rich.table import Table

from analytics.realised import MissingPricesError
from chain.published import Cells, current
from cli import terminal
from cli.errors import RequestError
from pipeline.chain import NOT_CONFIGURED, options, root
from pipeline.chain_valuation import loading, value_of
from pipeline.settings import Settings
from warehouse.home import Home

# How each figure of the day is written, in the order in which they are shown.
FIGURES = {
    "price_usd": ("price", "{:,.2f} USD"),
    "realized_profit_usd": ("realised profit", "{:,.0f} USD"),
    "realized_loss_usd": ("realised loss", "{:,.0f} USD"),
    "sopr": ("SOPR", "{:.4f}"),
    "spent_btc": ("spent", "{:,.2f} BTC"),
    "coin_days_destroyed": ("coin-days destroyed", "{:,.0f} BTC days"),
    "supply_btc": ("supply", "{:,.2f} BTC"),
    "supply_in_profit_pct": ("supply in profit", "{:.2f} %"),
    "supply_in_loss_pct": ("supply in loss", "{:.2f} %"),
    "realized_cap_usd": ("realised capitalisation", "{:,.0f} USD"),
    "realized_price_usd": ("realised price", "{:,.2f} USD"),
    "mvrv": ("MVRV", "{:.3f}"),
}


def show_day(day: date | None, bin_usd: int | None, ages_days: Sequence[int] | None, json: bool) -> None:
    """Print the figures, the cost basis and the ages of a closed day, the newest by default.

    Raises RequestError when there are no cells, no prices or no such day.
    """
    settings = Settings()
    cells = current(root(settings.home))
    if cells is None:
        raise RequestError(f"There are no cells yet; {NOT_CONFIGURED}.")
    published = Home(settings.home).published
    if not published.exists():
        raise RequestError("There are no prices yet; `leadline run` fetches them.")
    day = day or cells.reach.last_day
    _require_whole_day(day, cells)
    chosen = options(settings)
    if bin_usd is not None:
        chosen = replace(chosen, bin_usd=bin_usd)
    if ages_days is not None:
        chosen = replace(chosen, age_bounds_days=tuple(sorted({0, *ages_days})))
    with duckdb.connect(str(published), read_only=True) as connection:
        try:
            frames = value_of(connection, cells, day, chosen)
        except MissingPricesError as error:
            raise RequestError(loading(error)) from error
    if json:
        terminal.console().print_json(data={name: frame.to_dicts() for name, frame in frames.items()}, default=str)
    else:
        _print(frames)


def _require_whole_day(day: date, cells: Cells) -> None:
    created = pl.scan_parquet(cells.created)
    first = created.select(pl.col("created_day").min()).collect().item()
    if not cells.reach.is_whole:  # blocks of its first day may be missing
        first = created.filter(pl.col("created_day") > first).select(pl.col("created_day").min()).collect().item()
    if first is None or not first <= day <= cells.reach.last_day:
        raise RequestError(f"The cells know the days from {first} to {cells.reach.last_day}, and not {day}.")


def _print(frames: dict[str, pl.DataFrame]) -> None:
    console = terminal.console()
    [row] = frames["chain_day"].to_dicts()
    console.print(f"{row['day']}, from blocks by way of {row['way']}; flows: {row['counted']}", highlight=False)
    figures = Table.grid(padding=(0, 2))
    for name, (title, form) in FIGURES.items():
        if row.get(name) is not None:
            figures.add_row(title, form.format(row[name]))
    console.print(figures, highlight=False)
    for name, title, low, high in (
        ("chain_cost_basis", "created at, USD", "price_low_usd", "price_high_usd"),
        ("chain_age", "age, days", "age_from_days", "age_until_days"),
    ):
        if name in frames:
            console.print(_bands(frames[name], title, low, high))


def _bands(frame: pl.DataFrame, title: str, low: str, high: str) -> Table:
    table = Table(title, "BTC", "share", box=None)
    for column in table.columns:
        column.justify = "right"
    supply = frame["supply_btc"].sum()
    for row in frame.to_dicts():
        until = "and more" if row[high] is None else f"– {row[high]:,.0f}"
        share = f"{100 * row['supply_btc'] / supply:.2f} %" if supply else ""
        table.add_row(f"{row[low]:,.0f} {until}", f"{row['supply_btc']:,.2f}", share)
    return table
