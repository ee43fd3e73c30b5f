"""mempool.space: recorded answers of both eras, odd ones, and the stand-in over HTTP."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.mempool import ROUTES
from sandbox.server import running
from sources.dataset import Window
from sources.errors import Failure, SourceError
from sources.http import Session
from sources.mempool import (
    PROVIDER,
    fetch_difficulty_adjustment,
    fetch_hashrate,
    fetch_retarget,
    read_difficulty_adjustment,
    read_hashrate,
    read_retarget,
)
from sources.payload import Payload
from tests.unit.market_folder import write_table

FETCHED = datetime(2026, 7, 4, 5, 50, tzinfo=UTC)


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
