"""Writes the site of a publication: only the pages whose content changed, so that one more day costs one more page."""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import orjson

from reporting.context import read_context
from reporting.localization import LANGUAGES
from reporting.observed import CUT_OFF, LATE_AFTER
from reporting.published import BoardError, PublishedWarehouse, open_published
from reporting.site.assets import put_assets
from reporting.site.day_pages import Neighbours, day_page, write_days
from reporting.site.feeds import put_feeds
from reporting.site.fingerprints import fingerprints
from reporting.site.folder import Folder
from reporting.site.frame import Edition
from reporting.site.overview_pages import put_overviews
from reporting.site.pictures import put_pictures
from reporting.site.place import Place
from reporting.site.program_files import put_program_files
from reporting.site.series import put_days, put_signal, read_histories_of_signals
from reporting.site.signal_pages import put_signal_pages

FINGERPRINTS: Final = ".days.json"  # of the pages that were written
ALONE: Final = 150  # so many days are written by this process alone: starting others takes longer


@dataclass(frozen=True)
class WrittenSite:
    """What became of a site: how many days it has, how many of them were written anew, and how many files changed."""

    folder: Path
    days: int
    rewritten_days: int
    files_changed: int


def write_site(published: Path, folder: Path, *, public: bool = False, base: str = "") -> WrittenSite:
    """Bring a site up to what a published warehouse says. `base` is the address that it will have, if known.

    Raises BoardError when the published warehouse cannot answer.
    """
    target = Folder(folder)
    with open_published(published, public=public) as warehouse:
        days = warehouse.signal_dates()
        if not days:
            raise BoardError("The published warehouse holds no signal date yet. Run `leadline run` first.")
        wanted = {day.isoformat(): mark for day, mark in fingerprints(warehouse).items()}
        edition = _edition(warehouse, days[-1], public=public, base=base)
        methods = _methods(warehouse)
        put_assets(target)
        put_pictures(target)
        kept = _kept(folder, edition)
        changed = [day for day in days if kept.get(day.isoformat()) != wanted[day.isoformat()]]
        written = _write_days(published, folder, changed, edition, methods)
        for gone in kept.keys() - wanted.keys():
            _remove_day(folder, gone)
        _put_rest(target, warehouse, days, edition, methods)
    marks = {"base": edition.base, "public": public, "days": wanted}
    target.put(FINGERPRINTS, orjson.dumps(marks))
    return WrittenSite(folder, len(days), len(changed), written + target.written)


def _put_rest(
    target: Folder, warehouse: PublishedWarehouse, days: Sequence[date], edition: Edition, methods: dict[date, str]
) -> None:
    """Everything beside the pages of the dates."""
    board = warehouse.board(days[-1])
    context = read_context(warehouse, board)
    beside = Neighbours(days[-2] if len(days) > 1 else None, None)
    for language in LANGUAGES:
        place = Place(language, "", edition.base)
        target.put(place.file_name, day_page(board, context, place, edition, beside, methods[days[-1]]))
    histories = list(read_histories_of_signals(warehouse))
    for history in histories:
        put_signal(target, history)
    summary = put_days(target, warehouse)
    put_signal_pages(target, warehouse, board, histories, edition, methods[days[-1]])
    put_overviews(target, warehouse, board, context, summary, edition, methods[days[-1]])
    put_program_files(target, warehouse, board, histories, edition)
    put_feeds(target, board, summary, edition)


def _edition(warehouse: PublishedWarehouse, newest: date, *, public: bool, base: str) -> Edition:
    origin = warehouse.rows("select is_simulated from marts.dim_origin")[0]
    due = datetime.combine(newest, time(), UTC) + CUT_OFF + LATE_AFTER
    if base and not base.endswith("/"):
        base = f"{base}/"
    return Edition(base, origin["is_simulated"], public, "" if origin["is_simulated"] else due.isoformat())


def _methods(warehouse: PublishedWarehouse) -> dict[date, str]:
    """The version of the rules that each date was read with."""
    rows = warehouse.rows("select signal_date, rules_version from marts.fct_regime_daily")
    return {row["signal_date"]: row["rules_version"] for row in rows}


def _kept(folder: Path, edition: Edition) -> dict[str, str]:
    """Fingerprints of the dates that are there, as far as their pages are of the same edition."""
    with suppress(FileNotFoundError, orjson.JSONDecodeError):
        marks = orjson.loads((folder / FINGERPRINTS).read_bytes())
        if (marks["base"], marks["public"]) == (edition.base, edition.is_public):
            return dict(marks["days"])
    return {}


def _write_days(published: Path, folder: Path, days: Sequence[date], edition: Edition, methods: dict[date, str]) -> int:
    workers = min(os.cpu_count() or 1, 8)
    if len(days) <= ALONE or workers == 1:
        return write_days(published, folder, days, edition, methods) if days else 0
    step = -(-len(days) // workers)
    shares = [days[start : start + step] for start in range(0, len(days), step)]
    # Started anew instead of forked: a fork takes over connections and threads that it cannot use.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        tasks = [pool.submit(write_days, published, folder, share, edition, methods) for share in shares]
        return sum(task.result() for task in tasks)


def _remove_day(folder: Path, day: str) -> None:
    for language in LANGUAGES:
        page = folder / Place(language, f"{day}/").file_name
        shutil.rmtree(page.parent, ignore_errors=True)
    (folder / "api" / "v1" / "days" / f"{day}.json").unlink(missing_ok=True)
