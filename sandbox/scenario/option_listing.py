"""Which options trade at a snapshot: Deribit's expiries, and strikes around the price."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from sandbox.scenario.story import Floats, Instants

_SETTLEMENT = time(8)
_LAST_HOURS = timedelta(hours=6)  # an expiry that settles within them is left out
_DAILY_AHEAD = (2, 3)  # days to the daily expiries that are listed
_FRIDAYS_AHEAD = 60
_STEPS = np.array([500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0])  # USD between near strikes
_FAR_STEPS = {500.0: 1_000.0, 1_000.0: 5_000.0, 2_000.0: 5_000.0, 5_000.0: 10_000.0, 10_000.0: 20_000.0}
_STEP = 0.4  # of a standard deviation, at most, between near strikes
_NEAR, _FAR = 1.4, 3.0  # standard deviations that the near and the far strikes reach
_ALWAYS_FROM_USD = 40_000.0  # monthly and quarterly strikes reach at least down to here


class ExpiryKind(StrEnum):
    """What an expiry is listed as; the later ones take precedence on a common day."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


_LISTED = {ExpiryKind.WEEKLY: 3, ExpiryKind.MONTHLY: 3, ExpiryKind.QUARTERLY: 3}


@dataclass(frozen=True)
class Listing:
    """Every strike of every snapshot, in order; a call and a put trade at each."""

    snapshot: npt.NDArray[np.int64]  # position among the snapshots
    expiry: Instants
    kind: npt.NDArray[np.str_]
    strike: Floats


def listings(snapshots: Instants, price: Floats, volatility: Floats) -> Listing:
    """The strikes listed at each snapshot, wide enough for its price in USD and its volatility in points."""
    found = []
    for position, (snapshot, spot, points) in enumerate(zip(snapshots.tolist(), price, volatility, strict=True)):
        for settles, kind in expiries(snapshot):
            years = (settles - snapshot).total_seconds() / 86_400 / 365
            found.append((position, settles, kind, _strikes(kind, float(spot), float(points / 100 * years**0.5))))
    sizes = [len(strikes) for *_, strikes in found]
    return Listing(
        snapshot=np.repeat([position for position, *_ in found], sizes),
        expiry=np.repeat(np.array([settles for _, settles, *_ in found], dtype="M8[us]"), sizes),
        kind=np.repeat([str(kind) for *_, kind, _ in found], sizes),
        strike=np.concatenate([strikes for *_, strikes in found]),
    )


def expiries(snapshot: datetime) -> list[tuple[datetime, ExpiryKind]]:
    """The expiries that trade at a snapshot: the next days, Fridays, months' and quarters' last Fridays."""
    today = snapshot.date()
    kinds: dict[date, ExpiryKind] = {today + timedelta(days=ahead): ExpiryKind.DAILY for ahead in _DAILY_AHEAD}
    friday = today + timedelta(days=(4 - today.weekday()) % 7)
    fridays = [friday + timedelta(weeks=week) for week in range(_FRIDAYS_AHEAD)]
    months = [day for day in fridays if (day + timedelta(weeks=1)).month != day.month]
    quarters = [day for day in months if day.month % 3 == 0]
    for kind, days in ((ExpiryKind.WEEKLY, fridays), (ExpiryKind.MONTHLY, months), (ExpiryKind.QUARTERLY, quarters)):
        live = [day for day in days if datetime.combine(day, _SETTLEMENT) > snapshot + _LAST_HOURS]
        kinds |= dict.fromkeys(live[: _LISTED[kind]], kind)
    return [(datetime.combine(day, _SETTLEMENT), kinds[day]) for day in sorted(kinds)]


def _strikes(kind: ExpiryKind, price: float, deviation: float) -> Floats:
    """Fine steps near the price, coarse ones out to the wings."""
    affordable = _STEPS[max(_STEP * deviation * price, _STEPS[0]) >= _STEPS]
    step = float(affordable[-1])
    far = _FAR_STEPS[step]
    lowest = price * np.exp(-_FAR * deviation)
    if kind in (ExpiryKind.MONTHLY, ExpiryKind.QUARTERLY):
        lowest = min(lowest, _ALWAYS_FROM_USD)
    near = np.arange(*_range(price * np.exp(-_NEAR * deviation), price * np.exp(_NEAR * deviation), step), step)
    wings = np.arange(*_range(lowest, price * np.exp(_FAR * deviation), far), far)
    return np.union1d(near, wings)


def _range(low: float, high: float, step: float) -> tuple[float, float]:
    """The multiples of `step` around low and high, as bounds for `arange`."""
    return max(np.floor(low / step), 1) * step, (np.ceil(high / step) + 0.5) * step
