"""What the rules would say of a day if some readings had been others: the rule engine run twice, and the difference."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from pipeline.rule_engine import Row, RuleEngine, WhatIfError

# What is compared, by answer: the column that names a row (None where there is one a day), and what may change in it.
COMPARED: Final[Mapping[str, tuple[str | None, Sequence[str]]]] = {
    "fct_bucket_daily": ("bucket", ("state",)),
    "fct_condition_daily": ("condition_id", ("holds",)),
    "fct_regime_daily": (
        None,
        ("verdict_line", "position", "side", "evidence_for_level", "regime", "next_condition", "fully_confirmed"),
    ),
}


@dataclass(frozen=True)
class Move:
    """A reading that is replaced."""

    signal_id: str
    before: float
    after: float


@dataclass(frozen=True)
class Change:
    """What the rules say otherwise: `what` (a bucket, a condition, or a column of the regime), before and after."""

    kind: str
    what: str
    before: Any
    after: Any


@dataclass(frozen=True)
class WhatIf:
    """The readings moved, what changes by it, and what was left as it is though it comes from the same data.

    `more_days` says how many days that read like this one were put after it.
    """

    signal_date: date
    moves: Sequence[Move]
    more_days: int
    changes: Sequence[Change]
    left_alone: Sequence[str]


def what_if(published: Path, day: date, readings: Mapping[str, float], more_days: int = 0) -> WhatIf:
    """Run the rules of a day with some readings replaced. Levels, series and all earlier days stay as they are.

    Raises WhatIfError for a day without a board, for a signal that is unknown or has no reading on that day, and for a
    value that is no number.
    """
    with RuleEngine(published, day) as engine:
        moves = [_move(engine, signal_id, value) for signal_id, value in readings.items()]
        before = engine.run()
        after = engine.run(readings, more_days)
        return WhatIf(day, moves, more_days, _changes(before, after), engine.siblings(readings))


def _move(engine: RuleEngine, signal_id: str, value: float) -> Move:
    if not math.isfinite(value):
        raise WhatIfError(f"{value} is no reading of {signal_id}. Write a number, as in --set {signal_id}=0.5.")
    before = engine.reading(signal_id)
    if before is None:
        raise WhatIfError(
            f'{signal_id} has no reading on {engine.last}, so there is none to move. `leadline sql "select signal_id '
            f"from marts.fct_signal_daily where signal_date = '{engine.last}'\"` lists those that have."
        )
    return Move(signal_id, before, value)


def _changes(before: Mapping[str, Sequence[Row]], after: Mapping[str, Sequence[Row]]) -> list[Change]:
    return [
        Change(answer, str(row[key]) if key else column, row[column], other[column])
        for answer, (key, columns) in COMPARED.items()
        for row, other in zip(_sorted(before[answer], key), _sorted(after[answer], key), strict=True)
        for column in columns
        if row[column] != other[column]
    ]


def _sorted(rows: Sequence[Row], key: str | None) -> Sequence[Row]:
    return sorted(rows, key=lambda row: str(row[key])) if key else rows
