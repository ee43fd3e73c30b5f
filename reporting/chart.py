"""What a chart of the day's page is made of, however it is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reporting.board import Board
from reporting.context import BoardHistory, Context, MoveAttribution

MOVE_PARTS: Final = ("macro", "positioning", "spot_demand", "unexplained")


@dataclass(frozen=True)
class Chart:
    """A drawing with the table it was made of.

    `columns` are keys of the texts (the first names the rows); cells are dates, numbers, words or null. `subject` is
    the signal of a chart over time, from which its sentence is made. `template` is empty where a script draws.
    """

    name: str
    template: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    subject: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def panels_known(history: BoardHistory, bucket: str) -> list[str]:
    """The signals of a bucket's chart that have a value to draw."""
    return [name for name in history.panels[bucket] if name in history.signals and history.signals[name].known]


def move_table(moves: Sequence[MoveAttribution]) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    """Columns and rows of the split of the returns, the newest day first."""
    rows = tuple(
        (move.signal_date, move.return_pct, *(getattr(move, f"{part}_pct") for part in MOVE_PARTS), move.r2)
        for move in reversed(moves)
    )
    return ("date", "return", *MOVE_PARTS, "r2"), rows


def live_charts(board: Board, context: Context) -> dict[str, Chart]:
    """The charts that a script draws from the site's data, by name; what is not known has none."""
    charts = {"price": Chart("price", "", (), ())}
    for bucket in board.buckets:
        if known := panels_known(context.history, bucket.bucket):
            charts[bucket.bucket] = Chart(bucket.bucket, "", ("date", *known), (), subject=known[0])
    if context.moves:
        charts["moves"] = Chart("moves", "", *move_table(context.moves), facts={"last": context.moves[-1]})
    return charts
