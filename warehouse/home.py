"""The home folder of a warehouse: the paths in it, the origin of its rows, and free disk space."""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import HomeError
from warehouse.files import flush

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Home:
    """The paths under one `LEADLINE_HOME`. Nothing is created before it is needed."""

    path: Path

    @property
    def landing(self) -> Path:
        """Every answer as received, and every decision. Everything else can be rebuilt from this folder."""
        return self.path / "landing"

    @property
    def build(self) -> Path:
        """Private: only the warehouse and dbt look in here."""
        return self.path / ".build"

    @property
    def build_file(self) -> Path:
        """The database that runs write. Readers do not open it."""
        return self.build / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The database that readers open, at any time."""
        return self.path / "leadline.duckdb"

    @property
    def extracts(self) -> Path:
        """Parquet extracts and their manifest."""
        return self.path / "extracts"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report"

    @property
    def site(self) -> Path:
        """The static site: a page a day."""
        return self.path / "site"

    @property
    def docs(self) -> Path:
        """The docs site."""
        return self.path / "docs"

    @property
    def probes(self) -> Path:
        """One kept answer of each provider, small enough to send with a report of a fault."""
        return self.path / "probes"

    @property
    def backup(self) -> Path:
        """Backups, one folder each."""
        return self.path / "backup"

    @property
    def public(self) -> "Home":
        """A home inside this one: only the values that may be passed on are published there."""
        return Home(self.path / "public")

    def as_of(self, instant: datetime) -> "Home":
        """Where a build as of an earlier instant publishes, so that the current warehouse is left alone."""
        return Home(self.path / "as_of" / instant.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ"))

    def claim_origin(self, origin: str) -> None:
        """Say where this home's rows come from: `public`, or a stand-in with the hash of its folder.

        The first claim is kept in the file `origin`. Raises HomeError when the home belongs to another origin:
        simulated rows never meet real ones.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / "origin"
        aside = self.path / f".origin.{os.getpid()}"
        aside.write_text(f"{origin}\n", encoding="utf-8")
        try:
            # A hard link is made by one process only, also when two start at once.
            os.link(aside, file)
            flush(self.path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
        holder = file.read_text(encoding="utf-8").strip()
        if holder != origin:
            raise HomeError(
                f"{self.path} holds data from {holder!r} and this run takes it from {origin!r}; the two are never "
                "mixed. Set LEADLINE_HOME to another folder for this origin, or run with the upstream of the first."
            )

    def require_free(self, needed_bytes: int) -> None:
        """Raise HomeError when the disk has less room than the next step may need."""
        self.path.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.path).free
        if free < needed_bytes:
            raise HomeError(
                f"{self.path} has {free / MEGABYTE:.0f} MB free and this step may need {needed_bytes / MEGABYTE:.0f} "
                "MB. Nothing was changed. Free some space, then run again."
            )
