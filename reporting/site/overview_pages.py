"""The pages about everything: history, comparing two days, methodology, sources, and what programs can read."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from reporting.board import CONDITIONS, Board
from reporting.context import Context
from reporting.localization import LANGUAGES, Words
from reporting.published import PublishedWarehouse
from reporting.site.folder import Folder
from reporting.site.frame import Edition, render
from reporting.site.place import Place
from reporting.site.program_files import FILES
from reporting.view import View


def put_overviews(
    folder: Folder,
    warehouse: PublishedWarehouse,
    board: Board,
    context: Context,
    days: Sequence[Mapping[str, Any]],
    edition: Edition,
    method: str,
) -> None:
    """Write these pages in every language."""
    rules = warehouse.rows(
        "select * from marts.dim_rule order by scope desc, target_id, direction, rule_group, rule_id"
    )
    contents: dict[str, Mapping[str, Any]] = {
        "history": {"stretches": stretches(days), "years": _years(days)},
        "compare": {"buckets": warehouse.buckets(), "conditions": CONDITIONS},
        "methodology": {"rules": rules, "method": method, "changes": _changes(rules)},
        "sources": {},
        "programs": {"files": FILES},
    }
    for language in LANGUAGES:
        words = Words(language, binds_units=True)
        for name, values in contents.items():
            place = Place(language, f"{name}/", edition.base)
            title = words.say("site", name)
            page = render(
                name,
                place,
                edition,
                title=title,
                description=words.label("title"),
                mast=title,
                view_words=words,
                board=board,
                view=View(board, context, {}, language),
                **values,
            )
            folder.put(place.file_name, page)


def stretches(days: Sequence[Mapping[str, Any]]) -> list[tuple[date, date, str]]:
    """Days running with one regime, the newest first: first and last day, and the regime."""
    runs = [(regime, list(run)) for regime, run in groupby(days, key=lambda day: day["regime"])]
    return [(run[0]["signal_date"], run[-1]["signal_date"], regime) for regime, run in reversed(runs)]


def _years(days: Sequence[Mapping[str, Any]]) -> list[tuple[int, list[tuple[int, list[tuple[date, str | None]]]]]]:
    """Years, the newest first, of months of days with their regimes; null where a date has no board."""
    regimes = {day["signal_date"]: day["regime"] for day in days}
    first, last = min(regimes), max(regimes)
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = []
    for year, of_year in groupby(every, key=lambda day: day.year):
        months = [
            (month, [(day, regimes.get(day)) for day in of_month])
            for month, of_month in groupby(of_year, key=lambda day: day.month)
        ]
        found.append((year, months))
    return found[::-1]


def _changes(rules: Sequence[Mapping[str, Any]]) -> list[tuple[date, str, str]]:
    """When rules began or ended after the beginning: date, text key, rule; the newest first."""
    first = min((rule["valid_from"] for rule in rules), default=date.min)
    began = [(rule["valid_from"], "began", rule["rule_id"]) for rule in rules if rule["valid_from"] > first]
    ended = [(rule["valid_to"], "ended", rule["rule_id"]) for rule in rules if rule["valid_to"].year < 9999]
    return sorted([*began, *ended], reverse=True)
