"""A page a date in each language, and the same answer as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final

from reporting.answers import cut_off, day_answer
from reporting.board import Board
from reporting.chart import live_charts
from reporting.context import Context, read_contexts
from reporting.localization import LANGUAGES
from reporting.published import PublishedWarehouse, open_published
from reporting.site.fingerprints import EVENTS_AHEAD_DAYS
from reporting.site.folder import Folder
from reporting.site.frame import Edition, render
from reporting.site.pictures import picture_of
from reporting.site.place import Place, day_folder
from reporting.view import View, stamp

AT_ONCE: Final = 90  # dates read together: enough to ask seldom, few enough to hold
CONTENTS: Final = (
    *(("board", "table_title"), ("framework", "framework_title"), ("charts", "charts"), ("options-section", "options")),
    *(("moves", "moves"), ("calendar", "calendar")),
)


@dataclass(frozen=True)
class Neighbours:
    """The dates before and after one, where there are any."""

    before: date | None
    after: date | None


def write_days(published: Path, folder: Path, days: Sequence[date], edition: Edition, methods: dict[date, str]) -> int:
    """Write the pages of some dates. Returns how many files changed. One process can do a part of the dates."""
    target = Folder(folder)
    with open_published(published, public=edition.is_public) as warehouse:
        every = warehouse.signal_dates()
        beside = {
            day: Neighbours(before, after)
            for before, day, after in zip([None, *every], every, [*every[1:], None], strict=False)
        }
        for board, context in _read(warehouse, days):
            for language in LANGUAGES:
                day = board.signal_date
                place = Place(language, day_folder(day), edition.base)
                target.put(place.file_name, day_page(board, context, place, edition, beside[day], methods[day]))
            target.put(f"api/v1/days/{board.signal_date}.json", day_answer(board).model_dump_json())
    return target.written


def day_page(board: Board, context: Context, place: Place, edition: Edition, beside: Neighbours, method: str) -> str:
    """The page of a date in the language of its place. The first page of the site is the newest date's."""
    near = tuple(event for event in context.events if (event.event_date - board.signal_date).days <= EVENTS_AHEAD_DAYS)
    context = replace(context, events=near)
    view = View(board, context, live_charts(board, context), place.language)
    words = view.words
    regime, day = words.say("regimes", board.regime.regime), words.day(board.signal_date)
    described = words.say(
        "site",
        "description",
        regime=regime,
        date=day,
        meaning=words.say("meaning", board.regime.regime),
        price=words.capital(words.price(board)),
    )
    at = replace(place, folder=day_folder(board.signal_date))
    providers = dict.fromkeys(source for bucket in board.buckets for source in view.source(bucket))
    cite = words.say(
        "site",
        "cite",
        date=day,
        known_at=stamp(cut_off(board.signal_date)),
        method=method,
        providers=words.label("listed").join(providers) or words.label("nothing"),
        address=at.address() if place.base else f"/{at.folder}",
    )
    return render(
        "day",
        place,
        edition,
        title=f"{regime} · {board.signal_date}",
        description=described,
        mast=day,
        picture=picture_of(board.regime.regime),
        view_words=words,
        newest_due=edition.newest_due if beside.after is None else "",
        view=view,
        board=board,
        before=beside.before,
        after=beside.after,
        cite=cite,
        figures="live",
        contents=CONTENTS,
    )


def _read(warehouse: PublishedWarehouse, days: Sequence[date]) -> Iterator[tuple[Board, Context]]:
    rest = iter(days)
    while chunk := list(islice(rest, AT_ONCE)):
        boards = list(warehouse.boards(chunk))
        yield from zip(boards, read_contexts(warehouse, boards), strict=True)
