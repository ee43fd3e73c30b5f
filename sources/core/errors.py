"""What can go wrong between a provider and us, told apart by what a person has to do about it."""

from dataclasses import dataclass
from enum import StrEnum

from sources.core.plain_text import printable


class Failure(StrEnum):
    """Why a provider gave no usable answer."""

    OUTAGE = "outage"  # refused, timed out, 5xx, cut short: try again later
    THROTTLED = "throttled"  # a short window is used up: wait as told
    QUOTA = "quota"  # a day's or month's allowance is used up: no retry before it resets
    BLOCKED = "blocked"  # bot wall, region ban (403, 451, HTML instead of data)
    NEEDS_KEY = "needs_key"  # the dataset is keyed and no key is configured
    BAD_KEY = "bad_key"  # the key was refused
    MOVED = "moved"  # 404 or 410 where data was, or a redirect to another host
    REFUSED = "refused"  # the provider did not accept the request itself
    CHANGED_LAYOUT = "changed_layout"  # an answer, but not in the declared shape
    NOT_DATA = "not_data"  # an answer that is no data at all (test net, maintenance page)
    NO_DATA = "no_data"  # an empty answer where the provider never gives one
    TOO_LARGE = "too_large"  # more bytes than the dataset ever needs, or a compressed bomb
    TOO_SLOW = "too_slow"  # the total deadline ran out
    UNSAFE = "unsafe"  # a URL outside the provider's hosts or scheme


# What to do, in words for the person who runs the warehouse.
ADVICE: dict[Failure, str] = {
    Failure.OUTAGE: "The provider is down or cannot be reached. The last good data stays; the next run tries again.",
    Failure.THROTTLED: "Too many requests for this provider. Wait, or narrow the window with --from.",
    Failure.QUOTA: "The provider's quota is used up. It is asked again after the quota resets.",
    Failure.BLOCKED: "The provider refuses this address. Run from elsewhere, or save the page by hand and use "
    "`leadline load`.",
    Failure.NEEDS_KEY: "Set the key in the environment or in .env to turn this dataset on.",
    Failure.BAD_KEY: "The provider refused the key. Check that it is current and that its plan covers this dataset.",
    Failure.MOVED: "The endpoint is gone or has moved. Look for a newer Leadline, or report it.",
    Failure.REFUSED: "The provider did not accept the request. Check the dates asked for, or report it.",
    Failure.CHANGED_LAYOUT: "The provider changed its format. Nothing was loaded; report it with the landing file.",
    Failure.NOT_DATA: "The answer is not market data. Nothing was loaded; look at the landing file.",
    Failure.NO_DATA: "The provider answered with nothing where there is always something. The next run tries again.",
    Failure.TOO_LARGE: "The answer is larger than this dataset can be. Nothing was loaded; report it.",
    Failure.TOO_SLOW: "The answer took longer than the deadline. The next run tries again.",
    Failure.UNSAFE: "The address is outside what this provider may use. Check LEADLINE_UPSTREAM.",
}

RETRYABLE = frozenset({Failure.OUTAGE, Failure.THROTTLED, Failure.TOO_SLOW})


@dataclass
class SourceError(Exception):
    """A provider's answer could not be used.

    `what` says what happened in one sentence, without any secret. `dataset` is filled in by whoever knows it.
    """

    failure: Failure
    what: str
    dataset: str = ""
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        # It may quote the provider, and goes to terminals, logs and alerts.
        self.what = printable(self.what)

    @property
    def advice(self) -> str:
        """What a person can do about it."""
        return ADVICE[self.failure]

    def __str__(self) -> str:
        subject = f"{self.dataset}: " if self.dataset else ""
        return f"{subject}{self.failure.value}: {self.what} {self.advice}"
