"""How often a provider may be asked: one pace a provider, shared by every session of this process."""

import time
from threading import Lock

from pyrate_limiter import Duration, Limiter, Rate

from sources.core.errors import Failure, SourceError
from sources.core.provider import Provider

_SLOWEST = 8  # a provider that keeps complaining is asked at an eighth of its pace, then not slowed further


class Pace:
    """At most `requests_per_minute`, spread evenly; None = as fast as answers come (the stand-in upstream)."""

    def __init__(self, requests_per_minute: int | None) -> None:
        self._per_minute = requests_per_minute
        self._slowed = 1
        self._closed_until = 0.0  # monotonic seconds
        self._limiter = None if requests_per_minute is None else _limiter(requests_per_minute)

    def wait(self, patience_s: float) -> None:
        """Wait for one's turn. Raises THROTTLED at once when the turn is more than `patience_s` away."""
        if self._limiter is None:
            return
        closed_s = self._closed_until - time.monotonic()
        if closed_s > patience_s:
            raise SourceError(Failure.THROTTLED, f"The provider asked for {closed_s:.0f} s of silence.", "", closed_s)
        if closed_s > 0:
            time.sleep(closed_s)
        if not self._limiter.try_acquire("request", timeout=patience_s):
            raise SourceError(Failure.THROTTLED, f"No turn within {patience_s:.0f} s at this provider's pace.")

    def slow_down(self, silence_s: float | None) -> None:
        """After "too many requests": halve the pace for the rest of this process, and keep silent as told."""
        if silence_s is not None:
            self._closed_until = max(self._closed_until, time.monotonic() + silence_s)
        if self._per_minute is not None and self._slowed < _SLOWEST:
            self._slowed *= 2
            self._limiter = _limiter(self._per_minute / self._slowed)

    @property
    def requests_per_minute(self) -> float | None:
        """The pace after all complaints so far; None = unlimited."""
        return None if self._per_minute is None else self._per_minute / self._slowed


def pace_of(provider: Provider, url: str = "") -> Pace:
    """The one pace of a live provider in this process, or of an address of it that has a slower one of its own."""
    per_minute = dict(provider.slower).get(url, provider.requests_per_minute)
    with _lock:
        return _paces.setdefault((provider.name, url), Pace(per_minute))


def _limiter(per_minute: float) -> Limiter:
    # Evenly spread: a whole minute's allowance at once would be a burst that short-window limits punish.
    burst = max(1, int(per_minute // 60))
    return Limiter(Rate(burst, int(burst * Duration.MINUTE.value / per_minute)), buffer_ms=1)


_lock = Lock()
_paces: dict[tuple[str, str], Pace] = {}
