"""Where the published warehouse is, and how the tables of the commands look."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.errors import RequestError
from pipeline.settings import Settings
from warehouse.home import Home

PLAIN: Mapping[str, Any] = {"box": None, "pad_edge": False}  # of a table


def published_file(as_of: datetime | None = None) -> Path:
    """The published warehouse of the home, or of a build as of an earlier instant; it need not exist."""
    home = Home(Settings().home)
    return (home if as_of is None else home.as_of(as_of)).published


def existing(published: Path) -> Path:
    """The same path. Raises RequestError when there is no file."""
    if not published.exists():
        raise RequestError(f"There is no published warehouse at {published}. `leadline run` makes one.")
    return published


def cell(value: object) -> str:
    """A value in a table, empty for none."""
    return "" if value is None else str(value)


def minute(instant: datetime | None) -> str:
    """An instant to the minute, empty for none."""
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M}"
