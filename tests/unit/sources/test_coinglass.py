"""CoinGlass: text and numbers read alike, errors inside HTTP 200 told apart, the running day left out."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import coinglass as stand_in
from sandbox.server import running
from sources.coinglass import DATASETS, EXCHANGES, PROVIDER, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from tests.unit.venue_market import DAY, HOUR, folder, payload, rows_of

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
INTEREST, LIQUIDATION, ETF_FLOW = BY_NAME["open_interest"], BY_NAME["liquidation"], BY_NAME["etf_flow"]
T0 = datetime(2026, 1, 1)
MS0 = 1767225600000
DAY_MS = 86_400_000


def bar(day: int = 0, **changed: object) -> dict[str, object]:
    return {"time": MS0 + day * DAY_MS, "open": "61e9", "high": "62e9", "low": "60e9", "close": "61.5e9"} | changed


def sums(day: int = 0, **changed: object) -> dict[str, object]:
    figures = {"aggregated_long_liquidation_usd": 1e9, "aggregated_short_liquidation_usd": 2.5e8}
    return {"time": MS0 + day * DAY_MS} | figures | changed


def answer(data: object, code: object = "0") -> dict[str, object]:
    return {"code": code, "msg": "success", "data": data}


def test_our_sample_is_read_to_the_row(samples: Path) -> None:
    interest = INTEREST.read(payload((samples / "coinglass/open_interest.json").read_bytes()))
    assert interest.rejects == ()
    assert interest.rows.schema == INTEREST.schema
    first = ("BTC", datetime(2025, 3, 3), 53111222333.25, 53999222333.5, 53000222333.75, 53555222333.0)
    assert interest.rows.row(0) == first
    liquidation = LIQUIDATION.read(payload((samples / "coinglass/liquidation.json").read_bytes()))
    assert liquidation.rejects == ()
    assert liquidation.rows.schema == LIQUIDATION.schema
    assert liquidation.rows.row(2) == ("BTC", datetime(2025, 3, 5), 50000000.25, 10000000.0)


@pytest.mark.parametrize("send", [str, float])
def test_figures_may_be_text_or_numbers(send: type) -> None:
    row = LIQUIDATION.read(payload(answer([sums(aggregated_long_liquidation_usd=send(1234.5))]))).rows.row(0)
    assert row == ("BTC", T0, 1234.5, 2.5e8)


def test_the_running_day_is_left_out() -> None:
    now = datetime(2026, 1, 3, 0, 20, tzinfo=UTC)
    parsed = INTEREST.read(payload(answer([bar(0), bar(1), bar(2)]), fetched_at=now))
    assert parsed.rows["open_time"].to_list() == [T0, T0 + DAY]
    assert parsed.rejects == ()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (bar(1, close="-1"), "close_usd"),
        (bar(1, open="1,000"), "open_usd"),
        (bar(1, high=None), "high_usd: no value"),
        (bar(1, low=float("inf")), "low_usd"),
        (bar(1, time=1767225600), "open_time"),
        (bar(1, time=MS0 + 400 * DAY_MS), "future"),
        ("bar", "no value"),
    ],
)
def test_a_bar_that_cannot_be_believed_is_refused_and_the_others_load(bad: object, reason: str) -> None:
    parsed = INTEREST.read(payload(answer([bar(), bad])))
    assert parsed.rows["open_time"].to_list() == [T0]
    assert len(parsed.rejects) == 1
    assert reason in parsed.rejects[0].reason


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_empty_answer_has_no_rows_and_the_declared_columns(name: str) -> None:
    parsed = BY_NAME[name].read(payload(answer([])))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == BY_NAME[name].schema


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("400", Failure.REFUSED),
        ("401", Failure.BAD_KEY),
        (401, Failure.BAD_KEY),
        ("429", Failure.THROTTLED),
        ("500", Failure.OUTAGE),
        ("99999", Failure.REFUSED),
    ],
)
@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_error_inside_http_200_is_no_data(name: str, code: object, failure: Failure) -> None:
    sent = payload({"code": code, "msg": "as it says"})
    for read in (check, BY_NAME[name].read):
        with pytest.raises(SourceError, match="as it says") as caught:
            read(sent)
        assert caught.value.failure is failure


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (answer([{"time": MS0, "o": "1"}]), Failure.CHANGED_LAYOUT),
        ({"code": "0", "msg": "success"}, Failure.CHANGED_LAYOUT),
        (answer({"list": []}), Failure.CHANGED_LAYOUT),
        (b'{"code":"0","data":[{"ti', Failure.NOT_DATA),
        (b"<!DOCTYPE html><html></html>", Failure.BLOCKED),
    ],
)
def test_what_is_no_answer_is_refused_as_a_whole(content: object, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        INTEREST.read(payload(content))
    assert caught.value.failure is failure


def test_history_is_asked_for_in_pieces_of_a_thousand_days_with_the_key_in_its_header(tmp_path: Path) -> None:
    start = datetime(2023, 1, 1)
    figures = [("aggregate", start + i * DAY, None, 3e10 + i) for i in range(1100)]
    market = folder(tmp_path / "market", {"open_interest": figures})
    clock = start + 1050 * DAY + timedelta(minutes=20)
    with (
        running(market, routes=stand_in.ROUTES) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url, clock=clock.replace(tzinfo=UTC)) as session,
    ):
        rows = rows_of(INTEREST, session, Window.of_dates(start.date(), clock.date()))
    assert len(server.requests) == 2
    assert [request.headers["cg-api-key"] for request in server.requests] == ["a-key"] * 2
    assert {request.params["unit"] for request in server.requests} == {"usd"}
    assert rows["open_time"].to_list() == [start + i * DAY for i in range(1050)]
    assert rows["close_usd"][-1] == 3e10 + 1049


def test_liquidations_name_their_exchanges_and_stop_before_the_running_day(tmp_path: Path) -> None:
    hours = [("aggregate", T0 + i * HOUR, 1e6, 5e5 + i) for i in range(60)]
    market = folder(tmp_path / "market", {"liquidations_1h": hours})
    with (
        running(market, routes=stand_in.ROUTES) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url, clock=(T0 + 50 * HOUR).replace(tzinfo=UTC)) as session,
    ):
        window = Window.of_dates(T0.date(), (T0 + 2 * DAY).date())
        pages = list(LIQUIDATION.fetch(session, window))
        rows = rows_of(LIQUIDATION, session, window)
    assert str(MS0 + 2 * DAY_MS).encode() in pages[0].body  # the running day was sent
    assert server.requests[0].params["exchange_list"] == EXCHANGES
    assert rows["open_time"].to_list() == [T0, T0 + DAY]
    assert rows["long_liquidation_usd"].to_list() == [24e6, 24e6]


def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"open_interest": [("aggregate", T0, None, 3e10)]})
    with running(market, routes=stand_in.ROUTES) as server, Session(PROVIDER, upstream=server.base_url) as session:
        with pytest.raises(SourceError, match="LEADLINE_KEY_COINGLASS") as caught:
            list(INTEREST.fetch(session, Window.of_dates(T0.date(), T0.date())))
        assert server.requests == []
    assert caught.value.failure is Failure.NEEDS_KEY


def test_funding_is_percent_per_eight_hours_and_a_rate_of_ten_percent_is_refused(samples: Path) -> None:
    funding = BY_NAME["funding_rate"]
    rows = funding.read(payload((samples / "coinglass/funding_rate.json").read_bytes())).rows
    assert rows.row(0) == ("BTC", datetime(2026, 1, 5), 0.0049, 0.0102, -0.0031, 0.0051)
    parsed = funding.read(payload(answer([bar() | dict.fromkeys(("open", "high", "low", "close"), "49")])))
    assert parsed.rows.is_empty()
    assert parsed.rejects[0].reason.startswith("open_pct_8h")


def test_the_recorded_flows_are_read_to_the_row(real: Path) -> None:
    recorded = (real / "fixtures/coinglass/etf_bitcoin_flow_history.json").read_bytes()
    parsed = ETF_FLOW.read(payload(recorded))
    assert parsed.rejects == ()
    assert parsed.rows.schema == ETF_FLOW.schema
    assert parsed.rows.height == 30  # totals only: the recording was trimmed of its funds
    assert parsed.rows.row(0) == (date(2026, 5, 20), "TOTAL", -70_500_000.0)
    assert parsed.rows["trade_date"][-1] == date(2026, 7, 2)


def test_the_recorded_flows_are_a_copy_of_farsides(real: Path) -> None:
    recorded = (real / "fixtures/coinglass/etf_bitcoin_flow_history.json").read_bytes()
    with (real / "fixtures/farside/history_daily_2026-08-22.csv").open() as history:
        totals = {line["date"]: float(line["Total"]) for line in csv.DictReader(history)}
    for day, _, usd in ETF_FLOW.read(payload(recorded)).rows.iter_rows():
        assert usd == pytest.approx(totals[str(day)] * 1e6, abs=1)


def test_the_documented_sample_with_its_funds_is_read_to_the_row(real: Path) -> None:
    sent = (real / "fixtures/coinglass/etf_bitcoin_flow_history_doc_sample.json").read_bytes()
    day = date(2024, 1, 11)
    assert ETF_FLOW.read(payload(sent)).rows.rows() == [
        (day, "GBTC", -95_100_000.0),
        (day, "IBIT", 111_700_000.0),
        (day, "FBTC", 227_000_000.0),
        (day, "TOTAL", 655_300_000.0),
    ]


def test_a_fund_without_a_figure_is_null_and_not_zero(samples: Path) -> None:
    rows = ETF_FLOW.read(payload((samples / "coinglass/etf_flow.json").read_bytes())).rows.rows()
    assert (date(2025, 3, 4), "IBIT", None) in rows
    assert (date(2025, 3, 4), "BTC", 0.0) in rows


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"timestamp": 1704931200}, "trade_date"),  # in seconds
        ({"timestamp": 1704931200000 + 3_600_000}, "trade_date"),  # of another grid
        ({"flow_usd": "(95.1)"}, "flow_usd"),
        ({"flow_usd": 6.5e14}, "flow_usd: 650000000000000.0 is above 1e+11"),
    ],
)
def test_a_date_of_flows_that_cannot_be_believed_is_refused(changed: dict[str, object], reason: str) -> None:
    good = {"timestamp": 1704931200000, "flow_usd": 1.0}
    parsed = ETF_FLOW.read(payload(answer([good, good | {"timestamp": 1705017600000} | changed])))
    assert parsed.rows.rows() == [(date(2024, 1, 11), "TOTAL", 1.0)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


def test_flows_that_lost_their_figures_are_a_changed_layout() -> None:
    date_of = {"timestamp": 1704931200000, "flow_usd": 1.0, "etf_flows": [{"etf_ticker": "IBIT", "net_usd": 1.0}]}
    with pytest.raises(SourceError, match="missing flow_usd") as caught:
        ETF_FLOW.read(payload(answer([date_of])))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_options_of_another_endpoint_are_no_flows(real: Path) -> None:
    recorded = (real / "fixtures/coinglass/option_exchange_oi_history_BTC_USD_all_data.json").read_bytes()
    with pytest.raises(SourceError) as caught:
        ETF_FLOW.read(payload(recorded))
    assert caught.value.failure is Failure.CHANGED_LAYOUT
