"""What the rules would say if some readings had been others."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import click

from cli import terminal
from pipeline.rule_engine import WhatIfError
from pipeline.settings import Settings
from pipeline.what_if import Change, WhatIf, what_if
from reporting.localization import UNKNOWN, Words
from reporting.published import open_published
from warehouse.home import Home


def show_what_if(day: date, assignments: Sequence[str], more_days: int, as_json: bool) -> None:
    """What changes on a day with these readings, written as SIGNAL=VALUE."""
    published = Home(Settings().home).published
    with open_published(published) as warehouse:
        warehouse.board(day)  # says which days there are
    found = what_if(published, day, _readings(assignments), more_days)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str, ensure_ascii=False, indent=2))
        return
    console = terminal.console()
    for line in _lines(found):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _readings(assignments: Sequence[str]) -> Mapping[str, float]:
    readings = {}
    for assignment in assignments:
        signal_id, _, value = assignment.partition("=")
        try:
            readings[signal_id.strip()] = float(value)
        except ValueError:
            raise WhatIfError(f"{assignment!r} is no reading. Write it as funding_rate_8h_pct=0.001.") from None
    return readings


def _lines(found: WhatIf) -> list[str]:
    days = f", and {found.more_days} more days that read like it" if found.more_days else ""
    return [
        f"{found.signal_date}{days}, with",
        *(f"  {move.signal_id}: {move.before:.10g} → {move.after:.10g}" for move in found.moves),
        "changes:" if found.changes else "nothing changes: every bucket, condition and the regime stay as they are.",
        *(f"  {_said(change)}" for change in found.changes),
        *(
            [
                f"left as they were, though they come from the same data: {', '.join(found.left_alone)}. "
                "Set them too if they would move."
            ]
            if found.left_alone
            else []
        ),
    ]


def _said(change: Change) -> str:
    words = Words("en")
    names = {
        "fct_bucket_daily": words.say("short", change.what),
        "fct_condition_daily": f"{change.what} {words.say('conditions', change.what)}",
        "fct_regime_daily": change.what.replace("_", " "),
    }
    return f"{names[change.kind]}: {_value(words, change.before)} → {_value(words, change.after)}"


def _value(words: Words, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return words.truth(value)
    return str(value) or UNKNOWN
