"""bitview as the stand-in plays it: consecutive days with nulls, buckets as asked, a day's figures from 00:40 on."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import bitview
from sources import bitview as bitview_source
from tests.unit.market_folder import write_table
from tests.unit.venue_market import folder, payload, question

D = date(2026, 2, 5)
AT_0040 = datetime(2026, 2, 6, 0, 40)
NAMED = {"name": "realized_loss_sum_24h", "index": "day1"}


@pytest.fixture
def market(tmp_path: Path) -> Path:
    days = [D - timedelta(days=i) for i in (4, 2, 1, 0)]  # one day is missing
    rows = [{"date": day, "price_usd": 60e3 + day.day, "sopr": 0.9, "realized_loss_usd": 1e9 + day.day} for day in days]
    rows[1]["realized_loss_usd"] = None
    buckets = [(day, low, low + 250.0, 4.0) for day in days for low in (66000.0, 66250.0, 66500.0)]
    return write_table(folder(tmp_path / "market", {"cost_basis": buckets}), "onchain_1d", rows)


def series(market: Path, clock: datetime, path: dict[str, str] = NAMED, **params: str) -> Any:
    return json.loads(bytes(bitview.series(question(market, clock, path, **params)).body))


def test_a_series_is_consecutive_with_nulls_for_what_is_missing(market: Path) -> None:
    body = series(market, AT_0040, start="2026-02-01", end="2026-02-10")
    assert body["data"] == [1e9 + 1, None, None, 1e9 + 4, 1e9 + 5]
    assert (body["start"], body["end"]) == (6240, 6245)
    assert body["start"] == (date(2026, 2, 1) - date(2009, 1, 1)).days
    sopr = series(market, AT_0040, NAMED | {"name": "sopr_24h"}, start="2026-02-05", end="2026-02-06")
    assert sopr["data"] == [0.9]


def test_a_series_has_the_keys_of_our_sample(market: Path, samples: Path) -> None:
    sample = json.loads((samples / "bitview/series.json").read_bytes())
    body = series(market, AT_0040, start="2026-02-01", end="2026-02-10")
    assert {name: type(value) for name, value in body.items()} == {name: type(value) for name, value in sample.items()}


def test_the_figures_of_a_day_come_at_0040(market: Path) -> None:
    just_before = AT_0040 - timedelta(seconds=1)
    assert len(series(market, just_before, start="2026-02-01", end="2026-02-10")["data"]) == 4
    assert series(market, just_before, start="2026-02-05", end="2026-02-06")["data"] == []
    for clock, status in ((just_before, 404), (AT_0040, 200)):
        asked = question(market, clock, {"date": "2026-02-05"}, agg="lin500")
        assert bitview.urpd(asked).status_code == status


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        (NAMED | {"name": "unheard_of"}, {}, 404),
        (NAMED | {"name": "realized_loss"}, {}, 400),  # by height only
        (NAMED | {"index": "fortnight"}, {}, 400),
        (NAMED, {"start": "yesterday"}, 400),
        (NAMED, {"since": "2026-02-01"}, 400),
    ],
)
def test_unknown_series_are_refused(market: Path, path: dict[str, str], params: dict[str, str], status: int) -> None:
    assert bitview.series(question(market, AT_0040, path, **params)).status_code == status


def test_buckets_are_of_the_width_that_was_asked_for(market: Path, samples: Path) -> None:
    answer = bitview.urpd(question(market, AT_0040, {"date": "2026-02-05"}, agg="lin500"))
    body, sample = json.loads(bytes(answer.body)), json.loads((samples / "bitview/urpd.json").read_bytes())
    assert body.keys() == sample.keys()
    assert body["buckets"][0].keys() == sample["buckets"][0].keys()
    assert [(bucket["price_floor"], bucket["supply"]) for bucket in body["buckets"]] == [(66000.0, 8.0), (66500.0, 4.0)]
    assert body["buckets"][0]["realized_cap"] == 4 * 66125.0 + 4 * 66375.0
    assert body["close"] == 60005.0
    rows = bitview_source.read_urpd(payload(body)).rows
    assert rows.rows() == [(D, 66000.0, 66500.0, 8.0), (D, 66500.0, 67000.0, 4.0)]
    raw = json.loads(bytes(bitview.urpd(question(market, AT_0040, {"date": "2026-02-05"})).body))
    assert len(raw["buckets"]) == 3


@pytest.mark.parametrize(
    ("day", "params"),
    [
        ("6245", {"agg": "lin500"}),
        ("2026-02-05", {"agg": "square"}),
        ("2026-02-05", {"agg": "lin250"}),  # a width that the server does not have
        ("2026-02-05", {"nosuch": "1"}),
    ],
)
def test_unknown_distributions_are_refused(market: Path, day: str, params: dict[str, str]) -> None:
    assert bitview.urpd(question(market, AT_0040, {"date": day}, **params)).status_code == 400


def test_positions_count_from_either_end_and_a_limit_cuts(market: Path) -> None:
    last = series(market, AT_0040, start="-3")
    assert last["data"] == [None, 1e9 + 4, 1e9 + 5]
    assert last["data"] == series(market, AT_0040, start=str(last["start"]), limit="9")["data"]
    assert series(market, AT_0040, start="2026-02-01", limit="2")["data"] == [1e9 + 1, None]
