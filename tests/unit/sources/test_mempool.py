"""mempool.space: recorded answers of both eras, odd ones, and the stand-in over HTTP."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.mempool import ROUTES
from sandbox.server import running
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.mempool import (
    DATASETS,
    PROVIDER,
    fetch_difficulty_adjustment,
    fetch_hashrate,
    fetch_retarget,
    read_difficulty_adjustment,
    read_hashrate,
    read_retarget,
)
from tests.unit.market_folder import write_table

FETCHED = datetime(2026, 7, 4, 5, 50, tzinfo=UTC)
BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def payload(body: object) -> Payload:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Payload("https://mempool.space/api/v1", {}, 200, {}, content, FETCHED)


def recorded(real: Path, name: str) -> Payload:
    return payload((real / "fixtures" / "mempool" / f"{name}.json").read_bytes())


def test_recorded_estimate_in_milliseconds(real: Path) -> None:
    parsed = read_difficulty_adjustment(recorded(real, "v1_difficulty-adjustment_2024-12"))
    assert parsed.rejects == ()
    assert parsed.rows.row(0, named=True) == {
        "observed_at": datetime(2026, 7, 4, 5, 50),
        "progress_pct": 32.49007936507937,
        "difficulty_change_pct": 0.7843046881601534,
        "estimated_retarget_at": datetime(2024, 12, 29, 23, 27, 8, 279000),
        "remaining_blocks": 1361,
        "remaining_time_h": 811481279 / 3_600_000,
        "previous_retarget_pct": 4.429396745461176,
        "next_retarget_height": 876960,
        "block_time_s": 596.239,
    }


def test_recorded_estimate_in_seconds_gives_the_same_units(real: Path) -> None:
    row = read_difficulty_adjustment(recorded(real, "v1_difficulty-adjustment_doc_sample_seconds_era")).rows.row(
        0, named=True
    )
    assert row["estimated_retarget_at"] == datetime(2021, 7, 31, 20, 14, 38)
    assert row["remaining_time_h"] == 665977 / 3600
    assert row["block_time_s"] == 302.328


def test_last_block_of_an_epoch_keeps_its_unit(samples: Path) -> None:
    sent = json.loads((samples / "mempool" / "difficulty_adjustment.json").read_text())
    row = read_difficulty_adjustment(payload(sent | {"remainingBlocks": 1, "remainingTime": 628_000})).rows
    assert row["remaining_time_h"].item() == pytest.approx(628 / 3600)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"difficultyChange": 301}, "difficulty_change_pct: 301 is above 300"),
        ({"estimatedRetargetDate": "soon"}, "estimated_retarget_at: 'soon' is no time"),
        ({"remainingTime": None}, "remaining_time_h: no value"),
        ({"timeAvg": True}, "block_time_s: True is no number"),
    ],
)
def test_estimate_that_cannot_be_believed_is_refused(samples: Path, change: dict[str, object], reason: str) -> None:
    sent = json.loads((samples / "mempool" / "difficulty_adjustment.json").read_text()) | change
    parsed = read_difficulty_adjustment(payload(sent))
    assert parsed.rows.is_empty()
    assert reason in parsed.rejects[0].reason


def test_recorded_hashrate_belongs_to_the_day_before_its_stamp(real: Path) -> None:
    parsed = read_hashrate(recorded(real, "v1_mining_hashrate_6m"))
    assert parsed.rejects == ()
    assert len(parsed.rows) == 80
    assert parsed.rows.row(0) == (date(2026, 4, 15), 875.6958389258875)
    assert parsed.rows.row(1) == (date(2026, 4, 16), pytest.approx(1044.555533346379))
    assert parsed.rows.row(-1) == (date(2026, 7, 3), pytest.approx(1003.215602209096))


def test_documented_hashrate_sample(real: Path) -> None:
    rows = read_hashrate(recorded(real, "v1_mining_hashrate_3d")).rows
    assert rows["hashrate_date"].to_list() == [date(2022, 5, 13), date(2022, 5, 14), date(2022, 5, 15)]
    assert rows["hashrate_ehs"].to_list() == pytest.approx([236.4997621087718, 217.4732767873313, 189.877203506913])


def test_recorded_adjustments_are_ratios(real: Path) -> None:
    parsed = read_retarget(recorded(real, "v1_mining_difficulty-adjustments_1m"))
    assert parsed.rejects == ()
    assert parsed.rows.rows() == [
        (822528, datetime(2023, 12, 23, 6, 4, 24), 72006146478567.1, 6.983),
        (820512, datetime(2023, 12, 10, 3, 57, 24), 67305906902031.39, -0.9592),
        (818496, datetime(2023, 11, 26, 0, 16, 3), 67957790298897.88, 5.07),
    ]


def test_genesis_adjusted_nothing() -> None:
    parsed = read_retarget(payload([[1233061996, 2016, 1.0, 1.0], [1231006505, 0, 1.0, 0.0]]))
    assert parsed.rows["height"].to_list() == [2016]
    assert parsed.rejects == ()


def test_odd_entries_are_refused_alone() -> None:
    good = [1703311464, 822528, 7.2e13, 1.06983]
    parsed = read_retarget(payload([good, [1703311464, 822528, 7.2e13], {"height": 1}, [0, 5, 1.0, 1.0]]))
    assert len(parsed.rows) == 1
    assert len(parsed.rejects) == 3
    points = [{"timestamp": 1767744000, "avgHashrate": 1e21}, {"timestamp": 1767830400, "avgHashrate": "x"}, 7]
    parsed = read_hashrate(payload({"hashrates": points}))
    assert parsed.rows["hashrate_ehs"].to_list() == [1000.0]
    assert len(parsed.rejects) == 2


def test_recorded_fees_are_whole_satoshi(real: Path) -> None:
    parsed = BY_NAME["block_fee"].read(recorded(real, "v1_mining_blocks_fees_1w"))
    assert parsed.rejects == ()
    assert parsed.rows.schema == BY_NAME["block_fee"].schema
    assert parsed.rows.height == 6
    assert parsed.rows.row(0) == (datetime(2022, 5, 9, 17, 58, 31), 735644, 0.2421289)


def test_recorded_rewards_are_whole_satoshi(real: Path) -> None:
    parsed = BY_NAME["block_reward"].read(recorded(real, "v1_mining_blocks_rewards"))
    assert parsed.rejects == ()
    assert parsed.rows.height == 5
    assert parsed.rows.row(0) == (datetime(2019, 10, 18, 22, 40, 12), 599992, 12.60530933)  # the subsidy was 12.5
    assert parsed.rows.row(-1) == (datetime(2022, 3, 3, 11, 52, 54), 725727, 6.38709605)


def test_recorded_blocks_carry_reward_and_fees(real: Path) -> None:
    parsed = BY_NAME["block"].read(recorded(real, "v1_blocks_730000"))
    assert parsed.rejects == ()
    assert parsed.rows.rows() == [
        (
            730000, "0000000000000000000384f28cb3b9cf4377a39cfd6c29ae9466951de38c0529",
            datetime(2022, 4, 1, 16, 10, 49), 28587155782195.1, 1627, 3993515, 6.41321983, 0.16321983,
        )
    ]  # fmt: skip
    one = json.loads((real / "fixtures" / "mempool" / "v1_block_363366.json").read_text())
    row = BY_NAME["block"].read(payload([one])).rows.row(0, named=True)
    assert (row["height"], row["reward_btc"], row["fees_btc"]) == (363366, 25.05949764, 0.05949764)


def test_recorded_reward_statistics_are_text(real: Path) -> None:
    parsed = BY_NAME["reward_stat"].read(recorded(real, "v1_mining_reward-stats_100"))
    assert parsed.rejects == ()
    stamp = FETCHED.replace(tzinfo=None)
    assert parsed.rows.row(0) == (stamp, 736556, 736655, 638.11748254, 13.11748254, 164216)


def test_recorded_price_is_in_dollars(real: Path) -> None:
    parsed = BY_NAME["price"].read(recorded(real, "v1_prices"))
    assert parsed.rows.rows() == [(datetime(2023, 12, 22, 13, 40, 11), 43753.0)]


def test_recorded_price_of_another_moment_and_currency_is_not_the_price(real: Path) -> None:
    with pytest.raises(SourceError, match="missing time, USD") as caught:
        BY_NAME["price"].read(recorded(real, "v1_historical-price_EUR_1500000000"))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def group(**changed: object) -> dict[str, object]:
    return {"avgHeight": 930000, "timestamp": 1767268800, "avgFees": 2500000, "avgRewards": 315000000} | changed


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        ("block_fee", {"avgFees": 0.025}, "satoshi"),  # in coins
        ("block_fee", {"avgFees": 2_500_000 * 10**8}, "above 400"),
        ("block_reward", {"avgRewards": 3.15}, "satoshi"),
        ("block_reward", {"avgRewards": 50}, "below 0.1"),  # whole coins
        ("block_fee", {"timestamp": 1767268800000}, "group_at"),  # in milliseconds
        ("block_fee", {"timestamp": None}, "group_at: no value"),
    ],
)
def test_group_in_another_unit_is_refused(name: str, wrong: dict[str, object], reason: str) -> None:
    parsed = BY_NAME[name].read(payload([group(), group(timestamp=1767355200) | wrong]))
    assert parsed.rows["group_at"].to_list() == [datetime(2026, 1, 1, 12)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("reward_stat", {"totalReward": "452.88"}, "satoshi"),
        ("reward_stat", {"totalReward": "452"}, "reward_btc: 4.52e-06 is below 10"),
        ("price", {"time": 1767268800000}, "priced_at"),
        ("price", {"USD": 0.0088}, "price_usd: 0.0088 is below 1"),
    ],
)
def test_figure_of_the_moment_in_another_unit_is_refused(
    samples: Path, name: str, changed: dict[str, object], reason: str
) -> None:
    sent = json.loads((samples / "mempool" / f"{name}.json").read_text())
    parsed = BY_NAME[name].read(payload(sent | changed))
    assert parsed.rows.is_empty()
    assert reason in parsed.rejects[0].reason


def test_day_that_runs_is_left_out_of_fees_and_rewards() -> None:
    midnight = int(FETCHED.replace(hour=0, minute=0).timestamp())
    groups = [group(timestamp=midnight - 1), group(timestamp=midnight + 7200)]
    assert BY_NAME["block_fee"].read(payload(groups)).rows["group_at"].to_list() == [datetime(2026, 7, 3, 23, 59, 59)]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (1.003e18, "EH/s in 2026"),  # in thousands of hashes
        (1.003e9, "EH/s in 2026"),  # in terahashes
        (1.003e24, "above 100000"),  # in thousandths
    ],
)
def test_hashrate_in_another_unit_is_refused(sent: float, reason: str) -> None:
    points = [{"timestamp": 1767744000, "avgHashrate": 1.003e21}, {"timestamp": 1767830400, "avgHashrate": sent}]
    parsed = read_hashrate(payload({"hashrates": points}))
    assert parsed.rows["hashrate_ehs"].to_list() == [1003.0]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


def test_small_hashrate_of_early_years_is_believed() -> None:
    points = [{"timestamp": 1293926400, "avgHashrate": 1.0e11}, {"timestamp": 1456790400, "avgHashrate": 1.1e18}]
    assert read_hashrate(payload({"hashrates": points})).rows["hashrate_ehs"].to_list() == [1.0e-7, 1.1]


def test_block_that_is_not_indexed_is_a_changed_layout(samples: Path) -> None:
    blocks = json.loads((samples / "mempool" / "block.json").read_text())
    for block in blocks:
        block["extras"] = {"pool": "unknown"}
    with pytest.raises(SourceError, match="missing reward, totalFees"):
        BY_NAME["block"].read(payload(blocks))


@pytest.mark.parametrize("name", ["block_fee", "block_reward", "block"])
def test_empty_list_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(payload([]))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


def test_nothing_in_the_period_is_no_rows() -> None:
    assert read_retarget(payload([])).rows.is_empty()
    assert read_hashrate(payload({"hashrates": []})).rows.is_empty()


@pytest.mark.parametrize("read", [read_difficulty_adjustment, read_hashrate, read_retarget])
@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"", Failure.NOT_DATA),
        (b'{"hashrates":[', Failure.NOT_DATA),
        (b"<!doctype html><p>busy", Failure.BLOCKED),
        (b'{"renamed":[]}', Failure.CHANGED_LAYOUT),
        (b'{"hashrates":[{"when":1}]}', Failure.CHANGED_LAYOUT),
    ],
)
def test_body_that_is_no_answer_raises(read: object, body: bytes, failure: Failure) -> None:
    assert callable(read)
    with pytest.raises(SourceError) as caught:
        read(payload(body))
    assert caught.value.failure is failure


def test_stand_in_answers_as_of_the_clock(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1)
    days = [
        {"date": (start + timedelta(days=n)).date(), "hashrate_ehs": 900.0 + 30 * n, "block_count": 144}
        for n in range(10)
    ]
    write_table(tmp_path, "onchain_1d", days)
    epoch = {"epoch": 463, "start_height": 933408, "start_time": start, "difficulty": 1.4e14, "change_pct": -4.5}
    write_table(tmp_path, "difficulty_epoch", [epoch])
    with running(tmp_path, routes=ROUTES) as stand_in:
        clock = datetime(2026, 1, 8, 0, 14, tzinfo=UTC)
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=clock)
        recent = Window(clock - timedelta(days=6), clock)
        hashrate = read_hashrate(next(fetch_hashrate(session, recent))).rows
        retarget = read_retarget(next(fetch_retarget(session, Window.of_dates(date(2025, 12, 20), date(2026, 1, 8)))))
        estimate = read_difficulty_adjustment(next(fetch_difficulty_adjustment(session, recent)))
        later = read_hashrate(next(fetch_hashrate(session.at(clock + timedelta(minutes=1)), recent))).rows
    assert hashrate["hashrate_date"].to_list() == [date(2026, 1, d) for d in range(1, 7)]  # the 7th is not written yet
    assert later["hashrate_date"].to_list()[-1] == date(2026, 1, 7)
    assert retarget.rows.row(0) == (933408, start, 1.4e14, -4.5)
    row = estimate.rows.row(0, named=True)
    assert row["observed_at"] == clock.replace(tzinfo=None)
    assert row["remaining_blocks"] == 2016 - 7 * 144 - 1  # one block in the first 14 minutes of the 8th
    assert row["block_time_s"] == pytest.approx(600, abs=1)
    assert [request.path for request in stand_in.requests][:2] == [
        "api/v1/mining/hashrate/1w",
        "api/v1/mining/difficulty-adjustments/3m",  # the one in force on the first day included
    ]


@pytest.mark.parametrize(("days", "period"), [(2, "3d"), (29, "3m"), (400, "2y"), (4000, "all")])
def test_shortest_period_that_covers_the_window_is_asked(tmp_path: Path, days: int, period: str) -> None:
    write_table(tmp_path, "onchain_1d", [{"date": date(2026, 1, 1), "hashrate_ehs": 900.0}])
    clock = datetime(2026, 1, 8, tzinfo=UTC)
    with running(tmp_path, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=clock)
        list(fetch_hashrate(session, Window(clock - timedelta(days=days), clock)))
    assert stand_in.requests[0].path.endswith(f"/{period}")
