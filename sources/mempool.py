"""mempool.space: the running difficulty estimate, daily hashrate, past difficulty adjustments, fees and rewards of
blocks, the newest blocks, and its price of a coin.

Published by the operators of an open-source explorer (AGPL-3.0); no terms are stated for the numbers. The estimate is
of the moment of asking and is kept only by us. The hashrate of a day is written once, some minutes after it ends.

Oddities: times of the estimate were seconds until 2021 and are milliseconds now, beside one that stayed in seconds;
the daily hashrate point is stamped at the END of its day; an adjustment is a ratio (0.899 is -10.1 %); early in an
epoch the estimate is mostly the previous epoch rescaled, so `progress_pct` below 10 makes it soft. Amounts are whole
satoshi, as numbers or as text. Fees and rewards come in groups whose width hangs on the period asked for; only
the whole history comes by UTC day, so only that is asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TypeGuard

import polars as pl

from sources.core.casting import whole
from sources.core.dataset import INSTANT, Access, Bucket, Cadence, Column, Dataset, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_s, part, require, require_in_some, require_names, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.plausibility import hashrate_ehs
from sources.core.time_windows import DAY, is_unfinished

BASE = "https://mempool.space/api/v1"

# How far back each named period reaches, in days at least.
PERIODS: Mapping[str, int] = {"3d": 3, "1w": 7, "1m": 28, "3m": 89, "6m": 181, "1y": 365, "2y": 730, "3y": 1095}
DAY_BLOCKS = 144
SATOSHI_PER_BTC = 100_000_000
LONGEST_EPOCH = timedelta(days=21)  # 2016 blocks at two thirds of the usual pace; one of 2021 took 19

PROVIDER = Provider(
    name="mempool",
    title="mempool.space",
    home="https://mempool.space",
    hosts=("mempool.space",),
    requests_per_minute=10,  # limits are unpublished and persistent use is banned; answers are cached for minutes
    licence="not stated for the numbers; the code is AGPL-3.0",
    may_republish=False,
    described_by=specification("https://mempool.space/docs/api/rest"),
    recorded={
        "difficulty_adjustment": "mempool/v1_difficulty-adjustment_2024-12.json",
        "hashrate": "mempool/v1_mining_hashrate_6m.json",
        "retarget": "mempool/v1_mining_difficulty-adjustments_1m.json",
        "block_fee": "mempool/v1_mining_blocks_fees_1w.json",
        "block_reward": "mempool/v1_mining_blocks_rewards.json",
        "block": "mempool/v1_blocks_730000.json",
        "reward_stat": "mempool/v1_mining_reward-stats_100.json",
        "price": "mempool/v1_prices.json",
    },
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
    "hashrate_ehs": Column(pl.Float64, "EH/s", "Mean hashrate of the day.", minimum=0, maximum=1e5),
}

RETARGET_COLUMNS: Mapping[str, Column] = {
    "height": Column(pl.Int64, "block height", "First block of the new epoch.", minimum=0),
    "retarget_at": Column(INSTANT, "UTC", "Header time of that block."),
    "difficulty": Column(pl.Float64, "difficulty", "Difficulty from that block on.", minimum=0),
    "change_pct": Column(pl.Float64, "%", "Change against the epoch before.", minimum=-75, maximum=300),
}


def _group(figure: str, description: str, minimum: float) -> Mapping[str, Column]:
    return {
        "group_at": Column(INSTANT, "UTC", "Mean header time of the blocks of a UTC day."),
        "mean_height": Column(pl.Int64, "block height", "Mean height of these blocks.", minimum=0),
        # One block of 2016 paid 291 BTC of fees by mistake.
        figure: Column(pl.Float64, "BTC", description, minimum=minimum, maximum=400),
    }


FEE_COLUMNS = _group("mean_fees_btc", "Mean fees of a block.", 0)
# Subsidy and fees never came to less than 3; a tenth stands until the subsidy of the 2040s.
REWARD_COLUMNS = _group("mean_reward_btc", "Mean subsidy and fees of a block.", 0.1)
BLOCK_COLUMNS: Mapping[str, Column] = {
    "height": Column(pl.Int64, "block height", "Height of the block.", minimum=0),
    "block_hash": Column(pl.String, "hex", "Hash of the block; a stale block has another one at the same height."),
    "found_at": Column(INSTANT, "UTC", "Header time, good to an hour or two."),
    "difficulty": Column(pl.Float64, "difficulty", "Difficulty of the block.", minimum=1),
    "transaction_count": Column(pl.Int64, "transactions", "Transactions, the miner's own included.", minimum=1),
    "weight": Column(pl.Int64, "weight units", "Weight of the block.", minimum=1, maximum=4_000_000),
    "reward_btc": Column(pl.Float64, "BTC", "Subsidy and fees.", minimum=0.1, maximum=400),
    "fees_btc": Column(pl.Float64, "BTC", "Fees.", minimum=0, maximum=400),
}
REWARD_STAT_COLUMNS: Mapping[str, Column] = {
    "observed_at": Column(INSTANT, "UTC", "Moment of asking."),
    "start_height": Column(pl.Int64, "block height", "First of the blocks that are added up.", minimum=0),
    "end_height": Column(pl.Int64, "block height", "Last of them, the newest.", minimum=0),
    "reward_btc": Column(pl.Float64, "BTC", f"Subsidy and fees of {DAY_BLOCKS} blocks.", minimum=10, maximum=20_000),
    "fees_btc": Column(pl.Float64, "BTC", "Their fees.", minimum=0, maximum=20_000),
    "transaction_count": Column(pl.Int64, "transactions", "Their transactions.", minimum=1),
}
PRICE_COLUMNS: Mapping[str, Column] = {
    "priced_at": Column(INSTANT, "UTC", "Time of the price."),
    "price_usd": Column(pl.Float64, "USD", "Price of a coin, in whole dollars.", minimum=1, maximum=1e8),
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
    require_in_some(points, ("timestamp", "avgHashrate"), payload.url)
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


def fetch_block_fee(session: Session, window: Window) -> Iterator[Payload]:
    """Fees of all UTC days: only the whole history comes day by day."""
    yield session.get(f"{BASE}/mining/blocks/fees/all")


def fetch_block_reward(session: Session, window: Window) -> Iterator[Payload]:
    """Rewards of all UTC days."""
    yield session.get(f"{BASE}/mining/blocks/rewards/all")


def fetch_block(session: Session, window: Window) -> Iterator[Payload]:
    """The newest fifteen blocks."""
    yield session.get(f"{BASE}/blocks")


def fetch_reward_stat(session: Session, window: Window) -> Iterator[Payload]:
    """The sums over the newest 144 blocks."""
    yield session.get(f"{BASE}/mining/reward-stats/{DAY_BLOCKS}")


def fetch_price(session: Session, window: Window) -> Iterator[Payload]:
    """The price at this moment."""
    yield session.get(f"{BASE}/prices")


def read_group(payload: Payload, field: str, columns: Mapping[str, Column]) -> Parsed:
    """One row a group of blocks, a UTC day or less; the running day is left out."""
    groups = [group if isinstance(group, dict) else {} for group in part(strict_json(payload), where=payload.url)]
    require_in_some(groups, ("timestamp", "avgHeight", field), payload.url)
    figure = list(columns)[-1]
    records, sent = [], []
    for group in groups:
        stamp = from_s(group.get("timestamp"))
        if not is_unfinished(_midnight(stamp), DAY, payload):
            height = {"mean_height": group.get("avgHeight")}
            records.append({"group_at": stamp, **height, figure: _btc(group.get(field))})
            sent.append(group)
    return typed(records, columns, fetched_at=payload.fetched_at, observed="group_at", sent=sent)


def read_block(payload: Payload) -> Parsed:
    """One row a block, newest first as sent. Raises SourceError when the server has not indexed fees and rewards."""
    blocks = [block if isinstance(block, dict) else {} for block in part(strict_json(payload), where=payload.url)]
    names = ("id", "height", "timestamp", "difficulty", "tx_count", "weight", "extras")
    require_in_some(blocks, names, payload.url)
    extras = [block["extras"] for block in blocks if isinstance(block.get("extras"), dict)]
    require_in_some(extras, ("reward", "totalFees"), f"{payload.url}, extras")
    records = map(_block, blocks)
    return typed(records, BLOCK_COLUMNS, fetched_at=payload.fetched_at, observed="found_at", sent=blocks)


def read_reward_stat(payload: Payload) -> Parsed:
    """One row, stamped with the moment of asking. Raises SourceError when a field is missing."""
    sent = part(strict_json(payload), kind=dict, where=payload.url)
    require_names(sent, ("startBlock", "endBlock", "totalReward", "totalFee", "totalTx"), payload.url)
    record = {
        "observed_at": payload.fetched_at,
        "start_height": sent["startBlock"],
        "end_height": sent["endBlock"],
        "reward_btc": _btc(sent["totalReward"]),
        "fees_btc": _btc(sent["totalFee"]),
        "transaction_count": sent["totalTx"],
    }
    return typed([record], REWARD_STAT_COLUMNS, fetched_at=payload.fetched_at, observed="observed_at", sent=[sent])


def read_price(payload: Payload) -> Parsed:
    """One row, stamped with the time of the price; other currencies are passed over."""
    sent = part(strict_json(payload), kind=dict, where=payload.url)
    require_names(sent, ("time", "USD"), payload.url)
    record = {"priced_at": from_s(sent["time"]), "price_usd": sent["USD"]}
    return typed([record], PRICE_COLUMNS, fetched_at=payload.fetched_at, observed="priced_at", sent=[sent])


def _block(block: Mapping[str, object]) -> Mapping[str, object]:
    extras = block.get("extras")
    known = extras if isinstance(extras, dict) else {}
    return {
        "height": block.get("height"),
        "block_hash": block.get("id"),
        "found_at": from_s(block.get("timestamp")),
        "difficulty": block.get("difficulty"),
        "transaction_count": block.get("tx_count"),
        "weight": block.get("weight"),
        "reward_btc": _btc(known.get("reward")),
        "fees_btc": _btc(known.get("totalFees")),
    }


def _btc(satoshi: object) -> object:
    """Whole satoshi, a number or a text of digits, as BTC; anything else as a text that is refused."""
    amount = whole(satoshi)
    if amount is None:
        return None if satoshi is None else f"{satoshi!r} satoshi"
    return amount / SATOSHI_PER_BTC


def _midnight(stamp: object) -> object:
    return stamp.replace(hour=0, minute=0, second=0, microsecond=0) if isinstance(stamp, datetime) else stamp


def _hashrate(point: object) -> Mapping[str, object]:
    if not isinstance(point, dict):
        return {}
    stamp = from_s(point.get("timestamp"))
    # The stamp is the midnight that ends the day.
    day = stamp.date() - DAY if isinstance(stamp, datetime) else stamp
    return {"hashrate_date": day, "hashrate_ehs": hashrate_ehs(point.get("avgHashrate"), 1e18, day)}


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


def _now(
    name: str,
    description: str,
    columns: Mapping[str, Column],
    key: tuple[str, ...],
    observed: str,
    fetch: Callable[[Session, Window], Iterator[Payload]],
    read: Callable[[Payload], Parsed],
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=Bucket.MINING,
        description=description,
        columns=columns,
        key=key,
        observed=observed,
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch,
        read=read,
        access=Access.NOW,
        fresh_for=timedelta(days=3),
    )


def _days(
    name: str,
    description: str,
    columns: Mapping[str, Column],
    fetch: Callable[[Session, Window], Iterator[Payload]],
    field: str,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=Bucket.MINING,
        description=description,
        columns=columns,
        key=("group_at",),
        observed="group_at",
        period=DAY,
        publication_lag=timedelta(minutes=15),
        fetch=fetch,
        read=partial(read_group, field=field, columns=columns),
        fresh_for=timedelta(days=3),
    )


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
    _days("block_fee", "Mean fees of a block, by UTC day.", FEE_COLUMNS, fetch_block_fee, "avgFees"),
    _days(
        "block_reward",
        "Mean subsidy and fees of a block, by UTC day.",
        REWARD_COLUMNS,
        fetch_block_reward,
        "avgRewards",
    ),
    _now(
        "block",
        "The newest blocks, with reward and fees.",
        BLOCK_COLUMNS,
        ("height", "block_hash"),
        "found_at",
        fetch_block,
        read_block,
    ),
    _now(
        "reward_stat",
        f"Reward, fees and transactions of the newest {DAY_BLOCKS} blocks, at the moment of asking.",
        REWARD_STAT_COLUMNS,
        ("observed_at",),
        "observed_at",
        fetch_reward_stat,
        read_reward_stat,
    ),
    _now(
        "price",
        "Price of a coin at the moment of asking.",
        PRICE_COLUMNS,
        ("priced_at",),
        "priced_at",
        fetch_price,
        read_price,
    ),
)
