"""US Treasury yields: a recorded month, both ways to write dates and tenors, and the stand-in over HTTP."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox.server import running
from sandbox.treasury import ROUTES
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.treasury import PROVIDER, fetch_par_yield, fetch_real_yield, read_yield
from tests.unit.market_folder import macro_rows, write_table


def payload(body: bytes | str) -> Payload:
    content = body.encode() if isinstance(body, str) else body
    return Payload("https://home.treasury.gov/rates.csv", {}, 200, {}, content, datetime(2026, 7, 4, tzinfo=UTC))


def test_recorded_month(real: Path) -> None:
    recorded = real / "fixtures" / "treasury" / "daily-treasury-rates_2022-10.csv"
    parsed = read_yield(payload(recorded.read_bytes()))
    assert parsed.rejects == ()
    assert len(parsed.rows) == 14 * 13
    yields = {(day, tenor): rate for day, tenor, rate in parsed.rows.iter_rows()}
    assert yields[date(2022, 10, 21), "1m"] == 3.55
    assert yields[date(2022, 10, 21), "2y"] == 4.49
    assert yields[date(2022, 10, 3), "10y"] == 3.67
    assert yields[date(2022, 10, 19), "4m"] == 4.32  # the tenor's first day
    assert yields[date(2022, 10, 18), "4m"] is None


def test_spellings_of_tenors_and_dates() -> None:
    body = 'Date,"1 Mo","1.5 Month",10 Yr,"30 YR",Remark\r\n01/06/26,4.01,,4.2,N/A,x\r\n'
    rows = read_yield(payload(body)).rows
    assert rows.rows() == [
        (date(2026, 1, 6), "1m", 4.01),
        (date(2026, 1, 6), "1.5m", None),
        (date(2026, 1, 6), "10y", 4.2),
        (date(2026, 1, 6), "30y", None),
    ]


def test_both_samples_have_the_ten_year(samples: Path) -> None:
    par = read_yield(payload((samples / "treasury" / "par_yield.csv").read_bytes())).rows
    real_curve = read_yield(payload((samples / "treasury" / "real_yield.csv").read_bytes())).rows
    assert par.filter(tenor="10y")["yield_pct"].to_list() == [4.20, 4.21]
    assert real_curve.filter(tenor="10y")["yield_pct"].to_list() == [1.93, 1.92]


def test_odd_lines_are_refused_alone() -> None:
    body = 'Date,"10 Yr"\n01/06/2026,4.2\n05.01.2026,4.1\n01/02/2026,high\n01/01/2026\nDate,"10 Yr"\n'
    parsed = read_yield(payload(body))
    assert parsed.rows.rows() == [(date(2026, 1, 6), "10y", 4.2)]
    assert len(parsed.rejects) == 4


def test_year_without_a_day_yet_is_no_rows() -> None:
    assert read_yield(payload('Date,"2 Yr","10 Yr"\n')).rows.is_empty()


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("", Failure.NOT_DATA),
        ('Date,"10 Yr"\n01/06/2026,"4.2\n', Failure.NOT_DATA),
        ("<html>maintenance</html>", Failure.BLOCKED),
        ('Day,"10 Yr"\n01/06/2026,4.2\n', Failure.CHANGED_LAYOUT),
        ('Date,"Ten years"\n01/06/2026,4.2\n', Failure.CHANGED_LAYOUT),
    ],
)
def test_body_that_is_no_file_of_rates_raises(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        read_yield(payload(body))
    assert caught.value.failure is failure


def test_one_file_a_year_and_nothing_before_its_hour(tmp_path: Path) -> None:
    days = {date(2025, 12, 31): 4.1, date(2026, 1, 5): 4.2, date(2026, 1, 6): 4.3}
    rows = [*macro_rows("ust10y", days), *macro_rows("ust2y", {date(2026, 1, 5): 3.5}), *macro_rows("real10y", days)]
    write_table(tmp_path, "macro_1d", rows)
    window = Window.of_dates(date(2025, 12, 30), date(2026, 1, 6))
    with running(tmp_path, routes=ROUTES) as stand_in:
        session = Session(PROVIDER, upstream=stand_in.base_url, clock=datetime(2026, 1, 6, 22, 29, tzinfo=UTC))
        par = [read_yield(page).rows for page in fetch_par_yield(session, window)]
        evening = session.at(datetime(2026, 1, 6, 22, 30, tzinfo=UTC))
        real_curve = [read_yield(page).rows for page in fetch_real_yield(evening, window)]
    assert [page.rows() for page in par] == [
        [(date(2025, 12, 31), "2y", None), (date(2025, 12, 31), "10y", 4.1)],
        [(date(2026, 1, 5), "2y", 3.5), (date(2026, 1, 5), "10y", 4.2)],
    ]
    assert real_curve[1].rows() == [(date(2026, 1, 6), "10y", 4.3), (date(2026, 1, 5), "10y", 4.2)]
    asked = stand_in.requests[1]
    assert asked.path.endswith("/daily-treasury-rates.csv/2026/all")
    assert asked.params == {
        "type": "daily_treasury_yield_curve",
        "field_tdr_date_value": "2026",
        "page": "",
        "_format": "csv",
    }
