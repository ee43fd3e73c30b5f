"""Coin Metrics: recorded answers, odd ones, and paging through the stand-in."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from sandbox.coinmetrics import ROUTES
from sandbox.server import running
from sources.coinmetrics import COLUMNS, DATASETS, METRICS, PROVIDER, URL, fetch_asset_metric, read_asset_metric
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from tests.unit.market_folder import write_table
from tests.unit.sources.scripted import answer, scripted

JANUARY = Window.of_dates(date(2026, 1, 1), date(2026, 1, 31))
FETCHED = datetime(2026, 7, 4, tzinfo=UTC)


def payload(body: bytes | str) -> Payload:
    content = body.encode() if isinstance(body, str) else body
    return Payload("https://community-api.coinmetrics.io/v4", {}, 200, {}, content, FETCHED)


def january(folder: Path, days: int) -> Path:
    rows = [{"date": date(2026, 1, 1 + n), "price_usd": 90_000.0 + n} for n in range(days)]
    return write_table(folder, "onchain_1d", rows)


def day(**metrics: object) -> dict[str, object]:
    return {"asset": "btc", "time": "2026-06-01T00:00:00.000000000Z", **metrics}


def test_recorded_answer_gives_a_row_a_day_and_nulls_for_metrics_not_asked(real: Path) -> None:
    recorded = real / "fixtures" / "coinmetrics" / "timeseries_asset-metrics_PriceUSD.json"
    parsed = read_asset_metric(payload(recorded.read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows["metric_date"].to_list() == [
        date(2026, 6, 28), date(2026, 6, 29), date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 2),
    ]  # fmt: skip
    assert parsed.rows["price_usd"].to_list() == [
        59516.6736531268, 60175.460563121, 58525.0753614845, 60065.5999105786, 61438.1894114553,
    ]  # fmt: skip
    assert parsed.rows.select(pl.exclude("metric_date", "price_usd")).null_count().row(0) == (5,) * 11


def test_every_metric_is_read_from_its_own_field(samples: Path) -> None:
    rows = read_asset_metric(payload((samples / "coinmetrics" / "asset_metric.json").read_bytes())).rows
    assert dict(rows.schema) == DATASETS[0].schema
    assert rows.row(0) == (
        date(2026, 1, 5), 90000.5, 1.80001e12, 1.6, 1e9, 40500225.0, 2.5, 20000000.125, 144.0, 400000.0, 700000.0, 2e9,
        2.1e9,
    )  # fmt: skip
    second = rows.row(1, named=True)
    assert second["block_count"] == 150
    assert second["mvrv"] is None
    assert second["fees_btc"] is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (day(PriceUSD="0"), "price_usd: '0' is below"),
        (day(PriceUSD="1,234.5"), "price_usd: '1,234.5' is no number"),
        (day(BlkCnt="-1"), "block_count: '-1' is below 0"),
        (day() | {"time": "2026-06-01T05:00:00.000000000Z"}, "metric_date"),
        (day() | {"time": None}, "metric_date: no value"),
        (day() | {"time": "2027-01-01T00:00:00Z"}, "lies in the future"),
        (day() | {"asset": "eth"}, "metric_date: no value"),
        ("btc", "metric_date: no value"),
    ],
)
def test_row_that_cannot_be_believed_is_refused_alone(row: object, reason: str) -> None:
    good = day(PriceUSD="70000") | {"time": "2026-06-02T00:00:00.000000000Z"}
    parsed = read_asset_metric(payload(json.dumps({"data": [good, row]})))
    assert parsed.rows["metric_date"].to_list() == [date(2026, 6, 2)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


def test_nan_is_refused() -> None:
    body = '{"data":[{"asset":"btc","time":"2026-06-01T00:00:00Z","PriceUSD":NaN}]}'
    assert "not finite" in read_asset_metric(payload(body)).rejects[0].reason


def test_no_days_is_an_empty_frame_of_the_declared_columns() -> None:
    rows = read_asset_metric(payload('{"data":[]}')).rows
    assert rows.is_empty()
    assert list(rows.columns) == list(COLUMNS)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("", Failure.NOT_DATA),
        ('{"data":[{"asset":"btc"', Failure.NOT_DATA),
        ("<html><body>busy</body></html>", Failure.BLOCKED),
        ('{"rows":[]}', Failure.CHANGED_LAYOUT),
        ('{"data":{}}', Failure.CHANGED_LAYOUT),
        ('{"data":[{"coin":"btc","time":"2026-06-01T00:00:00Z"}]}', Failure.CHANGED_LAYOUT),
    ],
)
def test_body_that_is_no_answer_raises(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_asset_metric(payload(body))
    assert caught.value.failure is failure


def test_all_pages_are_followed_and_none_comes_twice(tmp_path: Path) -> None:
    with running(january(tmp_path, days=7), routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=datetime(2026, 1, 31, tzinfo=UTC))
        pages = list(fetch_asset_metric(session, JANUARY, page_size=3))
    dates = [read_asset_metric(page).rows["metric_date"].to_list() for page in pages]
    assert dates == [[date(2026, 1, d) for d in days] for days in ([1, 2, 3], [4, 5, 6], [7])]
    assert stand_in.requests[0].params["paging_from"] == "start"
    assert stand_in.requests[0].params["metrics"] == ",".join(METRICS.values())
    assert stand_in.requests[0].params["end_time"] == "2026-01-31"
    assert pages[1].url.startswith("https://community-api.coinmetrics.io/v4/")


@pytest.mark.parametrize(
    ("following", "failure"),
    [
        ("https://community-api.coinmetrics.io/v4/timeseries/asset-metrics?again", Failure.CHANGED_LAYOUT),
        ("https://elsewhere.example/v4/timeseries/asset-metrics", Failure.UNSAFE),
        ("http://community-api.coinmetrics.io/v4/timeseries/asset-metrics", Failure.UNSAFE),
    ],
)
def test_next_page_in_a_circle_or_elsewhere_is_not_followed_for_ever(following: str, failure: Failure) -> None:
    with scripted(answer(json.dumps({"data": [], "next_page_url": following}).encode())) as server:
        session = Session(PROVIDER, upstream=server.base_url)
        with pytest.raises(SourceError) as caught:
            list(fetch_asset_metric(session, JANUARY))
    assert caught.value.failure is failure


def test_refused_metric_is_told_from_a_blocked_address(tmp_path: Path) -> None:
    with running(january(tmp_path, days=1), routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url)
        with pytest.raises(SourceError, match="CapRealUSD") as caught:
            session.get(URL, {"assets": "btc", "metrics": "CapRealUSD", "frequency": "1d"})
    assert caught.value.failure is Failure.REFUSED


# The file on GitHub, for when the API cannot be reached


def test_recorded_file_of_the_old_layout_is_read_to_the_row(real: Path) -> None:
    parsed = read_asset_metric(payload((real / "fixtures/coinmetrics/csv_btc_old_layout_sample.csv").read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows.height == 14
    assert parsed.rows["price_usd"].null_count() == 4  # the four days of 2009
    first = parsed.rows.row(4, named=True)
    assert first["metric_date"] == date(2020, 3, 20)
    assert first["mvrv"] == 1.11275432
    assert first["market_cap_usd"] == pytest.approx(112858311337.38545)
    assert (first["block_count"], first["fees_btc"], first["active_addresses"]) == (109, 79.23757339, 734614)
    assert parsed.rows["exchange_inflow_usd"].null_count() == 14  # the layout did not have it


def test_recorded_days_of_the_newer_layout_are_read_by_name(real: Path) -> None:
    body = (real / "fixtures/coinmetrics/community_daily_2025.csv").read_bytes()
    parsed = read_asset_metric(payload(body))
    assert parsed.rejects == ()
    assert parsed.rows.height == 365
    first = parsed.rows.row(0, named=True)
    assert (first["metric_date"], first["price_usd"], first["mvrv"]) == (
        date(2025, 1, 1), 94455.7965718878, 2.3030404933089104,
    )  # fmt: skip
    assert (first["hashrate_ths"], first["exchange_outflow_usd"]) == (764021519.2467396, 2666284758.016094)
    assert first["supply_btc"] is None
    december = parsed.rows.filter(metric_date=date(2025, 12, 13)).row(0, named=True)
    revenue = december["issuance_usd"] + december["fees_btc"] * december["price_usd"]
    assert revenue / (december["hashrate_ths"] / 1000) == pytest.approx(38.47, abs=0.005)  # USD a PH/s and day


@pytest.mark.parametrize("unit", [1e-3, 1e-6, 1e-9])
def test_hashrate_in_another_unit_is_refused(unit: float) -> None:
    parsed = read_asset_metric(payload(json.dumps({"data": [day(HashRate=str(1.0e9 * unit))]})))
    assert parsed.rows.is_empty()
    assert "EH/s in 2026" in parsed.rejects[0].reason


def test_only_whole_days_of_the_window_are_taken_from_the_file() -> None:
    lines = "time,HashRate,PriceUSD,CapMVRVCur,CapMrktCurUSD"
    for number, mvrv in enumerate(("1.5", "1.6", "1.7", "")):  # the last day is not complete yet
        lines += f"\n2026-01-0{number + 1},1.0e9,90000.5,{mvrv},1.8e12"
    asked = {"start_time": "2026-01-02", "end_time": "2026-01-31"}
    rows = read_asset_metric(Payload(URL, asked, 200, {}, lines.encode(), FETCHED)).rows
    assert rows.select("metric_date", "mvrv").rows() == [
        (date(2026, 1, 2), 1.6),
        (date(2026, 1, 3), 1.7),
        (date(2026, 1, 4), None),
    ]


def test_file_of_unknown_columns_is_a_changed_layout() -> None:
    with pytest.raises(SourceError, match="missing HashRate") as caught:
        read_asset_metric(payload("time,PriceUSD,CapMrktCurUSD,CapMVRVCur\n2026-01-01,1,1,1"))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.fixture
def market(tmp_path: Path) -> Path:
    figures = {"price_usd": 9e4, "market_cap_usd": 1.8e12, "mvrv": 1.5, "hashrate_ehs": 1000.0, "block_count": 144}
    figures |= {"issuance_btc": 450.0, "fees_btc": 5.0, "supply_btc": 2e7}
    figures |= {"exchange_inflow_btc": 1e4, "exchange_outflow_btc": 1.1e4}
    return write_table(tmp_path, "onchain_1d", [figures | {"date": date(2026, 1, n)} for n in range(1, 11)])


@pytest.mark.parametrize(
    ("faults", "hosts", "days"),
    [
        (None, ["community-api.coinmetrics.io"], [5, 6, 7, 8, 9]),
        (
            "community-api.coinmetrics.io=down",
            ["community-api.coinmetrics.io"] * 3 + ["raw.githubusercontent.com"],
            [5, 6, 7, 8],
        ),
    ],
)
def test_file_is_asked_only_when_the_api_cannot_be_reached(
    market: Path, faults: str | None, hosts: list[str], days: list[int]
) -> None:
    clock = datetime(2026, 1, 10, 12, tzinfo=UTC)
    with running(market, faults=faults, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=clock)
        pages = list(fetch_asset_metric(session, Window.of_dates(date(2026, 1, 5), date(2026, 1, 10))))
    rows = read_asset_metric(pages[-1]).rows
    assert [request.host for request in stand_in.requests] == hosts
    assert [day.day for day in rows["metric_date"]] == days
    first = {"price_usd": 9e4, "hashrate_ths": 1e9, "issuance_usd": 450 * 9e4, "exchange_outflow_usd": 1.1e4 * 9e4}
    assert rows.row(0, named=True) == rows.row(0, named=True) | first


def test_when_neither_answers_the_api_is_named(market: Path) -> None:
    faults = "community-api.coinmetrics.io=down,raw.githubusercontent.com=down"
    with running(market, faults=faults, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url)
        with pytest.raises(SourceError, match="community-api") as caught:
            list(fetch_asset_metric(session, JANUARY))
    assert caught.value.failure is Failure.OUTAGE


def test_refusal_of_the_api_is_told_and_not_papered_over_with_the_file() -> None:
    refusal = json.dumps({"error": {"type": "forbidden", "message": "CapMVRVCur is not free any more"}}).encode()
    with scripted(answer(refusal, "403 Forbidden")) as server:
        session = Session(PROVIDER, upstream=server.base_url)
        with pytest.raises(SourceError, match="not free any more") as caught:
            list(fetch_asset_metric(session, JANUARY))
    assert caught.value.failure is Failure.REFUSED
    assert len(server.received) == 1
