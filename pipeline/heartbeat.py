"""Whether the warehouse still publishes, for a watch outside Dagster: cron, systemd, a service that expects pings."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import requests

from pipeline.settings import Settings

LONGEST_SILENCE = timedelta(hours=26)  # schedules publish twice a day; one may be late, none may be missed for a day
PING_TIMEOUT_S = 10.0


def last_publication(published: Path) -> datetime | None:
    """When the published file was published, aware UTC; None when there is none or it cannot be read."""
    if not published.is_file():
        return None
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            rows = connection.execute("select published_at from main.publication").fetchall()
    except duckdb.Error:
        return None
    return rows[0][0].replace(tzinfo=UTC) if rows else None


def silence(published: Path, now: datetime, longest: timedelta = LONGEST_SILENCE) -> str:
    """What is wrong: nothing published for too long, or at a time that is yet to come; empty when all is well."""
    last = last_publication(published)
    if last is None:
        return f"no publication that can be read at {published}"
    if last > now + timedelta(minutes=5):
        return f"the last publication is of {last:%Y-%m-%d %H:%M} UTC, which is yet to come: the clock jumped back"
    if now - last > longest:
        return f"no publication since {last:%Y-%m-%d %H:%M} UTC"
    return ""


def ping(settings: Settings) -> str:
    """Tell the address in LEADLINE_PING_URL of a publication. Returns what became of it, without the address."""
    if settings.ping_url is None:
        return "not configured"
    try:
        answer = requests.get(settings.ping_url.get_secret_value(), timeout=PING_TIMEOUT_S)
        return "sent" if answer.ok else f"refused with status {answer.status_code}"
    except requests.RequestException as error:
        return f"not delivered ({type(error).__name__})"
