"""CFTC: contracts by code and never by name, weights of both contracts, and nothing known before its Friday."""

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sandbox.provider_request import ProviderRequest, json_answer
from sources.cftc import DATASETS, PUBLICATION_LAG, check
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from tests.unit.venue_market import DAY, asking, folder, payload, rows_of

[POSITION] = DATASETS
ROW = {
    "report_date_as_yyyy_mm_dd": "2026-01-06T00:00:00.000",
    "cftc_contract_market_code": "133741",
    "open_interest_all": "100",
    "lev_money_positions_long": "40",
    "lev_money_positions_short": "60",
    "lev_money_positions_spread": "5",
}


def test_recorded_reports_are_read_to_the_row(real: Path) -> None:
    body = (real / "fixtures" / "cftc" / "tff_futures_only_bitcoin_select.json").read_bytes()
    parsed = POSITION.read(payload(body))
    assert parsed.rejects == ()
    assert parsed.rows.height == len(json.loads(body))
    rows = parsed.rows.sort("report_date", "contract_code")
    first = rows.row(0, named=True)
    assert (first["report_date"], first["contract_code"]) == (date(2018, 4, 10), "133741")
    assert (first["open_interest_contracts"], first["open_interest_btc"]) == (1702.0, 8510.0)
    assert (first["lev_money_positions_long"], first["lev_money_positions_short"]) == (902.0, 1108.0)
    last = rows.row(-1, named=True)
    assert (last["report_date"], last["contract_code"]) == (date(2024, 12, 31), "133742")
    assert (last["open_interest_contracts"], last["lev_money_positions_short"]) == (18387.0, 10001.0)
    assert last["open_interest_btc"] == pytest.approx(1838.7)
    assert last["dealer_positions_long"] is None  # not selected by who recorded it


@pytest.mark.parametrize("code", ["133LM5", "1330E1", "133LM1", 133741, []])
def test_another_contract_is_refused_whatever_it_is_called(code: object) -> None:
    row = {**ROW, "cftc_contract_market_code": code, "contract_market_name": "BITCOIN"}
    with pytest.raises(SourceError, match="was expected") as caught:
        POSITION.read(payload([row]))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_positions_of_a_tuesday_are_not_known_before_friday_afternoon_in_new_york() -> None:
    for tuesday in (date(2026, 1, 6), date(2026, 7, 7)):  # winter and summer
        known = datetime.combine(tuesday, time(), ZoneInfo("UTC")) + POSITION.period + POSITION.publication_lag
        friday = datetime.combine(tuesday + 3 * DAY, time(15, 30), ZoneInfo("America/New_York"))
        assert timedelta(0) <= known - friday <= timedelta(hours=1)
    assert POSITION.publication_lag == PUBLICATION_LAG


def test_an_error_in_place_of_a_list_is_refused() -> None:
    error = {"message": "Query coordinator error", "errorCode": "query.soql.no-such-column", "error": True}
    for attempt, status in ((check, 400), (POSITION.read, 200)):
        with pytest.raises(SourceError, match="Query coordinator") as caught:
            attempt(payload(error, status=status))
        assert caught.value.failure is Failure.REFUSED


def test_a_block_page_is_no_data(real: Path) -> None:
    page = (real / "fixtures" / "errors" / "cloudfront_http_403_country_block.html").read_bytes()
    with pytest.raises(SourceError) as caught:
        POSITION.read(payload(page))
    assert caught.value.failure is Failure.BLOCKED


def test_pages_are_followed_and_both_contracts_asked_for_by_code(tmp_path: Path) -> None:
    tuesdays = [date(2018, 4, 10) + i * timedelta(weeks=1) for i in range(1200)]
    told = [{**ROW, "report_date_as_yyyy_mm_dd": f"{day}T00:00:00.000"} for day in tuesdays]

    def answer(question: ProviderRequest) -> object:
        start = int(question.params["$offset"])
        return json_answer(told[start : start + int(question.params["$limit"])])

    routes = {"GET publicreporting.cftc.gov/resource/gpe5-46if.json": answer}
    market = folder(tmp_path / "market", {"open_interest": [("x", datetime(2026, 1, 1), 1.0, None)]})
    with asking(POSITION, market, datetime(2042, 1, 1), routes) as (session, server):
        rows = rows_of(POSITION, session, Window.of_dates(date(2018, 4, 1), date(2041, 1, 1)))
    assert rows["report_date"].to_list() == tuesdays
    assert [request.params["$offset"] for request in server.requests] == ["0", "1000", "1200", "1200"]
    where = server.requests[0].params["$where"]
    assert "in ('133741', '133742')" in where
    assert "between '2018-03-25' and '2041-01-02'" in where
