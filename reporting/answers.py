"""What programs get: the answer of a date and the definitions of signals, with the schema that says what each means.

The models are the schema: what is written follows them, and `model_json_schema` documents them.
"""

from datetime import UTC, date, datetime, time
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from reporting.board import Board, BucketReading, Reading
from reporting.localization import Words
from reporting.observed import CUT_OFF

VERSION: Final = "1"


class ProgramAnswer(BaseModel):
    """Nothing but what is described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReadingAnswer(ProgramAnswer):
    """One signal as known at the cut-off."""

    signal_id: str
    value: float | None = Field(description="In `unit`; null where nothing was known or the source forbids passing on.")
    unit: str
    observed_date: date | None = Field(description="The UTC day that the value is of; never later than `signal_date`.")
    age_days: int | None = Field(description="Days from the observed date to the signal date.")
    percentile_365d: float | None = Field(description="Its rank among its own readings of 365 days, 0 to 100.")
    provider: str | None
    source_count: int | None = Field(description="How many sources were pooled into the value.")


class BucketAnswer(ProgramAnswer):
    """The state of one of the seven buckets."""

    bucket: str
    state: str = Field(description="bull, improving, neutral, worsening, bear or unknown.")
    days_in_state: int | None
    confirms_met: int | None = Field(description="Groups of rules against the bear case that hold.")
    confirms_total: int | None
    continues_met: int | None = Field(description="Groups of rules for the bear case that hold.")
    continues_total: int | None
    reading: ReadingAnswer = Field(description="The signal that decides the bucket.")
    to_flip: str = Field(description="The nearest flip, in words.")
    waiting_for: str | None


class DayAnswer(ProgramAnswer):
    """The answer of one UTC day, as known at its cut-off."""

    schema_version: str = VERSION
    signal_date: date
    as_known_at: datetime = Field(description="The cut-off, UTC: what came later is not in here.")
    origin: str
    is_simulated: bool = Field(description="True: every number comes from a generator.")
    is_public: bool = Field(description="True: values that may not be passed on are null.")
    regime: str
    regime_since: date
    regime_means: str
    price: str = Field(description="The price against level and cluster, in words.")
    btc_close_usd: float | None
    level_usd: float | None
    cluster_low_usd: float | None
    cluster_high_usd: float | None
    next_condition: str | None
    buckets: list[BucketAnswer]
    conditions: dict[str, bool | None] = Field(
        description="Whether each holds: H1 to H3 for holding, R1 to R3 for a retest, S1 to S3 on the path. Null "
        "for unknown."
    )


def cut_off(day: date) -> datetime:
    """The instant whose knowledge the board of a date holds."""
    return datetime.combine(day, time(), UTC) + CUT_OFF


def day_answer(board: Board) -> DayAnswer:
    """A board as programs get it."""
    words = Words("en")
    regime = board.regime
    return DayAnswer(
        signal_date=board.signal_date,
        as_known_at=cut_off(board.signal_date),
        origin=board.origin,
        is_simulated=board.is_simulated,
        is_public=board.is_public,
        regime=regime.regime,
        regime_since=regime.since,
        regime_means=words.say("meaning", regime.regime),
        price=words.price(board),
        btc_close_usd=regime.btc_close_usd,
        level_usd=regime.level_usd,
        cluster_low_usd=regime.cluster_low_usd,
        cluster_high_usd=regime.cluster_high_usd,
        next_condition=regime.next_condition,
        buckets=[_bucket(words, board, bucket) for bucket in board.buckets],
        conditions={name: condition.holds for name, condition in board.conditions.items()},
    )


def reading_answer(reading: Reading) -> ReadingAnswer:
    """A reading as programs get it."""
    return ReadingAnswer(**{name: getattr(reading, name) for name in ReadingAnswer.model_fields})


def _bucket(words: Words, board: Board, bucket: BucketReading) -> BucketAnswer:
    said: dict[str, Any] = {
        "reading": reading_answer(bucket.primary),
        "to_flip": words.flip(bucket, board.readings),
    }
    own = {name: getattr(bucket, name) for name in BucketAnswer.model_fields if name not in said}
    return BucketAnswer(**own, **said)


SCHEMAS: Final[dict[str, type[ProgramAnswer]]] = {"day": DayAnswer}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of an answer."""
    return SCHEMAS[name].model_json_schema()
