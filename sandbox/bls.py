"""The schedule of US statistics: consumer prices and the jobs report by rule of thumb, one file a year."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler

RELEASE_TIME = timedelta(hours=8, minutes=30)


def schedule(request: ProviderRequest) -> Response:
    """The releases of the clock's year."""
    year = request.clock.year
    releases = [(name, day) for month in range(1, 13) for name, day in _of_month(year, month)]
    return Response(encode(releases), media_type="text/calendar")


def _of_month(year: int, month: int) -> Iterable[tuple[str, date]]:
    """The jobs report on the first Friday, consumer prices on the Wednesday after, producer prices a day later."""
    first = date(year, month, 1)
    friday = first + timedelta(days=(4 - first.weekday()) % 7)
    yield "Employment Situation", friday
    yield "Consumer Price Index", friday + timedelta(days=5)
    yield "Producer Price Index", friday + timedelta(days=6)


def encode(releases: Iterable[tuple[str, date]]) -> bytes:
    """The iCalendar file; times are wall time in the zone that the bureau calls US-Eastern. No event is stamped."""
    calendar = Calendar()
    calendar.add("prodid", "-//stand-in//EN")
    calendar.add("version", "2.0")
    for number, (name, day) in enumerate(releases):
        event = Event()
        event.add("uid", f"{number}@stand-in")
        event.add("summary", name)
        start = datetime(day.year, day.month, day.day) + RELEASE_TIME
        event.add("dtstart", start, parameters={"TZID": "US-Eastern"})
        calendar.add_component(event)
    file: bytes = calendar.to_ical()
    return file


ROUTES: dict[str, RouteHandler] = {"GET www.bls.gov/schedule/news_release/bls.ics": schedule}
