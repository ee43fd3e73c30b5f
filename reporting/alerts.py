"""What is worth an alert: a regime, a bucket or a chance that changed from one date to the next, with its reason.

An event has an id of what it says, so that the same news is told once, however often it is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from reporting.board import Board
from reporting.forecast_words import crossed
from reporting.localization import Words
from reporting.published import BoardError, PublishedWarehouse

SIMULATED = "SIMULATED. "
LINES_IN_HUNDRED = (10, 25, 50, 75, 90)  # a chance that crosses one of these is news


@dataclass(frozen=True)
class Alert:
    """One piece of news. `event_id` is the same whenever the same news is found again."""

    event_id: str
    title: str
    text: str


def changes(warehouse: PublishedWarehouse) -> list[Alert]:
    """How the newest date of a published warehouse differs from the day before it: verdict, regime, buckets.

    Empty for a warehouse with fewer than two dates in a row, and where nothing changed.
    """
    try:
        today = warehouse.board()
        yesterday = warehouse.board(today.signal_date - timedelta(days=1))
    except BoardError:
        return []
    return [
        *_verdict(today, yesterday),
        *_regime(today, yesterday),
        *_forecast(today, yesterday),
        *_buckets(today, yesterday),
    ]


def stale(dataset_id: str, newest: str, reason: str) -> Alert:
    """A dataset whose newest observation is older than it should be. Told once for each observation it stops at."""
    return Alert(f"stale:{dataset_id}:{newest}", f"Stale: {dataset_id}", reason)


def failed_publish(run_id: str, reason: str) -> Alert:
    """A run that published nothing. Readers keep what they had."""
    return Alert(f"failed_publish:{run_id}", "Nothing was published", f"{reason} Readers keep what they had.")


def _verdict(today: Board, yesterday: Board) -> Iterator[Alert]:
    """The slow parts of the verdict: the side of the level, and the evidence. The position changes more often."""
    was, now = yesterday.regime, today.regime
    if (was.side, was.evidence_for_level) == (now.side, now.evidence_for_level):
        return
    words = Words("en")
    position, evidence = words.say("positions", now.position), words.say("evidence", now.evidence_for_level)
    yield Alert(
        f"verdict:{today.signal_date}:{now.side}:{now.evidence_for_level}",
        f"{words.day(today.signal_date)}: {position}; {evidence}",
        f"{_mark(today)}{words.verdict(today)}",
    )


def _regime(today: Board, yesterday: Board) -> Iterator[Alert]:
    before, after = yesterday.regime.regime, today.regime.regime
    if before == after:
        return
    words = Words("en")
    text = (
        f"{_mark(today)}{words.verdict(today)} {words.say('regimes', after)} after {words.say('regimes', before)}: "
        f"{words.say('meaning', after)}. {words.price(today)}. Next condition: {words.next_condition(today)}. "
        f"Why: {today.regime.explanation or 'no reason given'}"
    )
    yield Alert(
        f"regime:{today.signal_date}:{after}", f"{words.day(today.signal_date)}: {words.say('regimes', after)}", text
    )


def _forecast(today: Board, yesterday: Board) -> Iterator[Alert]:
    """The chance of a close below the level that crossed a line since the day before, for the same level."""
    words = Words("en")
    for horizon in today.forecast.horizons if today.forecast else ():
        before = yesterday.forecast.of(horizon.horizon_days) if yesterday.forecast else None
        now, then = horizon.at("level"), before.at("level") if before else None
        if now is None or then is None or now.strike_usd is None or now.strike_usd != then.strike_usd:
            continue
        for line in LINES_IN_HUNDRED:
            over, was_over = now.prob_close_below > line / 100, then.prob_close_below > line / 100
            if over != was_over:
                text = crossed(words, horizon.horizon_days, then, now, line)
                yield Alert(
                    f"forecast:{today.signal_date}:{horizon.horizon_days}:{line}:{'up' if over else 'down'}",
                    f"{words.day(today.signal_date)}: {horizon.horizon_days} days, {line} in 100",
                    f"{_mark(today)}{text}",
                )


def _buckets(today: Board, yesterday: Board) -> Iterator[Alert]:
    words = Words("en")
    before = {bucket.bucket: bucket.state for bucket in yesterday.buckets}
    for bucket in today.buckets:
        was = before.get(bucket.bucket)
        if was is None or was == bucket.state:
            continue
        name, state = words.say("short", bucket.bucket), words.say("states", bucket.state)
        waiting = f" Waiting for {bucket.waiting_for}." if bucket.waiting_for else ""
        yield Alert(
            f"bucket:{today.signal_date}:{bucket.bucket}:{bucket.state}",
            f"{words.day(today.signal_date)}: {name} {state}",
            f"{_mark(today)}{name}: {words.say('states', was)} → {state}. {words.name(bucket.primary)} "
            f"{words.value(bucket.primary)} ({words.freshness(bucket.primary)}). "
            f"Why: {bucket.evidence or 'no rule holds'}.{waiting}",
        )


def _mark(board: Board) -> str:
    return SIMULATED if board.is_simulated else ""
