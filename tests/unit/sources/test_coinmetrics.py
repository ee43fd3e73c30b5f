"""Coin Metrics: recorded answers, odd ones, and paging through the stand-in."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from sandbox.coinmetrics import ROUTES
from sandbox.server import running
from sources.coinmetrics import COLUMNS, DATASETS, METRICS, PROVIDER, URL, fetch_asset_metric, read_asset_metric
from sources.dataset import Window
from sources.errors import Failure, SourceError
from sources.http import Session
from sources.payload import Payload
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
