"""What one run is about: run configuration that every step shares."""

from datetime import UTC, date, datetime

import dagster as dg

from orchestration.liveness import history_of, hold
from pipeline.origin import newest, origin, origin_of
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from warehouse.home import Home

POOL = "warehouse"  # limit 1: whatever opens the build file, because DuckDB lets one process write


class Scope(dg.ConfigurableResource[None]):
    """The days that a run fetches and the instant whose knowledge it builds. Empty means: what is new, all of it."""

    first: str | None = None  # first UTC day, 2026-02-06; None: from what is already loaded
    last: str | None = None  # last UTC day; None: up to now
    as_of: str | None = None  # UTC instant; None: everything known
    each_instant: bool = False  # ask a stand-in for every scheduled instant, as a back-fill does
    archives: bool = False  # ask archives of bulk files too; the command line does so when they are named
    public: bool = False  # publish beside the rest, under public/, what may be passed on
    csv: bool = False  # add a CSV to each extract

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Say that this process executes the run, so that others see when it is gone."""
        if context.run is not None and context.instance is not None and not context.instance.is_ephemeral:
            hold(history_of(self.settings().home), context.run.run_id)

    def settings(self) -> Settings:
        """Read when a step starts, so that a changed `.env` counts from the next run on."""
        return Settings()

    def home(self) -> Home:
        """Where the warehouse lives."""
        return Home(self.settings().home)

    def claimed_home(self) -> Home:
        """The same, for a step that brings data in. Raises HomeError when it would come from another origin."""
        home = self.home()
        home.claim_origin(origin(self.settings()))
        return home

    def readers_home(self) -> Home:
        """Where this run publishes: the home, or `as_of/<instant>/` in it."""
        known_at = self.known_at()
        return self.home() if known_at is None else self.home().as_of(known_at)

    def origin(self) -> str:
        """Where the data in the home comes from."""
        return origin_of(self.settings().home)

    def known_at(self) -> datetime | None:
        """The instant whose knowledge is built, aware UTC; None for everything."""
        if self.as_of is None:
            return None
        instant = datetime.fromisoformat(self.as_of)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)

    def span(self) -> RunPeriod:
        """The time to ask about."""
        settings = self.settings()
        now = newest(settings)
        end = now
        if self.last is not None:
            end = cut_off(date.fromisoformat(self.last))
            end = end if settings.upstream else min(end, now)
        start = midnight(date.fromisoformat(self.first)) if self.first is not None else None
        return RunPeriod(start, end, settings.upstream is not None, self.each_instant, self.archives)
