"""The Federal Reserve's calendar of meetings: a page of its own making, last updated at the newest decision."""

from datetime import date

from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer

# First and last day of each meeting that the stand-in knows of; a star marks projections.
MEETINGS = {
    2024: "Jan 30-31, Mar 19-20*, Apr/May 30-1, Jun 11-12*, Jul 30-31, Sep 17-18*, Nov 6-7, Dec 17-18*",
    2025: "Jan 28-29, Mar 18-19*, May 6-7, Jun 17-18*, Jul 29-30, Sep 16-17*, Oct 28-29, Dec 9-10*",
    2026: "Jan 27-28, Mar 17-18*, Apr 28-29, Jun 16-17*, Jul 28-29, Sep 15-16*, Oct 27-28, Dec 8-9*",
    2027: "Jan 26-27, Mar 16-17*, Apr 27-28, Jun 8-9*, Jul 27-28, Sep 14-15*, Oct 26-27, Dec 7-8*",
}


def calendar(request: ProviderRequest) -> Response:
    """The panels up to the year after the clock's."""
    today = request.clock.date()
    panels = {
        year: [tuple(meeting.split(" ", 1)) for meeting in text.split(", ")]
        for year, text in MEETINGS.items()
        if year <= today.year + 1
    }
    return text_answer(encode(panels, date(today.year, today.month, 1)), media_type="text/html")


def encode(panels: dict[int, list[tuple[str, ...]]], updated: date) -> str:
    """The page: by year, month and days of each meeting, such as `Apr/May` and `30-1`."""
    rows = []
    for year, meetings in panels.items():
        rows.append(f'<div class="panel panel-default"><div class="panel-heading"><h4>{year} FOMC Meetings</h4></div>')
        rows += [
            f'<div class="row fomc-meeting"><div class="fomc-meeting__month"><strong>{month}</strong></div>'
            f'<div class="fomc-meeting__date">{days}</div></div>'
            for month, days in meetings
        ]
        rows.append("</div>")
    stamp = f"{updated:%B} {updated.day}, {updated.year}"
    return (
        "<!DOCTYPE html><html><body>\n" + "\n".join(rows) + f'\n<div class="lastUpdate" id="lastUpdate">Last Update: '
        f"{stamp}</div></body></html>\n"
    )


ROUTES: dict[str, RouteHandler] = {"GET www.federalreserve.gov/monetarypolicy/fomccalendars.htm": calendar}
