"""What followed each condition, bucket state and regime so far, said in a sentence next to the words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from reporting.forecast import Published
from reporting.localization import Words

HORIZON_DAYS: Final = 30
SECTION: Final = "scorecard"
# What the framework says of a price that rises or falls: the sign that a condition's words suggest.
SUGGESTS: Final[Mapping[str, int]] = {"H": 1, "R": -1, "S": 1}

Key = tuple[str, str, str]  # kind, subject, state


@dataclass(frozen=True)
class Record:
    """How often a condition held and what followed in 30 days; None where no day of it has a known future."""

    days_true: int
    stretches: int
    windows: int
    return_true_pct: float | None
    return_false_pct: float | None
    difference_pct: float | None
    lo90_pct: float | None
    hi90_pct: float | None
    verdict: str


def read_scorecard(warehouse: Published) -> dict[Key, Record]:
    """Every record of 30 days, by kind, subject and state; empty where there is no scorecard yet."""
    there = warehouse.rows(
        "select 1 from information_schema.tables where table_schema = 'marts' and table_name = 'fct_scorecard'"
    )
    if not there:
        return {}
    rows = warehouse.rows("select * from marts.fct_scorecard where horizon_days = $days", days=HORIZON_DAYS)
    return {
        (row["kind"], row["subject"], row["state"]): Record(**{name: row[name] for name in Record.__dataclass_fields__})
        for row in rows
    }


def scorecard_of(warehouse: Published, day: date) -> dict[Key, Record]:
    """The records as a board of `day` may show them: all on the newest date, none on an older one.

    A record holds what followed up to the newest date, which no board of an older date could know.
    """
    newest = warehouse.rows("select max(signal_date) as newest from marts.fct_regime_daily")[0]["newest"]
    return read_scorecard(warehouse) if day == newest else {}


def sentence(words: Words, key: Key, record: Record | None) -> str:
    """The record in plain words; few stretches judge nothing, and a sign against the name is said."""
    if record is None or record.days_true == 0:
        return words.say(SECTION, "never")
    if record.return_true_pct is None or record.return_false_pct is None:
        return words.say(SECTION, "not_yet", stretches=record.stretches)
    values = {
        "stretches": record.stretches,
        "windows": record.windows,
        "days": HORIZON_DAYS,
        "on": words.signed(round(record.return_true_pct), None, 0),
        "off": words.signed(round(record.return_false_pct), None, 0),
        "low": words.signed(round(record.lo90_pct or 0), None, 0),
        "high": words.signed(round(record.hi90_pct or 0), None, 0),
    }
    said = [words.say(SECTION, "once" if record.stretches == 1 else record.verdict, **values)]
    suggested = SUGGESTS.get(key[1][:1], 0) if key[0] == "condition" else 0
    if suggested * round(record.difference_pct or 0) < 0:
        said.append(words.say(SECTION, "opposite"))
    return words.say("forecast", "joint").join(said)
