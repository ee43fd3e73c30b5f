"""The origin of the data: public sources, or a stand-in upstream on this machine."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from pipeline.settings import Settings

PUBLIC_SOURCES = "public sources"
ORIGIN_TIMEOUT_S = 10


class UpstreamError(RuntimeError):
    """The stand-in upstream does not answer, or is none."""


def origin(settings: Settings) -> str:
    """What a home's data comes from: public sources, or a stand-in with the hash of its market tables."""
    if settings.upstream is None:
        return PUBLIC_SOURCES
    said = _ask_stand_in(settings.upstream)
    return f"stand-in {said['market']} {said['sha256']}"


def origin_of(home: Path) -> str:
    """What a home was filled from; public sources for one that is still empty."""
    said = home / "origin"
    return said.read_text(encoding="utf-8").strip() if said.exists() else PUBLIC_SOURCES


def newest(settings: Settings) -> datetime:
    """Now; for a stand-in the newest time of its market."""
    if settings.upstream is None:
        return datetime.now(UTC)
    return datetime.fromisoformat(_ask_stand_in(settings.upstream)["newest"])


def without(settings: Settings) -> frozenset[str]:
    """Datasets that a stand-in says it has nothing for; none for public sources."""
    if settings.upstream is None:
        return frozenset()
    return frozenset(_ask_stand_in(settings.upstream).get("without", ()))


def _ask_stand_in(upstream: str) -> dict[str, Any]:
    try:
        answer = requests.get(f"{upstream}/leadline/origin", timeout=ORIGIN_TIMEOUT_S)
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise UpstreamError(
            f"No stand-in upstream at {upstream} ({type(error).__name__}). "
            "Start one with `leadline sandbox`, or unset LEADLINE_UPSTREAM to use public sources."
        ) from error
    return said
