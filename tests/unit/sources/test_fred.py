"""FRED graph download: recorded files of both eras, odd ones, and the stand-in over HTTP."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from starlette.responses import Response

from sandbox.fred import ROUTES, fredgraph
from sandbox.provider_request import ProviderRequest, text_answer
from sandbox.server import running
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.fred import PROVIDER, SERIES, fetch_observation, read_observation
from tests.unit.market_folder import macro_rows, write_table

JANUARY = Window.of_dates(date(2026, 1, 1), date(2026, 1, 31))


def payload(body: bytes | str, **params: str) -> Payload:
    content = body.encode() if isinstance(body, str) else body
    return Payload("https://fred.stlouisfed.org/x.csv", params, 200, {}, content, datetime(2026, 7, 4, tzinfo=UTC))


def test_recorded_file_of_today(real: Path) -> None:
    recorded = real / "fixtures" / "fred" / "fredgraph_DTWEXBGS.csv"
    parsed = read_observation(payload(recorded.read_bytes(), id="DTWEXBGS"))
    assert parsed.rejects == ()
    assert len(parsed.rows) == 2941
    assert parsed.rows.row(0) == ("DTWEXBGS", date(2015, 1, 2), 102.9027)
    assert parsed.rows.row(-1) == ("DTWEXBGS", date(2026, 4, 10), 118.8552)
    assert parsed.rows["value"].null_count() == recorded.read_text().count(",\n") > 0


def test_recorded_file_of_the_old_era_one_series_at_a_time(real: Path) -> None:
    recorded = real / "fixtures" / "fred" / "fredgraph_old_header_VIXCLS_CPILFESL_GOLDAMGBD228NLBM.csv"
    columns = [line.split(",") for line in recorded.read_text().splitlines()]
    core_prices = "\n".join(f"{line[0]},{line[2]}" for line in columns if line[0] == "DATE" or line[0] >= "2009-02")
    parsed = read_observation(payload(core_prices, id="CPILFESL"))
    assert parsed.rejects == ()
    assert parsed.rows.row(-3) == ("CPILFESL", date(2021, 1, 1), 270.025)
    assert parsed.rows.row(-1) == ("CPILFESL", date(2021, 3, 1), None)  # written as a dot


def test_several_series_in_one_file_are_resampled_and_refused(real: Path) -> None:
    recorded = real / "fixtures" / "fred" / "fredgraph_old_header_VIXCLS_CPILFESL_GOLDAMGBD228NLBM.csv"
    with pytest.raises(SourceError, match="VIXCLS,CPILFESL") as caught:
        read_observation(payload(recorded.read_bytes()))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_file_saved_by_hand_names_its_own_series(samples: Path) -> None:
    rows = read_observation(payload((samples / "fred" / "observation.csv").read_bytes())).rows
    assert rows.rows() == [
        ("DGS10", date(2025, 12, 31), 4.18),
        ("DGS10", date(2026, 1, 1), None),
        ("DGS10", date(2026, 1, 2), 4.19),
    ]


def test_odd_lines_are_refused_alone() -> None:
    parsed = read_observation(payload("DATE,DGS2\n2026-01-05,3.5\n2026-01-06,n.a.\n01/07/2026,3.6\n2026-01-08\n"))
    assert parsed.rows.rows() == [("DGS2", date(2026, 1, 5), 3.5)]
    assert len(parsed.rejects) == 3


def test_no_dates_is_no_rows() -> None:
    assert read_observation(payload("observation_date,DGS2\n")).rows.is_empty()


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("", Failure.NOT_DATA),
        ("<!DOCTYPE html><html>no such series</html>", Failure.BLOCKED),
        ("observation_date,DGS10\n2026-01-05,3.5\n", Failure.CHANGED_LAYOUT),  # another series than asked
        ("when,DGS2\n2026-01-05,3.5\n", Failure.CHANGED_LAYOUT),
        ('observation_date,DGS2\n"2026-01-05,3.5\n', Failure.NOT_DATA),
    ],
)
def test_body_that_is_no_file_of_the_series_raises(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_observation(payload(body, id="DGS2"))
    assert caught.value.failure is failure


def test_value_is_out_on_the_evening_of_the_next_business_day(tmp_path: Path) -> None:
    closes = {date(2026, 1, 2): 4.0, date(2026, 1, 6): 4.1, date(2026, 1, 9): 4.2}  # Friday, Tuesday, Friday
    write_table(tmp_path, "macro_1d", [*macro_rows("ust10y", closes), *macro_rows("spx", {date(2026, 1, 2): 6900.5})])
    with running(tmp_path, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=datetime(2026, 1, 12, 22, 49, tzinfo=UTC))
        rows = {page.params["id"]: read_observation(page).rows for page in fetch_observation(session, JANUARY)}
        monday = session.at(datetime(2026, 1, 12, 22, 50, tzinfo=UTC))
        later = [read_observation(page).rows for page in fetch_observation(monday, JANUARY)]
    assert tuple(rows) == SERIES
    assert rows["DGS10"].select("observation_date", "value").rows() == [
        (date(2026, 1, 2), 4.0),
        (date(2026, 1, 5), None),
        (date(2026, 1, 6), 4.1),
    ]
    assert rows["SP500"].rows() == [("SP500", date(2026, 1, 2), 6900.5)]
    assert rows["DTWEXBGS"].is_empty()
    assert later[1].row(-1) == ("DGS10", date(2026, 1, 9), 4.2)
    assert stand_in.requests[0].params == {"id": "DGS2", "cosd": "2026-01-01", "coed": "2026-01-31"}


def test_series_that_is_gone_does_not_cost_the_others(tmp_path: Path) -> None:
    write_table(tmp_path, "macro_1d", macro_rows("ust10y", {date(2026, 1, 2): 4.0}))

    def without_the_dow(question: ProviderRequest) -> Response:
        gone = question.params["id"] == "DJIA"
        return text_answer("<html>gone</html>", media_type="text/html") if gone else fredgraph(question)

    pages = []
    with running(tmp_path, routes={next(iter(ROUTES)): without_the_dow}) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url)
        with pytest.raises(SourceError) as caught:
            pages.extend(fetch_observation(session, JANUARY))
    assert caught.value.failure is Failure.BLOCKED
    assert len(stand_in.requests) == len(SERIES)


def test_outage_is_reported_at_once(tmp_path: Path) -> None:
    write_table(tmp_path, "macro_1d", macro_rows("ust10y", {date(2026, 1, 2): 4.0}))
    with running(tmp_path, routes=ROUTES, faults="fred.stlouisfed.org=500") as stand_in:
        with pytest.raises(SourceError) as caught:
            list(fetch_observation(Session(PROVIDER, upstream=stand_in.base_url), JANUARY))
        assert {request.params["id"] for request in stand_in.requests} == {SERIES[0]}
    assert caught.value.failure is Failure.OUTAGE
