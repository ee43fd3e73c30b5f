"""`leadline status`: freshness and coverage of every dataset."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.table import Table

from cli import terminal
from cli.published import PLAIN, cell, existing, minute, published_file
from pipeline.freshness import newest_value, now_of, stale
from reporting.localization import Words
from reporting.observed import lateness
from reporting.published import open_published
from sources.core.dataset import Access
from sources.registry import DATASETS
from warehouse.coverage import stored_gaps
from warehouse.database import connect


def show_status() -> None:
    """Freshness and coverage of every dataset, as the published warehouse has it."""
    published = existing(published_file())
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
                minute(newest),
                f"{row['rows_loaded'] or 0:,}",
                f"{row['rows_quarantined'] or 0:,}",
                minute(row["last_attempt_at"]),
                row["last_message"] or cell(row["last_outcome"]),
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
