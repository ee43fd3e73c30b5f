"""Bybit: both sides halved, hourly symbols recognised, errors behind HTTP 200, cursors followed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import bybit as stand_in
from sandbox.provider_request import ProviderRequest, json_answer
from sources.bybit import DATASETS, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed
from tests.unit.venue_market import DAY, HOUR, asking, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
T0 = datetime(2026, 1, 1)
EIGHT_HOURS = timedelta(hours=8)


def envelope(listing: object, **result: object) -> dict[str, object]:
    content = {"symbol": "BTCUSDT", "category": "linear", "list": listing, **result}
    return {"retCode": 0, "retMsg": "OK", "result": content, "retExtInfo": {}, "time": 1767225600000}


def recorded(real: Path, name: str, dataset: str) -> Parsed:
    body = (real / "fixtures" / "bybit" / f"{name}.json").read_bytes()
    return BY_NAME[dataset].read(payload(body))


def test_recorded_settlements_are_read_to_the_row(real: Path) -> None:
    parsed = recorded(real, "market_funding_history_BTCUSDT", "funding_rate")
    assert parsed.rejects == ()
    assert parsed.rows.schema == BY_NAME["funding_rate"].schema
    assert parsed.rows.height == 21
    assert parsed.rows.row(0) == ("BTCUSDT", datetime(2026, 9, 8, 16), 0.00005769, None)
    assert parsed.rows.row(-1) == ("BTCUSDT", datetime(2026, 9, 2), 0.00002041, None)


def test_recorded_open_interest_counts_each_contract_once(real: Path) -> None:
    parsed = recorded(real, "market_open_interest_BTCUSDT_1h", "open_interest")
    assert parsed.rejects == ()
    assert parsed.rows.height == 25
    assert parsed.rows.row(0) == ("BTCUSDT", datetime(2026, 9, 8, 23), 28202.477, None)


def test_open_interest_without_the_single_figure_is_halved() -> None:
    row = {"openInterest": "56404.95300000", "timestamp": "1788908400000"}
    rows = BY_NAME["open_interest"].read(payload(envelope([row]))).rows
    assert rows["open_interest_btc"].to_list() == [28202.4765]


def test_a_contract_that_counts_dollars_is_refused(real: Path) -> None:
    with pytest.raises(SourceError, match="inverse") as caught:
        recorded(real, "market_open_interest_BTCUSD_inverse_2025", "open_interest")
    assert caught.value.failure is Failure.CHANGED_LAYOUT


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_empty_page_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(payload(envelope([])))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


def test_a_reading_that_cannot_be_believed_is_refused_and_the_others_load() -> None:
    rows = [
        {"openInterest": "100", "timestamp": "1767225600000"},
        {"openInterest": "-100", "timestamp": "1767229200000"},
        {"openInterest": "N/A", "timestamp": "1767232800000"},
        {"openInterest": "100", "timestamp": "0"},
    ]
    parsed = BY_NAME["open_interest"].read(payload(envelope(rows)))
    assert parsed.rows["open_interest_btc"].to_list() == [50.0]
    assert [reject.reason.split(":")[0] for reject in parsed.rejects] == [
        "open_interest_btc",
        "open_interest_btc",
        "observed_at",
    ]


def test_a_rate_in_percent_is_refused() -> None:
    row = {"symbol": "BTCUSDT", "fundingRate": "1.0", "fundingRateTimestamp": "1767225600000"}
    parsed = BY_NAME["funding_rate"].read(payload(envelope([row])))
    assert parsed.rows.is_empty()
    assert "funding_rate" in parsed.rejects[0].reason


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (10006, Failure.THROTTLED),
        ("10006", Failure.THROTTLED),
        (10009, Failure.BLOCKED),
        (10016, Failure.OUTAGE),
        (10001, Failure.REFUSED),
        (10029, Failure.REFUSED),
    ],
)
def test_error_codes_say_what_to_do(code: object, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        check(payload({"retCode": code, "retMsg": "as it says", "result": {}}))
    assert caught.value.failure is failure
    assert "as it says" in caught.value.what


def test_an_http_error_without_a_code_is_left_to_its_status() -> None:
    check(payload({"message": "no such path"}, status=404))
    with pytest.raises(SourceError, match="retCode"):
        check(payload({"message": "no such path"}))


@pytest.mark.parametrize("stamp", ["soon", None, [1], {}, 1.5, "1767225600"])
def test_a_settlement_without_a_time_is_refused(stamp: object) -> None:
    row = {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingRateTimestamp": stamp}
    good = {**row, "fundingRateTimestamp": "1767225600000"}
    parsed = BY_NAME["funding_rate"].read(payload(envelope([row, good])))
    assert parsed.rows["funding_time"].to_list() == [T0]
    assert [reject.reason.split(":")[0] for reject in parsed.rejects] == ["funding_time"]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_error_behind_status_200_is_no_data(real: Path, name: str) -> None:
    body = (real / "fixtures" / "errors" / "bybit_rate_limit.json").read_bytes()
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(body))
    assert caught.value.failure is Failure.THROTTLED


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_block_page_is_no_data(real: Path, name: str) -> None:
    page = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(page))
    assert caught.value.failure is Failure.BLOCKED


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("funding_rate", envelope([{"symbol": "BTCUSDT", "fundingRate": "0"}]), "fundingRateTimestamp"),
        ("open_interest", envelope([{"open_interest": "1", "timestamp": "1767225600000"}]), "openInterest"),
        ("open_interest", {"retCode": 0, "result": {"rows": []}}, "list"),
        ("funding_rate", {"code": 0}, "retCode"),
        ("funding_rate", [], "retCode"),
    ],
)
def test_a_changed_layout_says_what_changed(name: str, content: object, named: str) -> None:
    with pytest.raises(SourceError) as caught:
        BY_NAME[name].read(payload(content))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
    assert named in caught.value.what


def test_settlements_are_paged_back_to_the_start(tmp_path: Path) -> None:
    rates = [("bybit", T0 + i * EIGHT_HOURS, i / 1e6, 8) for i in range(450)]
    market = folder(tmp_path / "market", {"funding": rates})
    funding, clock = BY_NAME["funding_rate"], T0 + 450 * EIGHT_HOURS
    with asking(funding, market, clock, stand_in.ROUTES) as (session, _server):
        rows = rows_of(funding, session, Window.of_dates(T0.date(), clock.date()))
    assert rows.unique().sort("funding_time")["funding_rate"].to_list() == [rate for _, _, rate, _ in rates]


@pytest.mark.parametrize("clock", [datetime(2026, 3, 1), datetime(2026, 7, 1)])
def test_open_interest_is_paged_to_the_start_and_halved_in_old_and_new_answers(tmp_path: Path, clock: datetime) -> None:
    start = clock - 20 * DAY
    readings = [("bybit", start + i * HOUR, 1000.0 + i, None) for i in range(20 * 24)]
    market = folder(tmp_path / "market", {"open_interest": readings})
    interest = BY_NAME["open_interest"]
    with asking(interest, market, clock, stand_in.ROUTES) as (session, server):
        rows = rows_of(interest, session, Window.of_dates(start.date(), clock.date())).sort("observed_at")
    assert rows["observed_at"].to_list() == [time for _, time, _, _ in readings]
    assert rows["open_interest_btc"].to_list() == [interest for _, _, interest, _ in readings]
    assert len(server.requests) == 5  # three pages, and twice whether there is one of this very hour


def test_a_page_that_never_moves_on_is_an_error(tmp_path: Path) -> None:
    row = {"openInterest": "100", "timestamp": "1767225600000"}

    def stuck(_: ProviderRequest) -> object:
        return json_answer(envelope([row] * 200))

    market = folder(tmp_path / "market", {"open_interest": [("bybit", T0, 1.0, None)]})
    interest = BY_NAME["open_interest"]
    with asking(interest, market, T0 + DAY, {"GET api.bybit.com/v5/market/open-interest": stuck}) as (session, _):
        pages = interest.fetch(session, Window(T0.replace(tzinfo=UTC), (T0 + DAY).replace(tzinfo=UTC)))
        with pytest.raises(SourceError, match="same page"):
            list(pages)
