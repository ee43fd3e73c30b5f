"""mempool.space from `difficulty_epoch`, `onchain_1d`, `blocks` and `price_1h`: hashrate, adjustments and the running
estimate, fees and rewards by day, the newest blocks, and a price.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import floor

import numpy as np
import polars as pl
from starlette.responses import Response

from sandbox.provider_request import ProviderRequest, RouteHandler, json_answer, text_answer

BASE = "mempool.space/api/v1"
EPOCH_BLOCKS = 2016
TARGET_S = 600
DAY = timedelta(days=1)
LAG = timedelta(minutes=15)  # a day's hashrate is written soon after midnight
PERIODS = {"3d": 3, "1w": 7, "1m": 30, "3m": 91, "6m": 182, "1y": 365, "2y": 730, "3y": 1095}
CHANGE = ("time", "height", "difficulty", "adjustment")


def hashrate(request: ProviderRequest) -> Response:
    """Daily points stamped at the end of their day, and the adjustments of the same period."""
    end_of_day = pl.col("date").cast(pl.Datetime("us")) + DAY
    days = request.market.table("onchain_1d").filter(
        pl.col("hashrate_ehs").is_not_null(), end_of_day.is_between(_since(request), request.clock - LAG)
    )
    points = [
        {"timestamp": _unix(stamp), "avgHashrate": _as_printed(rate * 1e18)}
        for stamp, rate in days.select(end_of_day.alias("stamp"), "hashrate_ehs").iter_rows()
    ]
    epochs = _epochs(request)
    return json_answer(
        {
            "hashrates": points,
            "difficulty": [dict(zip(CHANGE, change, strict=True)) for change in _changes(request)],
            "currentHashrate": points[-1]["avgHashrate"] if points else 0,
            "currentDifficulty": epochs["difficulty"][-1] if len(epochs) else 0,
        }
    )


def difficulty_adjustments(request: ProviderRequest) -> Response:
    """Arrays of time, height, difficulty and ratio, newest first."""
    return json_answer(_changes(request)[::-1])


def difficulty_adjustment(request: ProviderRequest) -> Response:
    """The estimate from the blocks found up to the clock; not found where the tables cannot count them."""
    epochs = _epochs(request)
    epoch = epochs.row(-1, named=True) if len(epochs) else {}
    times, heights = _chain(request, epoch["start_time"], epoch["start_height"]) if epoch else (None, None)
    if times is None or heights is None:
        return text_answer("Not Found", 404)
    now = _unix(request.clock)
    # The next adjustment lies beyond the clock, so the last block of the epoch is the newest that can exist.
    height = min(floor(np.interp(now, times, heights)), epoch["start_height"] + EPOCH_BLOCKS - 1)
    return json_answer(
        estimate(
            now=now,
            height=height,
            retarget_at=_unix(epoch["start_time"]),
            quarter_at=float(np.interp(height - 504, heights, times)) if heights[0] <= height - 504 else None,
            previous_pct=epoch["change_pct"] or 0.0,
            latest_block_at=floor(np.interp(height, heights, times)),
        )
    )


def estimate(
    *, now: int, height: int, retarget_at: int, quarter_at: float | None, previous_pct: float, latest_block_at: int
) -> dict[str, float]:
    """mempool.space's own estimate (backend/src/api/difficulty-adjustment.ts), all times in unix seconds.

    `quarter_at` is the time of the block 504 back; in the first quarter of an epoch the blocks before it are rescaled
    by the last adjustment and stand in for those not found yet.
    """
    found = height % EPOCH_BLOCKS
    elapsed = now - retarget_at
    mean_s = elapsed / found if found else float(TARGET_S)
    if quarter_at is not None and found < 503:
        span = elapsed + (retarget_at - quarter_at) * (1 + previous_pct / 100)
        adjusted_mean_s, change = span / 503, TARGET_S / (span / 504) - 1
    else:
        span = (latest_block_at if found == EPOCH_BLOCKS - 1 else now) - retarget_at
        adjusted_mean_s, change = mean_s, TARGET_S / (max(span, 1) / (found + 1)) - 1
    remaining = EPOCH_BLOCKS - found
    remaining_ms = remaining * floor(adjusted_mean_s * 1000)
    return {
        "progressPercent": found / EPOCH_BLOCKS * 100,
        "difficultyChange": min(300.0, max(-75.0, change * 100)),
        "estimatedRetargetDate": now * 1000 + remaining_ms,
        "remainingBlocks": remaining,
        "remainingTime": remaining_ms,
        "previousRetarget": previous_pct,
        "previousTime": retarget_at,
        "nextRetargetHeight": height + remaining,
        "timeAvg": floor(mean_s * 1000),
        "adjustedTimeAvg": floor(adjusted_mean_s * 1000),
        "timeOffset": 0,
        "expectedBlocks": elapsed / TARGET_S,
    }


def fees(request: ProviderRequest) -> Response:
    """`mining/blocks/fees/all`: mean fees of a block in satoshi, one group a UTC day; other periods are not played."""
    return _groups(request, "avgFees", pl.col("fees_btc") / pl.col("block_count"))


def rewards(request: ProviderRequest) -> Response:
    """`mining/blocks/rewards/all`: the same of subsidy and fees."""
    return _groups(request, "avgRewards", (pl.col("issuance_btc") + pl.col("fees_btc")) / pl.col("block_count"))


def blocks(request: ProviderRequest) -> Response:
    """`blocks`: the newest fifteen found up to the clock; hashes are made up, a number at each height."""
    rows = _found(request).tail(15).iter_rows(named=True)
    return json_answer(
        [
            {
                "id": f"{row['height']:064x}",
                "height": row["height"],
                "timestamp": _unix(row["time"]),
                "difficulty": row["difficulty"],
                "tx_count": row["tx_count"],
                "size": 1_500_000,
                "weight": 3_990_000,
                "extras": {
                    "totalFees": _satoshi(row["fees_btc"]),
                    "reward": _satoshi(row["subsidy_btc"] + row["fees_btc"]),
                },
            }
            for row in rows
        ][::-1]
    )


def reward_stats(request: ProviderRequest) -> Response:
    """`mining/reward-stats/{count}`: sums in satoshi, as text; not found where the tables have no blocks."""
    newest = _found(request).tail(int(request.path["count"]))
    if newest.is_empty():
        return text_answer("Not Found", 404)
    subsidy, paid = (float(newest[name].sum()) for name in ("subsidy_btc", "fees_btc"))
    return json_answer(
        {
            "startBlock": newest["height"][0],
            "endBlock": newest["height"][-1],
            "totalReward": str(_satoshi(subsidy + paid)),
            "totalFee": str(_satoshi(paid)),
            "totalTx": str(newest["tx_count"].sum()),
        }
    )


def prices(request: ProviderRequest) -> Response:
    """`prices`: where the hour of the clock opened on a spot venue, in whole dollars; not found where none did."""
    hours = request.market.table("price_1h").filter(pl.col("market") == "spot", pl.col("open_time") <= request.clock)
    if hours.is_empty():
        return text_answer("Not Found", 404)
    return json_answer({"time": _unix(request.clock), "USD": round(hours["open"][-1])})


def _groups(request: ProviderRequest, name: str, btc: pl.Expr) -> Response:
    days = request.market.table("onchain_1d").filter(pl.col("date") < request.clock.date()).select("date", btc=btc)
    noon = pl.col("date").cast(pl.Datetime("us")) + DAY / 2
    epochs = _epochs(request).select("start_height", "start_time")
    known = days.drop_nulls().select("btc", noon=noon).join_asof(epochs, left_on="noon", right_on="start_time")
    return json_answer(
        [
            # The height to the block is of no use by the day; that of the epoch is what the tables know.
            {"avgHeight": height or 0, "timestamp": _unix(stamp), name: _satoshi(mean)}
            for mean, stamp, height in known.select("btc", "noon", "start_height").iter_rows()
        ]
    )


def _found(request: ProviderRequest) -> pl.DataFrame:
    return request.market.table("blocks").filter(pl.col("time") <= request.clock).sort("height")


def _satoshi(btc: float) -> int:
    return round(btc * 100_000_000)


def _chain(request: ProviderRequest, start: datetime, height: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Times (unix seconds) and heights to go evenly between, from the epoch before to the clock: blocks, else days."""
    clock = request.clock
    blocks = request.market.table("blocks").filter(pl.col("time").is_between(start - 14 * DAY, clock + DAY))
    if len(blocks) and blocks["time"][0] <= start and blocks["time"][-1] >= clock - timedelta(hours=3):
        return blocks["time"].dt.epoch("s").to_numpy(), np.maximum.accumulate(blocks["height"].to_numpy())
    counted = request.market.table("onchain_1d").filter(pl.col("block_count").is_not_null())
    for first in (start.date() - 5 * DAY, start.date()):  # with the end of the epoch before, if its days are there
        days = counted.filter(pl.col("date").is_between(first, clock.date()))
        if len(days) and len(days.filter(pl.col("date") < clock.date())) == (clock.date() - first).days:
            break
    else:
        return None, None  # a day without a count: nobody knows the height
    # Blocks are spread evenly over their day; a day without a count yet goes on as the last one did.
    midnights = days["date"].dt.epoch("s").to_numpy()
    times = np.append(midnights, midnights[-1] + np.array([86_400, 2 * 86_400]))
    counts = days["block_count"].to_numpy()
    found = np.concatenate([[0], np.cumsum(counts), [counts.sum() + counts[-1]]])
    return times, found - np.interp(_unix(start), times, found) + height


def _epochs(request: ProviderRequest) -> pl.DataFrame:
    return request.market.table("difficulty_epoch").filter(pl.col("start_time") <= request.clock)


def _changes(request: ProviderRequest) -> list[tuple[int, int, float, float]]:
    """Time, height, difficulty and ratio of the adjustments in the period asked for, oldest first."""
    rows = _epochs(request).filter(pl.col("start_time") >= _since(request)).drop("epoch")
    return [(_unix(start), height, level, 1 + (pct or 0) / 100) for height, start, level, pct in rows.iter_rows()]


def _since(request: ProviderRequest) -> datetime:
    days = PERIODS.get(request.path["period"])
    return datetime(2009, 1, 1) if days is None else request.clock - days * DAY


def _unix(instant: datetime) -> int:
    return int(instant.replace(tzinfo=UTC).timestamp())


def _as_printed(rate: float) -> float:
    """As JavaScript prints it: whole digits below 1e21, exponent notation from there on."""
    return rate if rate >= 1e21 else int(Decimal(repr(rate)))


ROUTES: dict[str, RouteHandler] = {
    f"GET {BASE}/difficulty-adjustment": difficulty_adjustment,
    f"GET {BASE}/mining/hashrate/{{period}}": hashrate,
    f"GET {BASE}/mining/difficulty-adjustments/{{period}}": difficulty_adjustments,
    f"GET {BASE}/mining/blocks/fees/all": fees,
    f"GET {BASE}/mining/blocks/rewards/all": rewards,
    f"GET {BASE}/mining/reward-stats/{{count}}": reward_stats,
    f"GET {BASE}/blocks": blocks,
    f"GET {BASE}/prices": prices,
}
