"""SoSoValue: the day's row told from the week's and the month's, early rows left out, quotas told from short limits."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox import sosovalue as stand_in
from sandbox.server import running
from sources.core.dataset import Window
from sources.core.errors import RETRYABLE, Failure, SourceError
from sources.core.http import Session
from sources.sosovalue import DATASETS, PROVIDER, check
from tests.unit.sources.scripted import answer, scripted
from tests.unit.venue_market import folder, payload, rows_of

(FLOW,) = DATASETS
FETCHED_AT = datetime(2026, 5, 9, 10, 30, tzinfo=UTC)


def row(day: object = "2026-05-07", **changed: object) -> dict[str, object]:
    figures = {"total_net_inflow": -1.5e8, "total_value_traded": 2e9, "total_net_assets": 1e11, "cum_net_inflow": 6e10}
    return {"date": day} | figures | changed


def sent(*rows: object, **changed: object) -> dict[str, object]:
    return {"code": 0, "message": "success", "data": list(rows)} | changed


def test_the_recorded_answer_gives_one_row_a_trading_date(real: Path) -> None:
    recorded = (real / "fixtures/sosovalue/etfs_summary-history_btc.json").read_bytes()
    parsed = FLOW.read(payload(recorded, fetched_at=FETCHED_AT))
    assert parsed.rejects == ()
    assert parsed.rows.schema == FLOW.schema
    assert parsed.rows.height == 21  # of 28 rows: six dates are there twice or three times
    assert parsed.rows["trade_date"].is_unique().all()
    assert (parsed.rows["trade_date"][0], parsed.rows["trade_date"][-1]) == (date(2026, 5, 8), date(2026, 4, 10))
    assert parsed.rows.row(0) == (
        date(2026, 5, 8), -145651012.3, 1453038438.54, 106610918466.79996, 59340306704.693,
    )  # fmt: skip
    daily = dict(parsed.rows.select("trade_date", "net_inflow_usd").iter_rows())
    assert daily[date(2026, 4, 30)] == pytest.approx(14.8e6, abs=0.05e6)  # and not April's 1965.8 m
    assert daily[date(2026, 4, 10)] == pytest.approx(240.4e6, abs=0.05e6)  # and not the week's 786.3 m


def test_the_recorded_flows_agree_with_farside_on_most_dates_and_not_on_all(real: Path) -> None:
    recorded = (real / "fixtures/sosovalue/etfs_summary-history_btc.json").read_bytes()
    ours = dict(FLOW.read(payload(recorded)).rows.select("trade_date", "net_inflow_usd").iter_rows())
    with (real / "fixtures/farside/history_daily_2026-08-22.csv").open() as history:
        totals = {date.fromisoformat(line["date"]): float(line["Total"]) * 1e6 for line in csv.DictReader(history)}
    gaps = sorted(abs(flow - totals[day]) for day, flow in ours.items())
    assert len([gap for gap in gaps if gap < 0.2e6]) == 18
    assert [8e6 < gap < 17.5e6 for gap in gaps[18:]] == [True] * 3  # which is why the two are never one series


def test_the_recorded_monthly_quota_is_not_asked_again(real: Path) -> None:
    body = (real / "fixtures/sosovalue/error_429_monthly_quota.json").read_bytes()
    with (
        scripted(answer(body, "429 Too Many Requests")) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url) as session,
        pytest.raises(SourceError, match="Monthly quota exceeded") as caught,
    ):
        list(FLOW.fetch(session, Window.of_dates(date(2026, 5, 1), date(2026, 5, 8))))
    assert caught.value.failure is Failure.QUOTA
    assert Failure.QUOTA not in RETRYABLE
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (429, 402902, Failure.THROTTLED),  # the limit of a minute
        (401, 400101, Failure.BAD_KEY),
        (200, 400101, Failure.BAD_KEY),
        (200, "402901", Failure.QUOTA),
        (200, 500, Failure.REFUSED),
    ],
)
def test_an_error_is_told_by_its_code(status: int, code: object, failure: Failure) -> None:
    with pytest.raises(SourceError, match="as it says") as caught:
        check(payload({"code": code, "message": "as it says."}, status=status))
    assert caught.value.failure is failure


def test_our_sample_is_read_to_the_row(samples: Path) -> None:
    parsed = FLOW.read(payload((samples / "sosovalue/etf_flow.json").read_bytes()))
    assert parsed.rows.rows() == [
        (date(2025, 3, 7), -150500000.25, 2500000000.5, 95000000000.0, 36000000000.25),
        (date(2025, 3, 6), 0.0, 2400000000.0, 95500000000.0, 36150500000.5),
        (date(2025, 3, 5), 21500000.0, 2600000000.0, 96000000000.0, 36150500000.5),
    ]


@pytest.mark.parametrize("larger", [{"total_value_traded": 3e9}, {"total_value_traded": None}])
def test_a_date_whose_daily_row_cannot_be_told_is_refused(larger: dict[str, object]) -> None:
    parsed = FLOW.read(payload(sent(row("2026-05-08"), row("2026-05-07", **larger), row("2026-05-07"))))
    assert parsed.rows["trade_date"].to_list() == [date(2026, 5, 8)]
    assert ["no telling" in reject.reason for reject in parsed.rejects] == [True]


def test_a_date_is_left_out_until_the_funds_have_reported() -> None:
    rows = sent(row("2026-05-08"), row("2026-05-07"))
    early, later = (datetime(2026, 5, 9, hour, 30, tzinfo=UTC) for hour in (9, 10))
    assert FLOW.read(payload(rows, fetched_at=early)).rows["trade_date"].to_list() == [date(2026, 5, 7)]
    assert FLOW.read(payload(rows, fetched_at=later)).rows.height == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(total_net_assets=106_610.9), "net_assets_usd: 106610.9 is below 1e+09"),  # in millions
        (row(total_value_traded=1_453.0), "value_traded_usd: 1453.0 is below 1e+07"),
        (row(total_net_inflow=None), "net_inflow_usd: no value"),
        (row(total_net_inflow="(1.5)"), "net_inflow_usd"),
        (row("07 May 2026"), "trade_date"),
        (row("2026-06-30"), "future"),
        ("row", "trade_date: no value"),
    ],
)
def test_a_row_that_cannot_be_believed_is_refused_and_the_others_load(bad: object, reason: str) -> None:
    parsed = FLOW.read(payload(sent(row("2026-05-08"), bad), fetched_at=FETCHED_AT))
    assert parsed.rows["trade_date"].to_list() == [date(2026, 5, 8)]
    assert [reason in reject.reason for reject in parsed.rejects] == [True]


def test_an_empty_answer_has_no_rows_and_the_declared_columns() -> None:
    parsed = FLOW.read(payload(sent()))
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == FLOW.schema


def test_what_is_asked_for_reaches_back_to_the_window_with_the_key_in_its_header(tmp_path: Path) -> None:
    late = datetime(2026, 2, 6, 12)
    flows = [
        (date(2026, 2, 3), "IBIT", 100.5, None), (date(2026, 2, 3), "GBTC", -20.0, None),
        (date(2026, 2, 4), "IBIT", -544.9, None),
        (date(2026, 2, 5), "IBIT", -400.0, datetime(2026, 2, 6, 4)), (date(2026, 2, 5), "GBTC", -34.1, late),
    ]  # fmt: skip
    market = folder(tmp_path / "market", {"etf_flow": flows})
    clock = datetime(2026, 2, 6, 10, 30, tzinfo=UTC)  # one fund of the 5th is still missing
    with (
        running(market, routes=stand_in.ROUTES) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url, clock=clock) as session,
    ):
        rows = rows_of(FLOW, session, Window(clock.replace(day=1), clock))
    assert server.requests[0].headers["x-soso-api-key"] == "a-key"
    assert server.requests[0].params == {"symbol": "BTC", "country_code": "US", "limit": "12"}
    assert rows.rows() == [
        (date(2026, 2, 4), -544.9e6, None, None, -464.4e6),
        (date(2026, 2, 3), 80.5e6, None, None, 80.5e6),
    ]


def test_without_a_key_the_stand_in_refuses(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", {"etf_flow": [(date(2026, 2, 3), "IBIT", 1.0, None)]})
    with running(market, routes=stand_in.ROUTES) as server, Session(PROVIDER, upstream=server.base_url) as session:
        with pytest.raises(SourceError, match="LEADLINE_KEY_SOSOVALUE"):
            list(FLOW.fetch(session, Window.of_dates(date(2026, 2, 3), date(2026, 2, 3))))
        assert server.requests == []


def test_the_stand_in_repeats_the_recorded_daily_figures(real: Path, tmp_path: Path) -> None:
    recorded = (real / "fixtures/sosovalue/etfs_summary-history_btc.json").read_bytes()
    rows = FLOW.read(payload(recorded)).rows
    flows = [(day, "IBIT", usd / 1e6, None) for day, usd in rows.select("trade_date", "net_inflow_usd").iter_rows()]
    market = folder(tmp_path / "market", {"etf_flow": flows})
    with (
        running(market, routes=stand_in.ROUTES) as server,
        Session(PROVIDER, key="a-key", upstream=server.base_url, clock=FETCHED_AT) as session,
    ):
        (page,) = FLOW.fetch(session, Window.of_dates(date(2026, 4, 10), date(2026, 5, 8)))
    assert json.loads(page.body).keys() >= json.loads(recorded).keys()
    again = FLOW.read(page).rows
    assert again["trade_date"].equals(rows["trade_date"])
    assert again["net_inflow_usd"].to_list() == pytest.approx(rows["net_inflow_usd"].to_list(), abs=0.5)
