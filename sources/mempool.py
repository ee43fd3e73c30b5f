"""mempool.space: the running difficulty estimate, daily hashrate and past difficulty adjustments.

Published by the operators of an open-source explorer (AGPL-3.0); no terms are stated for the numbers. The estimate is
of the moment of asking and is kept only by us. The hashrate of a day is written once, some minutes after it ends.

Oddities: times of the estimate were seconds until 2021 and are milliseconds now, beside one that stayed in seconds;
the daily hashrate point is stamped at the END of its day; an adjustment is a ratio (0.899 is -10.1 %); early in an
epoch the estimate is mostly the previous epoch rescaled, so `progress_pct` below 10 makes it soft.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeGuard

import polars as pl

from sources.dataset import INSTANT, Access, Bucket, Cadence, Column, Dataset, Provider, Window
from sources.http import Session
from sources.payload import Parsed, Payload
from sources.reading import from_s, part, require, require_names, strict_json, typed

BASE = "https://mempool.space/api/v1"

# How far back each named period reaches, in days at least.
PERIODS: Mapping[str, int] = {"3d": 3, "1w": 7, "1m": 28, "3m": 89, "6m": 181, "1y": 365, "2y": 730, "3y": 1095}
LONGEST_EPOCH = timedelta(days=21)  # 2016 blocks at two thirds of the usual pace; one of 2021 took 19

PROVIDER = Provider(
    name="mempool",
    title="mempool.space",
    home="https://mempool.space",
    hosts=("mempool.space",),
    requests_per_minute=10,  # limits are unpublished and persistent use is banned; answers are cached for minutes
    licence="not stated for the numbers; the code is AGPL-3.0",
    may_republish=False,
)

ESTIMATE_COLUMNS: Mapping[str, Column] = {
    "observed_at": Column(INSTANT, "UTC", "Moment of asking."),
    "progress_pct": Column(pl.Float64, "%", "Share of the epoch's 2016 blocks already mined.", minimum=0, maximum=100),
    "difficulty_change_pct": Column(
        pl.Float64, "%", "Estimated change at the next adjustment.", minimum=-75, maximum=300
    ),
    "estimated_retarget_at": Column(INSTANT, "UTC", "Estimated time of the next adjustment."),
    "remaining_blocks": Column(pl.Int64, "blocks", "Blocks to the next adjustment.", minimum=0, maximum=2016),
    "remaining_time_h": Column(pl.Float64, "h", "Estimated time to the next adjustment.", minimum=0),
    "previous_retarget_pct": Column(pl.Float64, "%", "The last adjustment.", minimum=-75, maximum=300),
    "next_retarget_height": Column(pl.Int64, "block height", "Height of the next adjustment.", minimum=0),
    "block_time_s": Column(pl.Float64, "s", "Mean block interval of the running epoch.", minimum=0),
}

HASHRATE_COLUMNS: Mapping[str, Column] = {
    "hashrate_date": Column(pl.Date, "UTC day", "Day whose blocks were counted."),
    "hashrate_ehs": Column(pl.Float64, "EH/s", "Mean hashrate of the day.", minimum=0),
}

RETARGET_COLUMNS: Mapping[str, Column] = {
    "height": Column(pl.Int64, "block height", "First block of the new epoch.", minimum=0),
    "retarget_at": Column(INSTANT, "UTC", "Header time of that block."),
    "difficulty": Column(pl.Float64, "difficulty", "Difficulty from that block on.", minimum=0),
    "change_pct": Column(pl.Float64, "%", "Change against the epoch before.", minimum=-75, maximum=300),
}

ESTIMATE_FIELDS = (
    "progressPercent",
    "difficultyChange",
    "estimatedRetargetDate",
    "remainingBlocks",
    "remainingTime",
    "previousRetarget",
    "nextRetargetHeight",
    "timeAvg",
)


def fetch_difficulty_adjustment(session: Session, window: Window) -> Iterator[Payload]:
    """The estimate at this moment, whatever the window."""
    yield session.get(f"{BASE}/difficulty-adjustment")


def fetch_hashrate(session: Session, window: Window) -> Iterator[Payload]:
    """Daily hashrate of the shortest named period that covers the window."""
    yield session.get(f"{BASE}/mining/hashrate/{_period(session.now(), window)}")


def fetch_retarget(session: Session, window: Window) -> Iterator[Payload]:
    """Difficulty adjustments of the shortest named period that covers the window and the one in force at its start."""
    reach = Window(window.start - LONGEST_EPOCH, window.end)
    yield session.get(f"{BASE}/mining/difficulty-adjustments/{_period(session.now(), reach)}")


def read_difficulty_adjustment(payload: Payload) -> Parsed:
    """One row, stamped with the moment of asking. Raises SourceError when a field is missing."""
    sent = part(strict_json(payload), kind=dict)
    require_names(sent, ESTIMATE_FIELDS, payload.url)
    date, interval = sent["estimatedRetargetDate"], sent["timeAvg"]
    # Milliseconds today. In captures up to 2021 seconds, except the mean interval in some of them: there only a mean
    # between 20 seconds and 5.5 hours is believable, which tells its units apart.
    per_second = 1_000 if _is_number(date) and date > 1e11 else 1
    interval_per_second = 1_000 if _is_number(interval) and interval > 20_000 else per_second
    record = {
        "observed_at": payload.fetched_at,
        "progress_pct": sent["progressPercent"],
        "difficulty_change_pct": sent["difficultyChange"],
        "estimated_retarget_at": from_s(_over(date, per_second)),
        "remaining_blocks": sent["remainingBlocks"],
        "remaining_time_h": _over(sent["remainingTime"], per_second * 3_600),
        "previous_retarget_pct": sent["previousRetarget"],
        "next_retarget_height": sent["nextRetargetHeight"],
        "block_time_s": _over(interval, interval_per_second),
    }
    return typed([record], ESTIMATE_COLUMNS, fetched_at=payload.fetched_at, observed="observed_at", sent=[sent])


def read_hashrate(payload: Payload) -> Parsed:
    """One row a day. Raises SourceError when the list of points is missing."""
    points = part(strict_json(payload), "hashrates")
    if points:
        require_names(part(points, 0, kind=dict), ("timestamp", "avgHashrate"), payload.url)
    rows = map(_hashrate, points)
    return typed(rows, HASHRATE_COLUMNS, fetched_at=payload.fetched_at, observed="hashrate_date", sent=points)


def read_retarget(payload: Payload) -> Parsed:
    """One row an adjustment, newest first as sent. Raises SourceError when the answer is no list."""
    # The genesis block heads the list of the whole history, but adjusted nothing.
    entries = [entry for entry in part(strict_json(payload)) if not (_is_change(entry) and entry[1] == 0)]
    is_known = not entries or any(_is_change(entry) for entry in entries)
    require(is_known, f"{payload.url}: no entry has the four values time, height, difficulty and ratio.")
    rows = map(_retarget, entries)
    return typed(rows, RETARGET_COLUMNS, fetched_at=payload.fetched_at, observed="retarget_at", sent=entries)


def _hashrate(point: object) -> Mapping[str, object]:
    if not isinstance(point, dict):
        return {}
    stamp = from_s(point.get("timestamp"))
    return {
        # The stamp is the midnight that ends the day.
        "hashrate_date": stamp.date() - timedelta(days=1) if isinstance(stamp, datetime) else stamp,
        "hashrate_ehs": _over(point.get("avgHashrate"), 1e18),
    }


def _retarget(entry: object) -> Mapping[str, object]:
    if not _is_change(entry):
        return {}
    time, height, difficulty, ratio = entry
    change = round((ratio - 1) * 100, 9) if _is_number(ratio) else ratio  # nine places: only float noise is cut
    return {"height": height, "retarget_at": from_s(time), "difficulty": difficulty, "change_pct": change}


def _is_change(entry: object) -> TypeGuard[list[object]]:
    return isinstance(entry, list) and len(entry) == 4


def _period(now: datetime, window: Window) -> str:
    """The shortest named period that reaches back to the window's start."""
    days = (now - window.start) / timedelta(days=1)
    return next((name for name, reach in PERIODS.items() if days <= reach), "all")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _over(value: object, divisor: float) -> object:
    """A number over `divisor`; anything else as it came, so that it is refused with its own text."""
    return value / divisor if _is_number(value) else value


DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="difficulty_adjustment",
        bucket=Bucket.MINING,
        description="Estimate of the next difficulty adjustment, at the moment of asking.",
        columns=ESTIMATE_COLUMNS,
        key=("observed_at",),
        observed="observed_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_difficulty_adjustment,
        read=read_difficulty_adjustment,
        access=Access.NOW,
        cadence=Cadence.SNAPSHOT,
    ),
    Dataset(
        provider=PROVIDER,
        name="hashrate",
        bucket=Bucket.MINING,
        description="Mean hashrate of each UTC day.",
        columns=HASHRATE_COLUMNS,
        key=("hashrate_date",),
        observed="hashrate_date",
        period=timedelta(days=1),
        publication_lag=timedelta(minutes=15),
        fetch=fetch_hashrate,
        read=read_hashrate,
        fresh_for=timedelta(days=3),
    ),
    Dataset(
        provider=PROVIDER,
        name="retarget",
        bucket=Bucket.MINING,
        description="Difficulty adjustments: when, at which height, by how much.",
        columns=RETARGET_COLUMNS,
        key=("height",),
        observed="retarget_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_retarget,
        read=read_retarget,
        fresh_for=timedelta(days=17),  # an epoch lasts about a fortnight, longer when hashrate falls
        reread=timedelta(days=30),  # always at least the last two adjustments
        may_be_empty=True,
    ),
)
