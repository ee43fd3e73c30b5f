"""bitview: series dated by position, both shapes of the distribution, days without one passed over."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox import bitview as stand_in
from sources.bitview import DATASETS
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Payload
from tests.unit.market_folder import write_table
from tests.unit.venue_market import asking, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
SERIES, URPD = BY_NAME["series"], BY_NAME["urpd"]
FETCHED_AT = datetime(2026, 2, 7, 0, 50, tzinfo=UTC)


def series(content: object, name: str = "realized_loss_sum_24h", start: str | None = "2026-02-04") -> Payload:
    sent = payload(content)
    params = {"start": start} if start else {}
    return Payload(f"https://bitview.space/api/series/{name}/day1", params, 200, {}, sent.body, FETCHED_AT)


def answer(data: object, start: object = (date(2026, 2, 4) - date(2009, 1, 1)).days) -> dict[str, object]:
    return {"version": 1, "index": "day1", "type": "Dollars", "start": start, "end": 0, "stamp": "", "data": data}


def urpd(buckets: object, **changed: object) -> dict[str, object]:
    known = {"cohort": "all", "date": "2026-02-05", "aggregation": "lin500", "close": 62600.0, "total_supply": 2e7}
    return known | {"buckets": buckets} | changed


def failure_of(dataset: str, sent: Payload) -> SourceError:
    with pytest.raises(SourceError) as caught:
        BY_NAME[dataset].read(sent)
    return caught.value


def test_our_samples_are_read_to_the_row(samples: Path) -> None:
    rows = SERIES.read(series((samples / "bitview/series.json").read_bytes(), start="2025-03-03")).rows
    assert rows.schema == SERIES.schema
    assert rows.rows() == [
        ("realized_loss_sum_24h", date(2025, 3, 3), 310000000.5),
        ("realized_loss_sum_24h", date(2025, 3, 4), None),
        ("realized_loss_sum_24h", date(2025, 3, 5), 275500000.0),
    ]
    distribution = URPD.read(payload((samples / "bitview/urpd.json").read_bytes()))
    assert distribution.rejects == ()
    assert distribution.rows.schema == URPD.schema
    day = date(2025, 3, 4)
    assert distribution.rows.rows() == [
        (day, 0.0, 500.0, 1500000.5),
        (day, 500.0, 1000.0, 200000.25),
        (day, 1000.0, 1500.0, 100.0),  # nobody's coins last moved between here and the next one
        (day, 89500.0, 90000.0, 40000.125),
        (day, 90000.0, 90500.0, 55000.75),
    ]


def test_both_shapes_of_the_distribution_mean_the_same(samples: Path) -> None:
    buckets, columns = (payload((samples / f"bitview/{name}.json").read_bytes()) for name in ("urpd", "urpd_columns"))
    assert URPD.read(buckets).rows.equals(URPD.read(columns).rows)


@pytest.mark.parametrize("day_zero", [date(2009, 1, 1), date(2009, 1, 8)])
def test_the_first_position_is_checked_against_the_date_asked_for(day_zero: date) -> None:
    rows = SERIES.read(series(answer([1.0], start=(date(2026, 2, 4) - day_zero).days))).rows
    assert rows["series_date"].to_list() == [date(2026, 2, 4)]


def test_positions_that_count_from_another_day_are_a_changed_layout() -> None:
    error = failure_of("series", series(answer([1.0], start=0)))
    assert error.failure is Failure.CHANGED_LAYOUT
    assert "2009-01-01" in error.what


def test_a_page_saved_by_hand_is_dated_by_its_positions() -> None:
    rows = SERIES.read(series(answer([1.0, 2.0]), start=None)).rows
    assert rows["series_date"].to_list() == [date(2026, 2, 4), date(2026, 2, 5)]


def test_the_running_day_is_left_out() -> None:
    parsed = SERIES.read(series(answer([1.0, 2.0, 3.0, 4.0])))
    assert parsed.rows["series_date"].to_list() == [date(2026, 2, 4), date(2026, 2, 5), date(2026, 2, 6)]
    assert parsed.rejects == ()


@pytest.mark.parametrize("bad", [-1.0, "n/a", float("nan"), [1.0]])
def test_a_value_that_cannot_be_believed_is_refused_and_the_others_load(bad: object) -> None:
    parsed = SERIES.read(series(answer([1.0, bad, 3.0])))
    assert parsed.rows["value"].to_list() == [1.0, 3.0]
    assert len(parsed.rejects) == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"price_floor": 60500, "supply": None},
        {"price_floor": 60500, "supply": -1.0},
        {"price_floor": None, "supply": 1.0},
        "bucket",
    ],
)
def test_a_bucket_that_cannot_be_believed_is_refused_and_the_others_load(bad: object) -> None:
    parsed = URPD.read(payload(urpd([{"price_floor": 60000, "supply": 5.0}, bad])))
    assert parsed.rows["price_low_usd"].to_list() == [60000.0]
    assert len(parsed.rejects) == 1


def test_an_empty_answer_has_no_rows_and_the_declared_columns() -> None:
    distributions = [payload(urpd(empty)) for empty in ([], {"price": [], "supply": []})]
    for dataset, sent in ((SERIES, series(answer([]))), *((URPD, each) for each in distributions)):
        parsed = dataset.read(sent)
        assert parsed.rows.is_empty()
        assert parsed.rows.schema == dataset.schema


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (urpd([{"floor": 1.0, "supply": 1.0}]), Failure.CHANGED_LAYOUT),
        (urpd({"price": [1.0, 2.0], "supply": [1.0]}), Failure.CHANGED_LAYOUT),
        (urpd({"price": [1.0]}), Failure.CHANGED_LAYOUT),
        (urpd([], aggregation="lin200"), Failure.CHANGED_LAYOUT),
        (urpd("many"), Failure.CHANGED_LAYOUT),
        (b'{"cohort":"all","da', Failure.NOT_DATA),
        (b"<html>", Failure.BLOCKED),
    ],
)
def test_what_is_no_distribution_is_refused_as_a_whole(content: object, failure: Failure) -> None:
    assert failure_of("urpd", payload(content)).failure is failure


@pytest.mark.parametrize("content", [answer("soon"), answer([], start="first"), {"data": []}, [1, 2]])
def test_what_is_no_series_is_refused_as_a_whole(content: object) -> None:
    assert failure_of("series", series(content)).failure is Failure.CHANGED_LAYOUT


def test_each_series_is_asked_for_up_to_yesterday(tmp_path: Path) -> None:
    days = [{"date": date(2026, 2, day), "sopr": 0.5 + day, "realized_loss_usd": 1e9 + day} for day in range(1, 9)]
    market = write_table(tmp_path, "onchain_1d", days)
    with asking(SERIES, market, datetime(2026, 2, 7, 0, 20), stand_in.ROUTES) as (session, server):
        rows = rows_of(SERIES, session, Window.of_dates(date(2026, 2, 4), date(2026, 2, 7)))
    names = ["realized_loss_sum_24h", "realized_profit_sum_24h", "sopr_24h"]
    assert [request.path for request in server.requests] == [f"api/series/{name}/day1" for name in names]
    assert server.requests[0].params == {"start": "2026-02-04", "end": "2026-02-07"}
    # The 6th comes at 00:40.
    two = (date(2026, 2, 4), date(2026, 2, 5))
    values = [1e9 + 4, 1e9 + 5, None, None, 4.5, 5.5]
    assert rows.rows() == [(name, day, values.pop(0)) for name in names for day in two]


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ("realized_price", ["realized_price", "sth_realized_price", "lth_realized_price"]),
        ("hashprice", ["hash_price_phs"]),
    ],
)
def test_each_dataset_asks_for_its_own_series(tmp_path: Path, dataset: str, names: list[str]) -> None:
    """No recording of these could be had; the shape is the documented one, as of every series."""
    day = {"date": date(2026, 2, 4), "realized_cap_usd": 1.1e12, "supply_btc": 2e7, "price_usd": 7e4}
    market = write_table(
        tmp_path, "onchain_1d", [day | {"issuance_btc": 450.0, "fees_btc": 5.0, "hashrate_ehs": 1000.0}]
    )
    with asking(BY_NAME[dataset], market, datetime(2026, 2, 7, 0, 50), stand_in.ROUTES) as (session, server):
        rows = rows_of(BY_NAME[dataset], session, Window.of_dates(date(2026, 2, 4), date(2026, 2, 5)))
    assert [request.path for request in server.requests] == [f"api/series/{name}/day1" for name in names]
    assert rows["series_name"].unique(maintain_order=True).to_list() == names
    first = {"realized_price": 55_000.0, "hashprice": 31.85}[dataset]
    assert rows.rows()[:2] == [(names[0], date(2026, 2, 4), pytest.approx(first)), (names[0], date(2026, 2, 5), None)]


@pytest.mark.parametrize(
    ("dataset", "name", "right", "wrong", "reason"),
    [
        ("hashprice", "hash_price_phs", 31.9, 0.0319, "below 1"),  # of a terahash
        ("realized_price", "lth_realized_price", 55e3, 55e5, "above 1e+06"),  # in cents
        ("series", "realized_loss_sum_24h", 1.2e9, 1.2e17, "above 1e+12"),
    ],
)
def test_a_figure_in_another_unit_is_refused(dataset: str, name: str, right: float, wrong: float, reason: str) -> None:
    parsed = BY_NAME[dataset].read(series(answer([right, wrong]), name))
    assert parsed.rows.rows() == [(name, date(2026, 2, 4), right)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


@pytest.fixture
def two_days(tmp_path: Path) -> Path:
    buckets = [
        (date(2026, 2, day), low, low + 250.0, 10.0 + day) for day in (3, 5) for low in (66000.0, 66250.0, 66500.0)
    ]
    return folder(tmp_path / "market", {"cost_basis": buckets})


def test_a_day_without_a_distribution_is_passed_over(two_days: Path) -> None:
    with asking(URPD, two_days, datetime(2026, 2, 7, 0, 20), stand_in.ROUTES) as (session, server):
        rows = rows_of(URPD, session, Window.of_dates(date(2026, 2, 3), date(2026, 2, 7)))
    assert [(request.path[-10:], request.status) for request in server.requests] == [
        ("2026-02-03", 200),
        ("2026-02-04", 404),
        ("2026-02-05", 200),
        ("2026-02-06", 404),
    ]
    assert {request.params["agg"] for request in server.requests} == {"lin500"}
    assert rows.rows()[:2] == [(date(2026, 2, 3), 66000.0, 66500.0, 26.0), (date(2026, 2, 3), 66500.0, 67000.0, 13.0)]


def test_a_window_without_any_distribution_is_an_error(two_days: Path) -> None:
    with (
        asking(URPD, two_days, datetime(2026, 1, 7), stand_in.ROUTES) as (session, _),
        pytest.raises(SourceError, match="2026-01-02 to 2026-01-04") as caught,
    ):
        list(URPD.fetch(session, Window.of_dates(date(2026, 1, 2), date(2026, 1, 4))))
    assert caught.value.failure is Failure.NO_DATA


def test_a_dead_server_is_not_taken_for_a_day_without_data(two_days: Path) -> None:
    routes = {"GET bitview.space/api/urpd/all/{date}": lambda _: 1 / 0}
    with asking(URPD, two_days, datetime(2026, 2, 7), routes) as (session, _), pytest.raises(SourceError) as caught:
        list(URPD.fetch(session, Window.of_dates(date(2026, 2, 3), date(2026, 2, 5))))
    assert caught.value.failure is Failure.OUTAGE


def test_today_alone_asks_nothing(two_days: Path) -> None:
    with asking(URPD, two_days, datetime(2026, 2, 7, 12), stand_in.ROUTES) as (session, server):
        today = Window.of_dates(date(2026, 2, 7), date(2026, 2, 7))
        assert [*URPD.fetch(session, today), *SERIES.fetch(session, today)] == []
        assert server.requests == []
