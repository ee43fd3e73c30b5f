"""Glassnode: metrics with nulls, buckets that move with the all-time high, keys and refusals."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox import glassnode as stand_in
from sandbox.server import running
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.glassnode import DATASETS, PROVIDER
from tests.unit.market_folder import write_table
from tests.unit.sources.scripted import answer, scripted
from tests.unit.venue_market import folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
METRIC, URPD = BY_NAME["metric"], BY_NAME["urpd"]
FETCHED_AT = datetime(2026, 2, 7, 0, 50, tzinfo=UTC)
T0 = 1770163200  # 2026-02-04
DAY_S = 86_400


def metric(content: object, name: str = "realized_loss") -> Payload:
    url = f"https://api.glassnode.com/v1/metrics/indicators/{name}"
    return Payload(url, {}, 200, {}, payload(content).body, FETCHED_AT)


def distribution(**changed: object) -> dict[str, object]:
    known = {"t": T0, "ath_price": 126000.0, "current_price": 65e3, "total_supply": 30.0}
    return known | {"partitions": [10.0, 20.0], "prices": [0, 1260.0]} | changed


def test_the_recorded_shape_of_the_cost_basis_is_read_to_the_row(real: Path) -> None:
    parsed = URPD.read(payload((real / "fixtures/glassnode/urpd_entity_adjusted_trimmed.json").read_bytes()))
    assert parsed.rejects == ()
    assert parsed.rows.schema == URPD.schema
    day = date(2023, 5, 15)
    assert parsed.rows.rows() == [
        (day, 0.0, 686.423126881884, 3908798.59770444),
        (day, 686.423126881884, 1372.84625376377, 335824.70875861),
        (day, 1372.84625376377, 1372.84625376377 + 686.423126881884, 37131.18362296),
    ]


def test_our_samples_are_read_to_the_row(samples: Path) -> None:
    rows = METRIC.read(metric((samples / "glassnode/metric.json").read_bytes(), "realized_profit")).rows
    assert rows.schema == METRIC.schema
    assert rows.rows() == [
        ("realized_profit", date(2025, 3, 3), 410000000.75),
        ("realized_profit", date(2025, 3, 4), None),
        ("realized_profit", date(2025, 3, 5), 388000000.0),
    ]
    last = URPD.read(payload((samples / "glassnode/urpd.json").read_bytes())).rows.row(-1)
    assert last == (date(2025, 3, 4), 2180.0, 3270.0, 15830000.0)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("net_realized_pnl", (date(2025, 3, 5), -112500000.5)),
        ("hashrate", (date(2025, 3, 5), 795.0)),
        ("futures_open_interest", (date(2025, 3, 5), 52500000000.0)),
        ("ratio", ("sopr", date(2025, 3, 5), 0.9875)),
    ],
)
def test_every_daily_metric_is_read_in_its_own_unit(samples: Path, name: str, last: tuple[object, ...]) -> None:
    """No recording of these could be had; the shape is the vendor's documented one, as of every metric."""
    parsed = BY_NAME[name].read(metric((samples / f"glassnode/{name}.json").read_bytes(), "sopr"))
    assert parsed.rejects == ()
    assert parsed.rows.schema == BY_NAME[name].schema
    assert parsed.rows.height == 3
    assert parsed.rows.row(1)[-1] is None
    assert parsed.rows.row(2) == last


@pytest.mark.parametrize(
    ("name", "right", "wrong", "reason"),
    [
        ("hashrate", 1.003e21, 1.003e18, "1.003 EH/s in 2026"),  # in thousands of hashes
        ("hashrate", 1.003e21, 1.003e9, "EH/s in 2026"),  # in terahashes
        ("ratio", 1.012, 101.2, "above 50"),  # in percent
        ("futures_open_interest", 49e9, 700_000, "below 1e+07"),  # in coins
        ("futures_open_interest", 49e9, 49e15, "above"),
        ("net_realized_pnl", -1e9, -1e17, "below"),  # in millionths
        ("metric", 1.2e9, 1.2e17, "above"),
    ],
)
def test_a_figure_in_another_unit_is_refused(name: str, right: float, wrong: float, reason: str) -> None:
    named = "sopr" if name == "ratio" else "realized_loss"
    parsed = BY_NAME[name].read(metric([{"t": T0, "v": right}, {"t": T0 + DAY_S, "v": wrong}], named))
    assert parsed.rows["metric_date"].to_list() == [date(2026, 2, 4)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


def test_the_running_day_is_left_out() -> None:
    days = [{"t": T0 + i * DAY_S, "v": 1.0} for i in range(4)]
    assert METRIC.read(metric(days)).rows["metric_date"].max() == date(2026, 2, 6)
    assert URPD.read(metric([distribution(t=T0 + 3 * DAY_S)])).rows.is_empty()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"t": T0 + DAY_S, "v": -1.0}, "value"),
        ({"t": T0 + DAY_S, "v": "much"}, "value"),
        ({"t": T0 + DAY_S + 3600, "v": 1.0}, "metric_date"),  # not a day's stamp: another resolution
        ({"t": (T0 + DAY_S) * 1000, "v": 1.0}, "metric_date"),
        ({"v": 1.0}, "metric_date: no value"),
        ("row", "metric_date: no value"),
    ],
)
def test_a_row_that_cannot_be_believed_is_refused_and_the_others_load(bad: object, reason: str) -> None:
    parsed = METRIC.read(metric([{"t": T0, "v": 1.0}, bad]))
    assert parsed.rows["metric_date"].to_list() == [date(2026, 2, 4)]
    assert len(parsed.rejects) == 1
    assert reason in parsed.rejects[0].reason


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_empty_answer_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(metric([], "sopr" if name == "ratio" else "realized_loss"))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


@pytest.mark.parametrize(
    ("name", "content", "failure"),
    [
        ("metric", [{"t": T0, "value": 1.0}], Failure.CHANGED_LAYOUT),
        ("metric", {"data": []}, Failure.CHANGED_LAYOUT),
        ("metric", b"api key is required", Failure.NOT_DATA),
        ("metric", b"<html>", Failure.BLOCKED),
        ("urpd", [distribution(prices=[0])], Failure.CHANGED_LAYOUT),
        ("urpd", [distribution(ath_price="high")], Failure.CHANGED_LAYOUT),
        ("urpd", [{"t": T0, "o": {}}], Failure.CHANGED_LAYOUT),
    ],
)
def test_what_is_no_answer_is_refused_as_a_whole(name: str, content: object, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(metric(content))
    assert caught.value.failure is failure


@pytest.fixture
def market(tmp_path: Path) -> Path:
    days = [date(2026, 2, day) for day in range(1, 9)]
    chain = [{"date": day, "price_usd": 60e3 + 1e3 * day.day, "realized_loss_usd": 1e9 + day.day} for day in days]
    buckets = [(day, low, low + 500.0, 7.5) for day in days for low in (0.0, 60e3)]
    return write_table(folder(tmp_path / "market", {"cost_basis": buckets}), "onchain_1d", chain)


def asked(market: Path, name: str, key: str | None = "a-key") -> tuple[list[object], list[object]]:
    clock = datetime(2026, 2, 7, 0, 20, tzinfo=UTC)
    with (
        running(market, routes=stand_in.ROUTES) as server,
        Session(PROVIDER, key=key, upstream=server.base_url, clock=clock) as session,
    ):
        rows = rows_of(BY_NAME[name], session, Window.of_dates(date(2026, 2, 4), date(2026, 2, 7))).rows()
        return list(rows), list(server.requests)


def test_metrics_are_asked_for_with_the_key_in_its_header(market: Path) -> None:
    rows, requests = asked(market, "metric", "a-key")
    assert rows == [
        ("realized_loss", date(2026, 2, 4), 1e9 + 4),
        ("realized_loss", date(2026, 2, 5), 1e9 + 5),  # the 6th comes at 00:40
        ("realized_profit", date(2026, 2, 4), None),
        ("realized_profit", date(2026, 2, 5), None),
    ]
    assert [request.headers["x-api-key"] for request in requests] == ["a-key"] * 2
    assert requests[0].params == {"a": "BTC", "i": "24h", "s": str(T0), "u": str(T0 + 4 * DAY_S - 1), "f": "json"}


def test_the_newest_cost_basis_is_asked_for_without_dates(market: Path) -> None:
    rows, requests = asked(market, "urpd", "a-key")
    assert requests[0].params == {"a": "BTC", "i": "24h"}
    assert {row[0] for row in rows} == {date(2026, 2, 5)}
    assert rows[0] == (date(2026, 2, 5), 0.0, 650.0, 7.5)  # one hundredth of the highest price so far
    assert sum(row[3] for row in rows) == 15.0


def test_without_a_key_nothing_is_asked(market: Path) -> None:
    with pytest.raises(SourceError, match="LEADLINE_KEY_GLASSNODE") as caught:
        asked(market, "metric", None)
    assert caught.value.failure is Failure.NEEDS_KEY


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("metric", ["indicators/realized_loss", "indicators/realized_profit"]),
        ("net_realized_pnl", ["indicators/net_realized_profit_loss"]),
        ("ratio", ["indicators/sopr", "market/mvrv"]),
        ("hashrate", ["mining/hash_rate_mean"]),
        ("futures_open_interest", ["derivatives/futures_open_interest_sum"]),
    ],
)
def test_each_dataset_asks_for_its_own_metrics(market: Path, name: str, paths: list[str]) -> None:
    _, requests = asked(market, name)
    assert [request.path for request in requests] == [f"v1/metrics/{path}" for path in paths]


@pytest.mark.parametrize(
    ("status", "text", "failure"),
    [
        ("400 Bad Request", b"parameter a=DOGE is invalid, allowed values=[BTC ETH]", Failure.REFUSED),
        ("401 Unauthorized", b"invalid api key", Failure.BAD_KEY),
        ("403 Forbidden", b"this metric is not part of your plan", Failure.BAD_KEY),
        ("404 Not Found", b"metric not found", Failure.MOVED),
        ("429 Too Many Requests", b"rate limit exceeded", Failure.THROTTLED),
    ],
)
def test_an_error_in_plain_text_is_quoted_and_told_apart(status: str, text: bytes, failure: Failure) -> None:
    with (
        scripted(answer(text, status, Content_Type="text/plain")) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url) as session,
        pytest.raises(SourceError) as caught,
    ):
        list(METRIC.fetch(session, Window.of_dates(date(2026, 2, 4), date(2026, 2, 5))))
    assert caught.value.failure is failure
    assert text.decode() in caught.value.what
