"""Commands that only read: the published warehouse, or the declarations."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli import terminal
from cli.request import RequestError
from pipeline.code_version import code_version
from pipeline.freshness import newest_value, now_of, stale
from pipeline.settings import Settings
from reporting.board import open_published
from reporting.observed import lateness
from reporting.scorecard import scorecard_of
from reporting.sql_session import FOR_PEOPLE, QueryError, SqlSession
from reporting.terminal import as_json, render
from reporting.words import Words
from sources import DATASETS, PROVIDERS
from sources.core.dataset import Access, Bucket, Dataset
from warehouse.coverage import stored_gaps
from warehouse.database import connect
from warehouse.home import Home

PLAIN: Mapping[str, Any] = {"box": None, "pad_edge": False}
_HOLDS = {True: "✓", False: "✗", None: "unknown"}


def show_board(day: date | None, as_of: datetime | None, lang: str, json: bool, full: bool) -> None:
    """The board of a day in the terminal."""
    published = _published(as_of)
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


def show_rules(day: date | None) -> None:
    """Every rule in force on a day: whether it holds, on which reading, and the distance to its flip."""
    with open_published(_published(None)) as warehouse:
        rows = warehouse.rows(
            """
            select
                rule.scope, rule.target_id, rule.direction, daily.rule_id, daily.holds, daily.value, rule.signal_id,
                rule.measure, rule.operator, rule.enter_threshold, rule.unit, daily.readings_met, rule.readings,
                daily.flip_distance, daily.observed_date
            from marts.fct_rule_daily as daily
            join marts.dim_rule as rule
                on rule.rule_id = daily.rule_id and daily.signal_date between rule.valid_from and rule.valid_to
            where daily.signal_date = coalesce($day, (select max(signal_date) from marts.fct_rule_daily))
            order by rule.scope, rule.target_id, rule.direction, daily.rule_id
            """,
            day=day,
        )
    if not rows:
        raise RequestError(f"No rule was evaluated on {day}. `leadline show` names the days that there are.")
    table = Table("rule", "says", "holds", "reading", "rule holds when", "readings", "to flip", "observed", **PLAIN)
    for row in rows:
        measure = row["signal_id"] + ("" if row["measure"] == "value" else f", {row['measure']}")
        condition = f"{measure} {row['operator']} {_number(row['enter_threshold'])}"
        table.add_row(
            row["rule_id"],
            f"{row['target_id']} {row['direction']}",
            _HOLDS[row["holds"]],
            f"{_number(row['value'])} {row['unit'] or ''}",
            condition,
            f"{row['readings_met'] or 0} of {row['readings']}",
            _number(row["flip_distance"]),
            _cell(row["observed_date"]),
        )
    terminal.console().print(table)


def show_status() -> None:
    """Freshness and coverage of every dataset, as the published warehouse has it."""
    published = _existing(_published(None))
    with open_published(published) as warehouse:
        rows = warehouse.rows("select * from marts.dim_source order by dataset_id")
        days = warehouse.signal_dates()
        late = lateness(warehouse.board(days[-1])) if days else 0
    if late:
        terminal.console().print(Words("en").say("site", "late", date=days[-1], days=late), style="bold red")
    table = Table("dataset", "state", "newest observation", "rows", "rejected", "last asked", "answer", **PLAIN)
    with connect(published, read_only=True) as connection:
        now = now_of(published.parent, connection)
        declared = {dataset.id: dataset for dataset in DATASETS}
        for row in rows:
            newest = row["last_observed_at"]
            newest_at = newest and newest.replace(tzinfo=UTC)
            dataset = declared.get(row["dataset_id"])
            overdue = (
                stale(dataset, newest_value(connection, dataset), now, connection)
                if dataset
                else _late(row, newest_at, now)
            )
            table.add_row(
                row["dataset_id"],
                _state(row["access"], row["last_outcome"], overdue),
                _minute(newest),
                f"{row['rows_loaded'] or 0:,}",
                f"{row['rows_quarantined'] or 0:,}",
                _minute(row["last_attempt_at"]),
                row["last_message"] or _cell(row["last_outcome"]),
            )
        missing = [f"{dataset_id}: {gap}" for dataset_id, gap in stored_gaps(connection)]
    console = terminal.console()
    console.print(table)
    if missing:
        console.print("\nMissing:")
        for line in missing:
            console.print(f"  {line}", highlight=False)


def _late(row: Mapping[str, Any], newest: datetime | None, now: datetime) -> str:
    """As `stale`, for what is computed here and not declared by a provider."""
    due_s = row["period_s"] + row["publication_lag_s"] + row["fresh_for_s"]
    return "late" if newest is None or now - newest > timedelta(seconds=due_s) else ""


def _state(access: str, outcome: str | None, late: str) -> str:
    if access == Access.ARCHIVE:
        return "on request"
    return "needs a key" if outcome == "needs_key" else "stale" if late else "fresh"


def show_sources() -> None:
    """Every declared dataset and its terms; needs no warehouse, but says when each last answered where there is one."""
    settings = Settings()
    answered = _last_answers(Home(settings.home).published)
    names = ("bucket", "dataset", "asked", "out after", "history", "key", "pass on", "last answer")
    table = Table(*names, padding=(0, 1, 0, 0), **PLAIN)
    for column in table.columns:
        column.no_wrap = True
    for dataset in sorted(DATASETS, key=lambda dataset: (list(Bucket).index(dataset.bucket), dataset.id)):
        provider = dataset.provider
        key = "" if provider.key_variable is None else "set" if settings.key(provider.name) else "needed"
        table.add_row(
            dataset.bucket,
            dataset.id,
            "named" if dataset.access is Access.ARCHIVE else dataset.cadence.value,
            _after(dataset.publication_lag),
            _reach(dataset),
            key,
            "yes" if provider.may_republish else "no",
            _minute(answered.get(dataset.id)),
        )
    console = terminal.console()
    console.print(table)
    terms = Table("provider", "key", "licence", **PLAIN)
    for provider in sorted(PROVIDERS, key=lambda provider: provider.name):
        key = "none needed"
        if provider.key_variable:
            key = "set" if settings.key(provider.name) else f"needs a key: {provider.key_variable}"
        terms.add_row(provider.name, key, provider.licence)
    console.print()
    console.print(terms)
    console.print(
        "\nasked: the schedule, or only when named with --select · out after: how long after the end of its period a\n"
        "value is published · pass on: whether values may be republished",
        highlight=False,
    )


def _last_answers(published: Path) -> Mapping[str, datetime]:
    """When each dataset last answered, as the published warehouse has it; empty before there is one."""
    if not published.exists():
        return {}
    with connect(published, read_only=True) as connection:
        return dict(
            connection.execute(
                "select dataset_id, max(finished_at) from raw.attempt where outcome = 'answered' group by dataset_id"
            ).fetchall()
        )


def _after(lag: timedelta) -> str:
    """How long after the end of its period a value is out."""
    if not lag:
        return "at once"
    for unit, name, most in (("minutes", "min", timedelta(hours=1)), ("hours", "h", timedelta(days=2))):
        if lag < most:
            return f"{lag / timedelta(**{unit: 1}):.0f} {name}"
    return f"{lag / timedelta(days=1):.0f} d"


def _reach(dataset: Dataset) -> str:
    """How far back a provider can be asked."""
    if dataset.access is Access.NOW:
        return "now only"
    return "whole" if dataset.depth is None else f"{dataset.depth.days} d"


def query_published(query: str | None) -> None:
    """One query, or a prompt that takes one a line until its end."""
    console = terminal.console()
    with SqlSession(_existing(_published(None)), FOR_PEOPLE) as session:
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


def serve_assistants(public: bool) -> None:
    """A Model Context Protocol server on standard input and output, until the client hangs up."""
    from reporting.assistant import server

    server(_published(None), public=public, version=code_version()).run("stdio")


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


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"


def _minute(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


def _published(as_of: datetime | None) -> Path:
    home = Home(Settings().home)
    return (home if as_of is None else home.as_of(as_of)).published


def _existing(published: Path) -> Path:
    if not published.exists():
        raise RequestError(f"There is no published warehouse at {published}. `leadline run` makes one.")
    return published
