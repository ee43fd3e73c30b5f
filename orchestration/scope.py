"""What one run is about: run configuration that every step shares."""

from datetime import UTC, date, datetime

import dagster as dg
import requests

from orchestration.planning import Span, cut_off, midnight
from orchestration.settings import Settings
from warehouse.home import Home

POOL = "warehouse"  # limit 1: whatever opens the build file, because DuckDB lets one process write
PUBLIC_SOURCES = "public sources"  # as against a stand-in on this machine
ORIGIN_TIMEOUT_S = 10


class UpstreamError(RuntimeError):
    """The stand-in upstream does not answer, or is none."""


class Scope(dg.ConfigurableResource[None]):
    """The days that a run fetches and the instant whose knowledge it builds. Empty means: what is new, all of it."""

    first: str | None = None  # first UTC day, 2026-02-06; None: from what is already loaded
    last: str | None = None  # last UTC day; None: up to now
    as_of: str | None = None  # UTC instant; None: everything known
    each_instant: bool = False  # ask a stand-in for every scheduled instant, as a back-fill does

    def settings(self) -> Settings:
        """Read when a step starts, so that a changed `.env` counts from the next run on."""
        return Settings()

    def home(self) -> Home:
        """Where the warehouse lives; its origin is claimed."""
        settings = self.settings()
        home = Home(settings.home)
        home.claim_origin(origin(settings))
        return home

    def readers_home(self) -> Home:
        """Where this run publishes: the home, or `as_of/<instant>/` in it."""
        known_at = self.known_at()
        return self.home() if known_at is None else self.home().as_of(known_at)

    def origin(self) -> str:
        """Where the data of this run comes from."""
        return origin(self.settings())

    def known_at(self) -> datetime | None:
        """The instant whose knowledge is built, aware UTC; None for everything."""
        if self.as_of is None:
            return None
        instant = datetime.fromisoformat(self.as_of)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)

    def span(self) -> Span:
        """The time to ask about."""
        settings = self.settings()
        now = newest(settings)
        end = now
        if self.last is not None:
            end = cut_off(date.fromisoformat(self.last))
            end = end if settings.upstream else min(end, now)
        start = midnight(date.fromisoformat(self.first)) if self.first is not None else None
        return Span(start, end, clocked=settings.upstream is not None, each_instant=self.each_instant)


def origin(settings: Settings) -> str:
    """What a home's data comes from: public sources, or a stand-in with the hash of its market tables."""
    if settings.upstream is None:
        return PUBLIC_SOURCES
    said = _ask_stand_in(settings.upstream)
    return f"stand-in {said['market']} {said['sha256']}"


def newest(settings: Settings) -> datetime:
    """Now; for a stand-in the newest time of its market."""
    if settings.upstream is None:
        return datetime.now(UTC)
    return datetime.fromisoformat(_ask_stand_in(settings.upstream)["newest"])


def _ask_stand_in(upstream: str) -> dict[str, str]:
    try:
        answer = requests.get(f"{upstream}/leadline/origin", timeout=ORIGIN_TIMEOUT_S)
        answer.raise_for_status()
        said: dict[str, str] = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise UpstreamError(
            f"No stand-in upstream at {upstream} ({type(error).__name__}). "
            "Start one with `leadline sandbox`, or unset LEADLINE_UPSTREAM to use public sources."
        ) from error
    return said
