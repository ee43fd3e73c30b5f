"""US Bureau of Labor Statistics: when consumer prices, producer prices and the jobs report come out.

One iCalendar file of the year's releases, public domain. Times are New York's; a release comes out at 08:30. A shutdown
moves or cancels releases, so every version of the file is kept. The site refuses clients that do not say who they are.

No event of the real file says when it was written (two whole calendars, 2023 to 2026, have neither DTSTAMP nor
LAST-MODIFIED), so the schedule counts as listed on the day of the fetch. Where an event is stamped, the stamp counts.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from icalendar import Calendar, Component

from sources.core.dataset import INSTANT, Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import recording
from sources.core.http import Session
from sources.core.parsing import require, strict_text, typed
from sources.core.payload import Parsed, Payload, Reject

URL = "https://www.bls.gov/schedule/news_release/bls.ics"
NEW_YORK = ZoneInfo("America/New_York")
RELEASES = ("Consumer Price Index", "Producer Price Index", "Employment Situation")  # those that move markets

PROVIDER = Provider(
    name="bls",
    title="US Bureau of Labor Statistics",
    home="https://www.bls.gov/schedule/",
    hosts=("www.bls.gov",),
    requests_per_minute=10,
    licence="public domain",
    may_republish=True,
    described_by=recording("bls/bls_real_2025_2026.ics"),
    recorded={
        "release": "bls/bls_real_2025_2026.ics",
    },
)

COLUMNS: Mapping[str, Column] = {
    "listed_on": Column(pl.Date, "date", "Day of the fetch; the newest stamp in the file, where it has any."),
    "release": Column(pl.String, "", "Name of the release."),
    "release_date": Column(pl.Date, "date", "Day of the release, in New York."),
    "released_at": Column(INSTANT, "UTC", "When it comes out."),
}


def fetch_release(session: Session, window: Window) -> Iterator[Payload]:
    """The schedule as it stands now."""
    yield session.get(URL, accept=("text/calendar", "text/plain", "application/octet-stream"))


def read_release(payload: Payload) -> Parsed:
    """One row a release that moves markets. Raises SourceError for a file that is no calendar or names none of them."""
    text = strict_text(payload)
    require(text.startswith("BEGIN:VCALENDAR"), f"{payload.url} sent no iCalendar file; it begins with {text[:40]!r}.")
    try:
        calendar = Calendar.from_ical(text)
    except ValueError as error:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} sent no calendar: {error!s:.120}.") from None
    events = [event for event in calendar.walk("VEVENT") if _name(event) in RELEASES]
    require(bool(events), f"{payload.url} names none of: {', '.join(RELEASES)}.")
    stamps = [stamp for event in events if (stamp := _stamp(event)) is not None]
    listed_on = max(stamps, default=payload.fetched_at.astimezone(UTC).date())
    records, rejects = [], []
    for event in events:
        released_at = _instant(event)
        if released_at is None:
            rejects.append(Reject("no time of release", event.to_ical().decode()[:500]))
            continue
        records.append(
            {
                "listed_on": listed_on,
                "release": _name(event),
                "release_date": released_at.astimezone(NEW_YORK).date(),
                "released_at": released_at,
            }
        )
    return typed(records, COLUMNS, fetched_at=payload.fetched_at, observed="listed_on", rejects=rejects)


def _name(event: Component) -> str:
    return " ".join(str(event.get("SUMMARY", "")).split())


def _stamp(event: Component) -> date | None:
    for name in ("LAST-MODIFIED", "DTSTAMP"):
        stamp = getattr(event.get(name), "dt", None)
        if isinstance(stamp, datetime):
            return stamp.astimezone(UTC).date() if stamp.tzinfo else stamp.date()
    return None


def _instant(event: Component) -> datetime | None:
    """The start. The file's zone `US-Eastern` is in no database, so wall time that is not UTC is New York's."""
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, datetime):
        return None
    in_utc = start.tzinfo is not None and start.tzname() == "UTC"
    return start if in_utc else start.replace(tzinfo=NEW_YORK).astimezone(UTC)


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="release",
        bucket=Bucket.MACRO,
        description="When US consumer prices, producer prices and the jobs report come out.",
        columns=COLUMNS,
        key=("release", "release_date"),
        observed="listed_on",
        every=timedelta(0),
        period=timedelta(days=1),
        publication_lag=timedelta(0),
        fetch=fetch_release,
        read=read_release,
        fresh_for=timedelta(days=400),  # the schedule of a year may stand unchanged until the next
    ),
)
