"""Why the board says what it says, in the reader's language, put together from rules and readings.

The warehouse keeps the same evidence as English text; here it is said anew from the rows that the text was made of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reporting.board import Board, BucketReading, Condition, Rule
from reporting.localization import Words

UNKNOWN_STATE: Final = "unknown"
COULD_BE: Final = "at best "  # how a bucket begins that lacks a reading, though its primary is fresh


@dataclass(frozen=True)
class Witness:
    """A figure that speaks for a capitulation: a measure of a signal against thresholds of the regime, all to be met.

    `stands_in` marks one that speaks only where the figure before it has no source.
    """

    signal_id: str
    tests: Sequence[tuple[str, str]]  # measure, and the name of its threshold in the rules
    stands_in: bool = False


# The families of evidence of the regime's rules: in each the first figure that is known speaks.
FAMILIES: Final[Sequence[Sequence[Witness]]] = (
    (
        Witness("liquidations_usd", (("percentile_365d", "liquidations_percentile"),)),
        Witness("spot_volume_ratio_90d", (("percentile_365d", "volume_percentile"),), stands_in=True),
    ),
    (
        Witness(
            "futures_oi_change_3d_pct",
            (("percentile_365d", "open_interest_percentile"), ("value", "open_interest_change_pct")),
        ),
        Witness(
            "futures_oi_change_3d_usd_pct",
            (("percentile_365d", "open_interest_percentile"), ("value", "open_interest_change_pct")),
        ),
    ),
    (
        Witness("realized_loss_usd", (("percentile_365d", "realized_loss_percentile"),)),
        Witness("net_realized_pnl_7d_usd", (("percentile_365d", "net_pnl_percentile"),), stands_in=True),
        Witness("sopr", (("percentile_365d", "net_pnl_percentile"),), stands_in=True),
    ),
    (
        Witness("rr25_30d", (("value", "skew_vol_points"),)),
        Witness("dvol_change_1d", (("percentile_365d", "dvol_change_percentile"),), stands_in=True),
    ),
)


def bucket_evidence(words: Words, board: Board, bucket: BucketReading) -> str:
    """The rules that hold, each with its reading and the reading's day; then what was skipped for want of a reading."""
    rules = (*bucket.continues, *bucket.confirms)
    said = [_held(words, board, rule) for rule in rules if rule.holds]
    missing = _missing(words, board, rules)
    if missing:
        said.append(words.label("skipped", what=missing))
    return words.label("semicolon").join(said) or words.label("no_rule_holds")


def waiting_for(words: Words, board: Board, bucket: BucketReading) -> str | None:
    """What a bucket waits for; None when it waits for nothing."""
    if bucket.waiting_for is None:
        return None
    name = words.name(bucket.primary)
    if bucket.state == UNKNOWN_STATE and bucket.waiting_for.startswith(COULD_BE):
        missing = _missing(words, board, (*bucket.continues, *bucket.confirms))
        best, worst = (
            words.say("states", state or "unknown") for state in (bucket.state_at_best, bucket.state_at_worst)
        )
        before = words.label("as_before", name=name)
        return words.label("could_be", best=best, worst=worst, what=missing or before)
    if bucket.state == UNKNOWN_STATE:
        observed = bucket.primary.observed_date
        last = words.label("last_of", date=observed) if observed else words.label("none_yet")
        return words.label("fresh_reading", name=name, last=last)
    first = first_choice(board, bucket)
    if first is not None and first != bucket.primary.signal_id:
        return words.label("stand_in", first=words.name(board.readings[first]), name=name)
    missing = _missing(words, board, (*bucket.continues, *bucket.confirms))
    if missing:
        return words.label("readings_of", what=missing)
    return bucket.waiting_for if words.language == "en" else None


def first_choice(board: Board, bucket: BucketReading) -> str | None:
    """The signal that decides a bucket where everything has a source; None where none is declared."""
    of_bucket = [reading for reading in board.readings.values() if reading.bucket == bucket.bucket]
    return next((reading.signal_id for reading in of_bucket if reading.primary_rank == 1), None)


def condition_evidence(words: Words, board: Board, condition: Condition) -> str:
    """Every clause of a condition with its reading and whether it holds, each once."""
    return words.label("semicolon").join(dict.fromkeys(_clauses(words, board, condition)))


def _clauses(words: Words, board: Board, condition: Condition) -> Iterator[str]:
    refutations = [rule for rule in condition.rules if rule.direction == "refutes" and rule.holds]
    for rule in refutations:
        yield words.label("refuted_by", what=_held(words, board, rule))
    for rule in condition.rules:
        if rule.direction == "refutes":
            continue
        if rule.holds is None:
            yield words.label("no_reading_of", name=words.signal_name(rule.signal_id, board.readings))
        else:
            suffix = "" if rule.holds else words.label("does_not_hold")
            yield f"{_held(words, board, rule)}{suffix}"


def regime_reason(words: Words, board: Board) -> str | None:
    """What decided the regime, with its figures and their dates; None where they may not be passed on."""
    regime = board.regime
    if board.is_public:
        return None
    if regime.regime == "unknown":
        unknown = [words.say("short", bucket.bucket) for bucket in board.buckets if bucket.state == UNKNOWN_STATE]
        if regime.btc_close_usd is None:
            return words.label("no_price")
        names = words.label("listed").join(unknown) or words.label("nothing")
        return words.label("too_little", known=regime.buckets_known, names=names)
    if regime.regime == "capitulation":
        return words.label("semicolon").join(_capitulation(words, board))
    if regime.regime == "relief_rally" and regime.fall_date and regime.low_since_fall_usd:
        return words.label(
            "rebound", since=regime.since, low=words.money(regime.low_since_fall_usd), fall=regime.fall_date
        )
    return words.label("semicolon").join(_counted(words, board))


def _capitulation(words: Words, board: Board) -> Iterator[str]:
    fall = board.regime.fall_date
    if fall is not None and fall < board.signal_date:
        yield words.label("day_after", fall=fall)
        return
    day = board.readings.get("btc_return_1d_pct")
    if day is not None and day.value is not None:
        yield words.label("fell", change=words.value(day))
    for family in FAMILIES:
        if (said := _testimony(words, board, family)) is not None:
            yield said


def _testimony(words: Words, board: Board, family: Sequence[Witness]) -> str | None:
    """What the first known figure of a family says, when it speaks for a capitulation."""
    for witness in family:
        reading = board.readings.get(witness.signal_id)
        if reading is None:
            continue
        values = {"value": reading.value, "percentile_365d": reading.percentile_365d}
        tests = [(measure, values[measure], board.thresholds.get(name)) for measure, name in witness.tests]
        if any(value is None for _, value, _ in tests):
            continue
        if not all(limit and compares(value or 0.0, limit.operator, limit.value) for _, value, limit in tests):
            return None
        figures = [
            words.value(reading)
            if measure == "value"
            else words.label("at_percentile", percentile=words.number(value, None, 0))
            for measure, value, _ in tests
        ]
        note = words.label("standing_in") if witness.stands_in else ""
        return f"{words.name(reading)}{note} {words.label('comma').join(figures)} ({words.freshness(reading)})"
    return None


def compares(value: float, operator: str, limit: float) -> bool:
    """Whether a value meets a threshold. Raises KeyError for an operator that the rules do not have."""
    outcomes = {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}
    return outcomes[operator]


def _counted(words: Words, board: Board) -> Iterator[str]:
    states = [bucket.state for bucket in board.buckets]
    yield words.label(
        "counted", bulls=states.count("bull"), bears=states.count("bear"), known=board.regime.buckets_known
    )
    distance = board.readings.get("btc_close_to_level_pct")
    if distance is not None and distance.value is not None:
        yield words.label("against_level", distance=words.signed(distance.value, distance.unit, 1))
    known = [holds for name in ("H1", "H2", "H3") if (holds := board.conditions[name].holds) is not None]
    yield words.label(
        "conditions_held" if len(known) == 3 else "conditions_held_known", held=sum(known), known=len(known)
    )
    clause = board.regime.regime_decided_by_zh if words.language == "zh" else board.regime.regime_decided_by
    if clause is not None:
        yield clause


def _held(words: Words, board: Board, rule: Rule) -> str:
    said = words.rule(rule, board.readings)
    if rule.value is None:
        return said
    observed = f", {rule.observed_date}" if rule.observed_date and rule.unit != "state" else ""
    return f"{said} [{words.held_against(rule, board.readings)}{observed}]"


def _missing(words: Words, board: Board, rules: Sequence[Rule]) -> str:
    names = (words.signal_name(rule.signal_id, board.readings) for rule in rules if rule.holds is None)
    return words.label("listed").join(dict.fromkeys(names))
