"""What is worth an alert: a regime or a bucket that changed from one date to the next, said with its reason.

An event has an id of what it says, so that the same news is told once, however often it is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from reporting.board import Board, BoardError, PublishedWarehouse
from reporting.words import Words

SIMULATED = "SIMULATED. "


@dataclass(frozen=True)
class Alert:
    """One piece of news. `event_id` is the same whenever the same news is found again."""

    event_id: str
    title: str
    text: str


def changes(warehouse: PublishedWarehouse) -> list[Alert]:
    """How the newest date of a published warehouse differs from the day before it: regime first, then buckets.

    Empty for a warehouse with fewer than two dates in a row, and where nothing changed.
    """
    try:
        today = warehouse.board()
        yesterday = warehouse.board(today.signal_date - timedelta(days=1))
    except BoardError:
        return []
    return [*_regime(today, yesterday), *_buckets(today, yesterday)]


def stale(dataset_id: str, newest: str, reason: str) -> Alert:
    """A dataset whose newest observation is older than it should be. Told once for each observation it stops at."""
    return Alert(f"stale:{dataset_id}:{newest}", f"Stale: {dataset_id}", reason)


def failed_publish(run_id: str, reason: str) -> Alert:
    """A run that published nothing. Readers keep what they had."""
    return Alert(f"failed_publish:{run_id}", "Nothing was published", f"{reason} Readers keep what they had.")


def _regime(today: Board, yesterday: Board) -> Iterator[Alert]:
    before, after = yesterday.regime.regime, today.regime.regime
    if before == after:
        return
    words = Words("en")
    text = (
        f"{_mark(today)}{words.say('regimes', after)} after {words.say('regimes', before)}: "
        f"{words.say('meaning', after)}. {words.price(today)}. Next condition: {words.next_condition(today)}. "
        f"Why: {today.regime.explanation or 'no reason given'}"
    )
    yield Alert(
        f"regime:{today.signal_date}:{after}", f"{words.day(today.signal_date)}: {words.say('regimes', after)}", text
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
