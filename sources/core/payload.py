"""One answer of a provider, exactly as received, and what reading it gives."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl


@dataclass(frozen=True)
class Payload:
    """A response body as received, with what is needed to read it again years later.

    `url` is the provider's own address, never the stand-in's; neither it nor `params` holds a secret.
    `fetched_at` is an aware UTC instant.
    """

    url: str
    params: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    fetched_at: datetime

    @property
    def sha256(self) -> str:
        """Hash of the body."""
        return hashlib.sha256(self.body).hexdigest()


# Reasons that cost a row and say nothing against the others: they do not count against the limit of rejects.
NO_VALUE = "is zero where there is always some: it stands for no value"
CLOSED_DAY = "falls on a day without a session"
HARMLESS = (NO_VALUE, CLOSED_DAY)


@dataclass(frozen=True)
class Reject:
    """A row that was sent but cannot be believed: why, and its text as sent."""

    reason: str
    text: str


@dataclass(frozen=True)
class Parsed:
    """What a payload holds: `rows` with exactly the dataset's declared columns and types, and what was refused.

    `left_out` counts the rows that are right and not this dataset's, by reason: a bar that still runs, another
    contract, a day before the dataset begins.
    """

    rows: pl.DataFrame
    rejects: tuple[Reject, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
