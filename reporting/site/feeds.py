"""Feeds of the daily answers and of changes of the regime: Atom (RFC 4287) and JSON Feed 1.1, in each language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import orjson
from lxml import etree

from reporting.answers import cut_off
from reporting.board import Board
from reporting.localization import LANGUAGE_TAGS, LANGUAGES, Words
from reporting.site.folder import Folder
from reporting.site.frame import Edition
from reporting.site.place import PREFIXES, Place, day_folder

NEWEST: Final = 30  # days in a feed
ATOM: Final = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class FeedEntry:
    """One day's answer. `identifier` never changes, wherever the site moves."""

    identifier: str
    title: str
    text: str
    address: str
    updated: datetime


def put_feeds(folder: Folder, board: Board, days: Sequence[Mapping[str, Any]], edition: Edition) -> None:
    """Write both feeds of each language."""
    for language in LANGUAGES:
        words = Words(language)
        entries = list(_entries(days, words, edition))
        home = Place(language, "", edition.base)
        title = f"Leadline{words.label('colon')}{words.label('title')}"
        if board.is_simulated:
            title = f"{words.label('simulated')} · {title}"
        folder.put(f"{PREFIXES[language]}feed.xml", atom(title, home, entries))
        folder.put(f"{PREFIXES[language]}feed.json", json_feed(title, home, entries))


def _entries(days: Sequence[Mapping[str, Any]], words: Words, edition: Edition) -> Iterator[FeedEntry]:
    newest = days[-NEWEST - 1 :]
    for yesterday, day in reversed(list(pairwise(newest))):
        date = day["signal_date"]
        regime = words.say("regimes", day["regime"])
        text = words.capital(words.say("meaning", day["regime"]))
        if day["regime"] != yesterday["regime"]:
            before = words.say("regimes", yesterday["regime"])
            text = f"{words.say('site', 'feed_regime', before=before, after=regime)}{words.label('stop')}{text}"
        yield FeedEntry(
            identifier=f"tag:leadline,2026:{words.language}:{date}",
            title=f"{words.day(date)}{words.label('colon')}{regime}",
            text=text,
            address=Place(words.language, day_folder(date), edition.base).address()
            if edition.base
            else day_folder(date),
            updated=cut_off(date),
        )


def atom(title: str, home: Place, entries: Sequence[FeedEntry]) -> bytes:
    """An Atom feed."""
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]
    feed.set("{http://www.w3.org/XML/1998/namespace}lang", LANGUAGE_TAGS[home.language])
    _add(feed, "id", f"tag:leadline,2026:{home.language}")
    _add(feed, "title", title)
    _add(feed, "updated", max(entry.updated for entry in entries).isoformat() if entries else "1970-01-01T00:00:00Z")
    etree.SubElement(
        feed,
        f"{{{ATOM}}}link",
        rel="self",
        type="application/atom+xml",
        href=f"{home.address() if home.base else ''}feed.xml",
    )
    etree.SubElement(
        feed, f"{{{ATOM}}}link", rel="alternate", type="text/html", href=home.address() if home.base else "index.html"
    )
    _add(etree.SubElement(feed, f"{{{ATOM}}}author"), "name", "Leadline")
    for each in entries:
        entry = etree.SubElement(feed, f"{{{ATOM}}}entry")
        _add(entry, "id", each.identifier)
        _add(entry, "title", each.title)
        _add(entry, "updated", each.updated.isoformat())
        etree.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", type="text/html", href=each.address)
        _add(entry, "summary", each.text)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8", pretty_print=True))


def json_feed(title: str, home: Place, entries: Sequence[FeedEntry]) -> bytes:
    """A JSON Feed."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "language": LANGUAGE_TAGS[home.language],
        "home_page_url": home.address() if home.base else "index.html",
        "feed_url": f"{home.address() if home.base else ''}feed.json",
        "items": [
            {
                "id": each.identifier,
                "url": each.address,
                "title": each.title,
                "content_text": each.text,
                "date_published": each.updated.isoformat(),
            }
            for each in entries
        ],
    }
    return orjson.dumps(feed, option=orjson.OPT_INDENT_2)


def _add(parent: Any, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{ATOM}}}{name}").text = text
