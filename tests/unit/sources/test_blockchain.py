"""blockchain.info charts: by day and whole, or not at all. Shapes from the publisher's page."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import blockchain as stand_in
from sources.blockchain import DATASETS
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from tests.unit.market_folder import write_table
from tests.unit.venue_market import asking, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
HASHRATE = BY_NAME["hashrate"]
FETCHED_AT = datetime(2026, 2, 7, 0, 50, tzinfo=UTC)
T0 = 1770163200  # 2026-02-04
DAY_S = 86_400


def chart(*values: object, **changed: object) -> dict[str, object]:
    points = [{"x": T0 + i * DAY_S, "y": value} for i, value in enumerate(values)]
    return {"status": "ok", "name": "Hash Rate", "unit": "TH/s", "period": "day", "values": points} | changed


@pytest.mark.parametrize(
    ("name", "last"),
    [("hashrate", 795.0), ("difficulty", 1.12e14), ("miner_revenue", 39999999.25), ("mvrv", 2.05)],
)
def test_our_samples_are_read_in_the_unit_of_their_column(samples: Path, name: str, last: float) -> None:
    parsed = BY_NAME[name].read(payload((samples / f"blockchain/{name}.json").read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows.schema == BY_NAME[name].schema
    assert parsed.rows.row(-1) == (date(2025, 3, 5), last)


def test_the_running_day_is_left_out() -> None:
    parsed = HASHRATE.read(payload(chart(1e9, 1e9, 1e9, 1e9), fetched_at=FETCHED_AT))
    assert parsed.rows["chart_date"].max() == date(2026, 2, 6)
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    ("name", "right", "wrong", "reason"),
    [
        ("hashrate", 1.003e9, 1.003e6, "EH/s in 2026"),  # in petahashes
        ("hashrate", 1.003e9, 1003, "EH/s in 2026"),  # in exahashes
        ("hashrate", 1.003e9, 1.003e21, "above 100000"),  # in hashes
        ("mvrv", 1.6, 160.0, "above 50"),  # in percent
        ("miner_revenue", 4e7, 4e13, "above 1e+10"),
        ("difficulty", 1.4e14, 1.4e23, "above 1e+18"),  # hashes a block
    ],
)
def test_a_figure_in_another_unit_is_refused(name: str, right: float, wrong: float, reason: str) -> None:
    parsed = BY_NAME[name].read(payload(chart(right, wrong), fetched_at=FETCHED_AT))
    assert parsed.rows["chart_date"].to_list() == [date(2026, 2, 4)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


@pytest.mark.parametrize("stamp", [(T0 + DAY_S) * 1000, T0 + DAY_S + 3600, None, "yesterday"])
def test_a_point_that_is_no_days_is_refused_and_the_others_load(stamp: object) -> None:
    points = [{"x": T0, "y": 1e9}, {"x": stamp, "y": 1e9}]
    parsed = HASHRATE.read(payload(chart(values=points), fetched_at=FETCHED_AT))
    assert parsed.rows["chart_date"].to_list() == [date(2026, 2, 4)]
    assert ["chart_date" in reject.reason for reject in parsed.rejects] == [True]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (chart(1e9, period="week"), "period 'week'"),
        (chart(1e9, status="not-found"), "status 'not-found'"),
        (chart(values=[{"time": T0, "y": 1e9}]), "missing x"),
        (chart(values=[{"x": T0 + 4 * i * DAY_S, "y": 1e9} for i in range(-9, 0)]), "thinned out"),
    ],
)
def test_another_layout_and_a_thinned_out_chart_are_refused_as_a_whole(content: object, what: str) -> None:
    with pytest.raises(SourceError, match=what) as caught:
        HASHRATE.read(payload(content, fetched_at=FETCHED_AT))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_a_day_that_is_missing_is_no_thinned_out_chart() -> None:
    points = [{"x": T0 + day * DAY_S, "y": 1e9} for day in (-5, -4, -2, -1)]
    assert HASHRATE.read(payload(chart(values=points), fetched_at=FETCHED_AT)).rows.height == 4


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("hashrate", "hash-rate", 1000.0),
        ("difficulty", "difficulty", 1.4e14),
        ("miner_revenue", "miners-revenue", 455 * 7e4),
        ("mvrv", "mvrv", 1.5),
    ],
)
def test_every_day_of_the_window_is_asked_for(tmp_path: Path, name: str, path: str, value: float) -> None:
    figures = {"hashrate_ehs": 1000.0, "difficulty": 1.4e14, "mvrv": 1.5, "price_usd": 7e4}
    figures |= {"issuance_btc": 450.0, "fees_btc": 5.0}
    first = date(2020, 1, 1)  # more days than an answer has that is thinned out
    days = [{"date": first + timedelta(days=n)} | figures for n in range(2229)]
    market = write_table(tmp_path, "onchain_1d", days)
    with asking(BY_NAME[name], market, datetime(2026, 2, 7, 0, 50), stand_in.ROUTES) as (session, server):
        rows = rows_of(BY_NAME[name], session, Window.of_dates(first, date(2026, 2, 6)))
    assert server.requests[0].path == f"charts/{path}"
    assert server.requests[0].params == {
        "start": "2020-01-01", "timespan": "2229days", "sampled": "false", "format": "json",
    }  # fmt: skip
    assert rows.height == 2228  # up to the 5th: a day late
    assert rows.row(-1) == (date(2026, 2, 5), pytest.approx(value))
