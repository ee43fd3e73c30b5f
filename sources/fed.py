"""Federal Reserve Board: the calendar of the Open Market Committee (FOMC), past meetings and those to come.

One web page, public domain, changed with each meeting, statement and minutes; it says when it was last updated. Dates
to come are tentative until the meeting before confirms them, so every version of the page is kept.

Oddities: the year stands only in the panel's heading; a meeting over the end of a month is `Jan/Feb` and `31-1`; `*`
marks one with projections; a single day with words behind it is no regular meeting: `22 (notation vote)`,
`3 (unscheduled)`, `17-18 (cancelled)`; every second row has other classes, so rows are found by the month's.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from lxml import etree, html

from sources.core.dataset import INSTANT, Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import recording
from sources.core.http import Session
from sources.core.parsing import require, strict_text, typed
from sources.core.payload import Parsed, Payload

URL = "https://www.federalreserve.gov/monetarypolicy/fomccalendars.htm"
NEW_YORK = ZoneInfo("America/New_York")
DECISION = time(14, 0)  # New York, on the last day of a meeting; the press conference follows half an hour later

PROVIDER = Provider(
    name="fed",
    title="Federal Reserve Board",
    home=URL,
    hosts=("www.federalreserve.gov",),
    requests_per_minute=10,
    licence="public domain",
    may_republish=True,
    described_by=recording("fomc/fomccalendars_2026-08-01.htm"),
    recorded={
        "fomc_meeting": "fomc/fomccalendars_2026-08-01.htm",
    },
)

COLUMNS: Mapping[str, Column] = {
    "listed_on": Column(pl.Date, "date", "When the page says that it was last updated."),
    "decision_date": Column(pl.Date, "date", "Last day of the meeting, in Washington."),
    "decided_at": Column(INSTANT, "UTC", "When the decision is published: 14:00 New York on that day."),
    "first_date": Column(pl.Date, "date", "First day of the meeting."),
    "kind": Column(pl.String, "", "meeting, or what the page says of it: notation vote, unscheduled, cancelled."),
    "has_projections": Column(pl.Boolean, "", "Whether economic projections are published with the decision."),
}

_HEADING = re.compile(r"(?P<year>20\d\d) FOMC Meetings")
_DAYS = re.compile(r"(?P<first>\d{1,2})(?:-(?P<last>\d{1,2}))?(?P<star>\*)?(?: ?\((?P<kind>[a-z ]+)\))?", re.IGNORECASE)
_MONTHS = {
    name: number
    for number in range(1, 13)
    for name in (f"{date(2000, number, 1):%B}".lower(), f"{date(2000, number, 1):%b}".lower())
}


def fetch_fomc_meeting(session: Session, window: Window) -> Iterator[Payload]:
    """The page as it stands now."""
    yield session.get(URL, accept=("text/html",))


def read_fomc_meeting(payload: Payload) -> Parsed:
    """One row a meeting. Raises CHANGED_LAYOUT without panels of meetings or without the date of the last update."""
    try:
        page = html.fromstring(strict_text(payload, html=True))
    except etree.ParserError:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent a page without content.") from None
    listed_on = _last_update(page, payload.url)
    records = []
    for panel in _of_class(page, "panel"):
        if heading := _HEADING.search(_text(panel)[:200]):
            year = int(heading["year"])
            records += [{"listed_on": listed_on, **_meeting(row, year)} for row in _of_class(panel, "fomc-meeting")]
    require(bool(records), f"{payload.url} has no panel of FOMC meetings.")
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="listed_on")


def _last_update(page: html.HtmlElement, url: str) -> date:
    stamps = [_text(division) for division in page.iter("div") if division.get("id") == "lastUpdate"]
    text = stamps[0].removeprefix("Last Update: ") if stamps else "none"
    try:
        return datetime.strptime(text, "%B %d, %Y").date()
    except ValueError:
        raise SourceError(Failure.CHANGED_LAYOUT, f"{url}: the date of the last update reads {text!r:.60}.") from None


def _meeting(row: html.HtmlElement, year: int) -> dict[str, object]:
    """The columns of one row; dates that make no sense stay text, to be refused."""
    month = " ".join(map(_text, _of_class(row, "fomc-meeting__month"))).lower()
    days = " ".join(map(_text, _of_class(row, "fomc-meeting__date")))
    match = _DAYS.fullmatch(days)
    months = [_MONTHS.get(name) for name in month.split("/")]
    if match is None or None in months:
        return {"decision_date": f"{month} {days}", "first_date": None, "kind": None, "has_projections": None}
    first = _date(year, months[0], match["first"])
    last = _date(year, months[-1], match["last"] or match["first"])
    decided = datetime.combine(last, DECISION, NEW_YORK).astimezone(UTC) if isinstance(last, date) else None
    return {
        "decision_date": last,
        "decided_at": decided,
        "first_date": first,
        "kind": (match["kind"] or "meeting").lower(),
        "has_projections": match["star"] is not None,
    }


def _date(year: int, month: int | None, day: str) -> date | str:
    try:
        return date(year, month or 0, int(day))
    except ValueError:
        return f"{year}-{month}-{day}"


def _of_class(element: html.HtmlElement, name: str) -> list[html.HtmlElement]:
    return [division for division in element.iter("div") if name in division.get("class", "").split()]


def _text(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="fomc_meeting",
        bucket=Bucket.MACRO,
        description="Meetings of the Federal Reserve's Open Market Committee, past and to come.",
        columns=COLUMNS,
        key=("decision_date", "kind"),
        observed="listed_on",
        every=timedelta(0),
        period=timedelta(days=1),
        publication_lag=timedelta(0),
        fetch=fetch_fomc_meeting,
        read=read_fomc_meeting,
        fresh_for=timedelta(days=120),  # the page changes with each meeting, eight a year
    ),
)
