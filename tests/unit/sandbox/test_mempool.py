"""The stand-in's mempool.space: its estimate against the original's own test vectors, and counting blocks honestly."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox.market import Market
from sandbox.mempool import (
    blocks,
    difficulty_adjustment,
    difficulty_adjustments,
    estimate,
    fees,
    hashrate,
    prices,
    reward_stats,
    rewards,
)
from sandbox.provider_request import ProviderRequest
from sources.core.payload import Payload
from sources.mempool import DATASETS, read_difficulty_adjustment, read_hashrate, read_retarget
from tests.unit.market_folder import write_table

START = datetime(2026, 1, 10)
HEIGHT = 933408


def payload(body: bytes, fetched_at: datetime) -> Payload:
    return Payload("https://mempool.space/api/v1", {}, 200, {}, body, fetched_at.replace(tzinfo=UTC))


def asked(folder: Path, clock: datetime) -> dict[str, Any]:
    answer = difficulty_adjustment(ProviderRequest(Market(folder), clock))
    return dict(json.loads(bytes(answer.body))) if answer.status_code == 200 else {}


def epoch(folder: Path, start: datetime = START, change_pct: float | None = -4.0) -> None:
    row = {"epoch": 463, "start_height": HEIGHT, "start_time": start, "difficulty": 1.4e14, "change_pct": change_pct}
    write_table(folder, "difficulty_epoch", [row])


def counts(folder: Path, first: datetime, *per_day: int | None) -> None:
    rows = [{"date": (first + timedelta(days=n)).date(), "block_count": count} for n, count in enumerate(per_day)]
    write_table(folder, "onchain_1d", rows)


def test_estimate_equals_the_original(real: Path) -> None:
    vectors = json.loads((real / "fixtures" / "mempool" / "difficulty_estimate_vectors.json").read_text())
    assert len(vectors) == 2
    for vector in vectors:
        given = vector["inputs"]
        ours = estimate(
            now=given["now"],
            height=given["height"],
            retarget_at=given["last_retarget_time"],
            quarter_at=given["time_504_blocks_ago"],
            previous_pct=given["previous_retarget_percent"],
            latest_block_at=given["latest_block_time"],
        )
        assert ours == vector["expected"]


def test_estimate_equals_the_recorded_answer(real: Path) -> None:
    recorded = json.loads((real / "fixtures" / "mempool" / "v1_difficulty-adjustment_2024-12.json").read_text())
    now_ms = recorded["estimatedRetargetDate"] - recorded["remainingTime"]
    ours = estimate(
        now=now_ms // 1000,
        height=recorded["nextRetargetHeight"] - recorded["remainingBlocks"],
        retarget_at=recorded["previousTime"],
        quarter_at=None,
        previous_pct=recorded["previousRetarget"],
        latest_block_at=now_ms // 1000,
    )
    assert list(ours) == list(recorded)
    assert [type(value) for value in ours.values()] == [type(value) for value in recorded.values()]
    assert ours == pytest.approx(recorded, rel=1e-5)


def test_first_moment_of_an_epoch_has_no_mean_and_no_error() -> None:
    ours = estimate(now=1000, height=2016, retarget_at=1000, quarter_at=None, previous_pct=0.0, latest_block_at=1000)
    assert ours["timeAvg"] == 600_000
    assert ours["difficultyChange"] == 300.0
    assert ours["remainingBlocks"] == 2016


def test_last_interval_is_measured_to_the_last_block() -> None:
    found = 2015
    ours = estimate(
        now=3_000_000, height=2016 + found, retarget_at=0, quarter_at=None, previous_pct=0.0, latest_block_at=1_209_600
    )
    assert ours["difficultyChange"] == pytest.approx(0)
    assert ours["remainingBlocks"] == 1


def test_estimate_counts_daily_blocks_up_to_the_clock_only(tmp_path: Path) -> None:
    epoch(tmp_path)
    counts(tmp_path, START, 120, 120, 120, 120, 120, 120, 480)
    noon = START + timedelta(days=5, hours=12)
    assert asked(tmp_path, noon)["remainingBlocks"] == 2016 - 660
    assert asked(tmp_path, noon)["difficultyChange"] == pytest.approx((661 * 600 / (5.5 * 86_400) - 1) * 100)
    counts(tmp_path, START, 120, 120, 120, 120, 120, 120, 1)  # another tomorrow changes nothing today
    assert asked(tmp_path, noon)["remainingBlocks"] == 2016 - 660


def test_first_quarter_leans_on_the_epoch_before(tmp_path: Path) -> None:
    epoch(tmp_path, change_pct=-20.0)
    counts(tmp_path, START - timedelta(days=5), 144, 144, 144, 144, 144, 120)
    answer = asked(tmp_path, START + timedelta(days=1))
    span = 86_400 + 384 * 600 * 0.8  # the day so far, and 384 older blocks rescaled by the last adjustment
    assert answer["remainingBlocks"] == 2016 - 120
    assert answer["difficultyChange"] == pytest.approx((504 * 600 / span - 1) * 100)


def test_day_without_a_count_yet_goes_on_as_the_last_one(tmp_path: Path) -> None:
    epoch(tmp_path)
    counts(tmp_path, START, 144, 144, 100)
    assert asked(tmp_path, START + timedelta(days=3, hours=12))["remainingBlocks"] == 2016 - 438


def test_epoch_that_starts_inside_a_day_counts_its_part_of_it(tmp_path: Path) -> None:
    epoch(tmp_path, start=START + timedelta(hours=18))
    counts(tmp_path, START, 144, 144)
    assert asked(tmp_path, START + timedelta(days=1, hours=12))["remainingBlocks"] == 2016 - 36 - 72


def test_blocks_are_counted_where_they_are_known(tmp_path: Path) -> None:
    epoch(tmp_path)
    counts(tmp_path, START, *[10] * 6)
    blocks = [{"height": HEIGHT + n, "time": START + timedelta(minutes=12 * n)} for n in range(-600, 600)]
    write_table(tmp_path, "blocks", blocks)
    answer = asked(tmp_path, START + timedelta(days=4, minutes=7))
    assert answer["remainingBlocks"] == 2016 - 480
    assert answer["timeAvg"] == pytest.approx(720_000, rel=0.01)


def test_height_stays_inside_the_epoch_until_the_adjustment(tmp_path: Path) -> None:
    epoch(tmp_path)
    counts(tmp_path, START, *[200] * 14)
    assert asked(tmp_path, START + timedelta(days=13))["remainingBlocks"] == 1


def test_nobody_knows_the_height_across_a_missing_day(tmp_path: Path) -> None:
    epoch(tmp_path)
    counts(tmp_path, START, 144, None, 144, 144)
    assert asked(tmp_path, START + timedelta(days=3)) == {}
    assert asked(tmp_path, START - timedelta(days=1)) == {}


def test_hashrate_round_trip_has_the_recorded_form(real: Path, tmp_path: Path) -> None:
    recorded = (real / "fixtures" / "mempool" / "v1_mining_hashrate_6m.json").read_text()
    content = json.loads(recorded)
    rows = read_hashrate(payload(recorded.encode(), datetime(2026, 7, 4))).rows
    write_table(tmp_path, "onchain_1d", rows.rename({"hashrate_date": "date"}).to_dicts())
    epochs = [
        {
            "start_height": entry["height"],
            "start_time": datetime.fromtimestamp(entry["time"], UTC).replace(tzinfo=None),
            "difficulty": entry["difficulty"],
            "change_pct": (entry["adjustment"] - 1) * 100,
        }
        for entry in content["difficulty"]
    ]
    write_table(tmp_path, "difficulty_epoch", epochs)
    clock = datetime(2026, 7, 4, 0, 15)
    answer = bytes(hashrate(ProviderRequest(Market(tmp_path), clock, path={"period": "6m"})).body).decode()
    ours = json.loads(answer)
    assert list(ours)[: len(content)] == list(content)
    assert [point["timestamp"] for point in ours["hashrates"]] == [point["timestamp"] for point in content["hashrates"]]
    for our_point, point in zip(ours["hashrates"], content["hashrates"], strict=True):
        assert list(our_point) == list(point)
        assert our_point["avgHashrate"] == pytest.approx(point["avgHashrate"], rel=1e-12)
        assert type(our_point["avgHashrate"]) is type(point["avgHashrate"])
    assert [list(entry) for entry in ours["difficulty"]] == [list(entry) for entry in content["difficulty"]]
    assert ours["difficulty"] == [pytest.approx(entry) for entry in content["difficulty"]]
    # Whole digits below 1e21, exponents from there on; Python alone would print both with exponents.
    printed = r'"avgHashrate":(\d\.\d+e\+21|\d{21})[,}]'
    assert len(re.findall(printed, answer)) == len(re.findall(printed, recorded)) == 80


def test_adjustments_round_trip_has_the_recorded_form(real: Path, tmp_path: Path) -> None:
    recorded = (real / "fixtures" / "mempool" / "v1_mining_difficulty-adjustments_1m.json").read_bytes()
    rows = read_retarget(payload(recorded, datetime(2024, 1, 1))).rows
    renamed = rows.rename({"height": "start_height", "retarget_at": "start_time"}).sort("start_time")
    write_table(tmp_path, "difficulty_epoch", renamed.to_dicts())
    question = ProviderRequest(Market(tmp_path), datetime(2023, 12, 24), path={"period": "1m"})
    assert json.loads(bytes(difficulty_adjustments(question).body)) == [
        pytest.approx(entry) for entry in json.loads(recorded)
    ]
    question = ProviderRequest(Market(tmp_path), datetime(2023, 12, 24), path={"period": "1w"})
    assert [entry[1] for entry in json.loads(bytes(difficulty_adjustments(question).body))] == [822528]


def test_blocks_round_trip_has_the_recorded_form(real: Path, tmp_path: Path) -> None:
    recorded = json.loads((real / "fixtures" / "mempool" / "v1_blocks_730000.json").read_text())
    sent = recorded[0]
    paid, earned = sent["extras"]["totalFees"], sent["extras"]["reward"]
    row = {"height": sent["height"], "time": datetime.fromtimestamp(sent["timestamp"], UTC).replace(tzinfo=None)}
    row |= {"difficulty": sent["difficulty"], "tx_count": sent["tx_count"]}
    write_table(tmp_path, "blocks", [row | {"fees_btc": paid / 1e8, "subsidy_btc": (earned - paid) / 1e8}])
    asked = ProviderRequest(Market(tmp_path), row["time"], path={"count": "144"})
    (ours,) = json.loads(bytes(blocks(asked).body))
    assert ours.keys() <= sent.keys()
    for name in ("height", "timestamp", "difficulty", "tx_count"):
        assert ours[name] == sent[name]
    assert ours["extras"] == {"totalFees": paid, "reward": earned}
    statistics = json.loads(bytes(reward_stats(asked).body))
    assert list(statistics) == list(json.loads((real / "fixtures/mempool/v1_mining_reward-stats_100.json").read_text()))
    assert (statistics["totalReward"], statistics["totalFee"]) == (str(earned), str(paid))
    before = ProviderRequest(Market(tmp_path), row["time"] - timedelta(seconds=1), path={"count": "144"})
    assert json.loads(bytes(blocks(before).body)) == []
    assert reward_stats(before).status_code == 404


def test_fees_and_rewards_are_given_by_finished_day(tmp_path: Path) -> None:
    epoch(tmp_path)
    rows = [
        {"date": (START + timedelta(days=n)).date(), "block_count": 150, "fees_btc": 3.0 + n, "issuance_btc": 468.75}
        for n in range(3)
    ]
    write_table(tmp_path, "onchain_1d", rows)
    clock = START + timedelta(days=2, hours=5)
    asked = ProviderRequest(Market(tmp_path), clock)
    by_name = {dataset.name: dataset for dataset in DATASETS}
    for name, handler, first in (("block_fee", fees, 0.02), ("block_reward", rewards, 3.145)):
        read = by_name[name].read(payload(bytes(handler(asked).body), clock)).rows
        assert read.row(0) == (START + timedelta(hours=12), HEIGHT, first)
        assert read.height == 2


def test_price_is_where_the_running_hour_opened(tmp_path: Path) -> None:
    hours = [
        {"venue": "coinbase", "market": "spot", "open_time": START + timedelta(hours=n), "open": 70_000.4 + n}
        for n in range(3)
    ]
    write_table(tmp_path, "price_1h", hours)
    asked = ProviderRequest(Market(tmp_path), START + timedelta(hours=1, minutes=59))
    assert json.loads(bytes(prices(asked).body))["USD"] == 70_001
    assert prices(ProviderRequest(Market(tmp_path), START - timedelta(minutes=1))).status_code == 404


def test_estimate_on_real_history_comes_close_to_the_adjustment(real: Path) -> None:
    market = Market(real / "market")
    epochs = market.table("difficulty_epoch").filter(pl.col("start_time").is_between(START.replace(2022), START))
    missed = []
    for running, following in zip(epochs.to_dicts(), epochs.to_dicts()[1:], strict=False):
        clock = following["start_time"] - timedelta(days=2)
        body = bytes(difficulty_adjustment(ProviderRequest(market, clock)).body)
        row = read_difficulty_adjustment(payload(body, clock)).rows.row(0, named=True)
        assert row["next_retarget_height"] == following["start_height"]
        missed.append(abs(row["difficulty_change_pct"] - following["change_pct"]))
        assert row["previous_retarget_pct"] == running["change_pct"]
    # The table's start times are good to a day, which is 7 % of an epoch.
    assert pl.Series(missed).median() < 4
