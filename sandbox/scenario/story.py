"""The story that every table of the scenario tells: its dates, its paths, its reproducible noise.

A *path* is a list of [date, value] in `anchors.toml`. It stands at its value at the end of that day and runs straight
in between. *Noise* comes from named streams of a seeded generator, drawn in the order of time, so that a longer
scenario begins with exactly the shorter one.
"""

import tomllib
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.datetime64]

DAY = np.timedelta64(1, "D")
# A day's value is what the last snapshot of the day, at 23:50 UTC, sees.
_END_OF_DAY = np.timedelta64(23 * 60 + 50, "m")


class Ending(StrEnum):
    """How the scenario goes on after 10 February 2026."""

    ARTICLE = "article"  # it ends there
    CONFIRMING = "confirming"
    REFUTING = "refuting"


class Story:
    """The anchors of one ending."""

    def __init__(self, ending: Ending = Ending.ARTICLE) -> None:
        self.anchors: dict[str, Any] = tomllib.loads((Path(__file__).parent / "anchors.toml").read_text("utf-8"))
        self.ending = ending
        self.first_day: date = self.anchors["first_day"]
        self.last_day: date = self.anchors["last_day"][ending]

    @cached_property
    def days(self) -> Instants:
        """Every day of the scenario, at midnight UTC."""
        first, last = np.datetime64(self.first_day, "us"), np.datetime64(self.last_day, "us")
        return np.arange(first, last + DAY, DAY)

    @cached_property
    def hours(self) -> Instants:
        """Every full hour of the scenario."""
        return np.arange(self.days[0], self.days[-1] + DAY, np.timedelta64(1, "h"))

    def day_of(self, at: Instants) -> npt.NDArray[np.int64]:
        """The position among the days of the day that each instant falls on."""
        index: npt.NDArray[np.int64] = ((at - self.days[0]) // DAY).astype(np.int64)
        return index

    def figures(self, group: str) -> dict[str, Any]:
        """One group of `anchors.toml`, as written there."""
        found: dict[str, Any] = self.anchors[group]
        return found

    def continued(self, group: str, name: str) -> Any:
        """What the ending says about a figure; None when it says nothing."""
        return self.anchors.get(self.ending, {}).get(group, {}).get(name)

    def knots(self, group: str, name: str, values: Sequence[Any] | None = None) -> tuple[Instants, Floats]:
        """A path's instants and values, the ending's own after the common ones (`values`, where not in the file)."""
        common = self.anchors[group][name] if values is None else values
        pairs = [*common, *(self.continued(group, name) or [])]
        midnights: Instants = np.array([day for day, _ in pairs], dtype="datetime64[us]")
        return midnights + _END_OF_DAY, np.array([value for _, value in pairs], dtype=float)

    def path(self, group: str, name: str, at: Instants) -> Floats:
        """The path's value at each instant; flat before its first knot and after its last."""
        when, values = self.knots(group, name)
        return np.interp(_seconds(at), _seconds(when), values)

    def daily(self, group: str, name: str) -> Floats:
        """The path's value at the end of each day."""
        return self.path(group, name, self.days + _END_OF_DAY)

    def noise(self, stream: str, *shape: int) -> Floats:
        """Standard normal draws of a stream; a longer first axis begins with the same values."""
        return self._generator(stream).standard_normal(shape)

    def uniform(self, stream: str, *shape: int) -> Floats:
        """Draws between 0 and 1 of a stream, with the same property."""
        return self._generator(stream).random(shape)

    def wander(self, stream: str, length: int, memory: float) -> Floats:
        """Noise of unit variance that forgets slowly: autocorrelation `memory` from one step to the next."""
        steps = self.noise(stream, length) * np.sqrt(1 - memory**2)
        return np.fromiter(accumulate(steps, lambda last, step: memory * last + step), dtype=float, count=length)

    def _generator(self, stream: str) -> np.random.Generator:
        return np.random.default_rng([self.anchors["seed"], crc32(stream.encode())])


def pinned_walk(steps: Floats, pins: npt.NDArray[np.int64]) -> Floats:
    """The sum of the steps after each of them, bent so that it is zero at every pinned position."""
    walk = np.cumsum(steps)
    bent: Floats = walk - np.interp(np.arange(len(walk)), pins, walk[pins], left=0.0)
    return bent


def positions(days: Instants, when: Instants) -> npt.NDArray[np.int64]:
    """Where the days of `when` stand in `days`."""
    return np.searchsorted(days, when.astype("M8[D]").astype("M8[us]"))


def _seconds(at: Instants) -> Floats:
    return at.astype("datetime64[s]").astype(np.int64).astype(float)
