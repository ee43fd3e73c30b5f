"""Where macro figures come from when the first choice refuses: FRED's API, Treasury's feed, Twelve Data, Stooq."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sandbox import fred_api as fred_api_stand_in
from sandbox import stooq as stooq_stand_in
from sandbox import twelvedata as twelvedata_stand_in
from sandbox.server import RunningServer, running
from sources import fred, fred_api, stooq, treasury, twelvedata
from sources.core.dataset import Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from tests.unit.market_folder import macro_rows, write_table
from tests.unit.sources.scripted import answer, scripted

CLOCK = datetime(2026, 2, 7, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 1, tzinfo=UTC)  # after every recording
WINDOW = Window.of_dates(date(2026, 1, 1), date(2026, 2, 6))
KEY = "canary-7d1f0c52a9"

FEED = """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
      xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
  <entry><content type="application/xml"><m:properties>
    <d:NEW_DATE m:type="Edm.DateTime">2026-01-05T00:00:00</d:NEW_DATE>
    <d:BC_1MONTH m:type="Edm.Double">3.70</d:BC_1MONTH>
    <d:BC_1_5MONTH m:type="Edm.Double">3.71</d:BC_1_5MONTH>
    <d:BC_2YEAR m:type="Edm.Double">3.47</d:BC_2YEAR>
    <d:BC_4MONTH m:type="Edm.Double" m:null="true" />
    <d:BC_10YEAR m:type="Edm.Double">4.17</d:BC_10YEAR>
    <d:BC_30YEARDISPLAY m:type="Edm.Double">0</d:BC_30YEARDISPLAY>
  </m:properties></content></entry>
</feed>"""


def payload(body: bytes | str, url: str = "https://example.org/x", **params: str) -> Payload:
    return Payload(url, params, 200, {}, body.encode() if isinstance(body, str) else body, LATER)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    rows = macro_rows("ust10y", {date(2026, 2, 4): 4.29, date(2026, 2, 5): 4.21, date(2026, 2, 6): 4.2})
    rows += macro_rows("gold", {date(2026, 2, 5): 4801.5, date(2026, 2, 6): 4988.25})
    folder = write_table(tmp_path_factory.mktemp("market"), "macro_1d", rows)
    routes = {**fred_api_stand_in.ROUTES, **twelvedata_stand_in.ROUTES, **stooq_stand_in.ROUTES}
    with running(folder, routes=routes) as stand_in:
        yield stand_in


def session(provider: Provider, upstream: RunningServer, key: str | None = KEY) -> Session:
    return Session(provider, key=key, upstream=upstream.base_url, clock=CLOCK)


# FRED's API


def test_the_recorded_answers_of_the_api_are_read_in_json_and_in_xml(real: Path) -> None:
    folder = real / "fixtures" / "fred"
    recorded = (folder / "series_observations_DFII10_desc.json").read_bytes()
    rows = fred_api.read_observation(payload(recorded, series_id="DFII10")).rows
    assert len(rows) == 25
    assert rows.row(0) == ("DFII10", date(2026, 7, 1), 2.25)
    # Juneteenth: the market was closed, and the API says so with a point.
    assert rows.filter(observation_date=date(2026, 6, 19))["value"].to_list() == [None]
    xml = fred_api.read_observation(payload((folder / "series_observations_SP500.xml").read_bytes(), series_id="SP500"))
    assert xml.rows["value"].to_list() == [2002.28, 2000.72, 1997.65, 2007.71]


def test_first_seen_times_bear_out_the_declared_lag(real: Path) -> None:
    # When a public collector first saw each figure: never later than the lag says.
    lines = (real / "fixtures" / "fred" / "first_seen_2026-08.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    [dataset] = fred_api.DATASETS
    seen = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    assert len(seen) > 60
    late = []
    for row in seen:
        observed = next(date.fromisoformat(value[:10]) for name, value in row.items() if "date" in name)
        first = next(value for name, value in row.items() if "seen" in name)
        known_at = datetime.combine(observed, datetime.min.time(), UTC) + dataset.period + dataset.publication_lag
        stamp = datetime.fromisoformat(first.replace("Z", "+00:00"))
        if (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)) > known_at:
            late.append(row)
    assert late == []


def test_the_api_and_the_graph_download_declare_the_same_columns() -> None:
    assert {name: column.dtype for name, column in fred_api.COLUMNS.items()} == {
        name: column.dtype for name, column in fred.COLUMNS.items()
    }


def test_the_key_is_sent_in_the_address_and_stands_nowhere_else(upstream: RunningServer) -> None:
    received: list[Payload] = []
    with Session(fred_api.PROVIDER, key=KEY, upstream=upstream.base_url, clock=CLOCK, receive=received.append) as asked:
        pages = list(fred_api.fetch_observation(asked, WINDOW))
    assert upstream.requests[-1].params["api_key"] == KEY
    assert all(KEY not in f"{page.url} {page.params} {page.headers}" for page in [*pages, *received])
    rows = [row for page in pages for row in fred_api.read_observation(page).rows.iter_rows()]
    # The figure of Friday the 6th comes on Monday evening.
    assert rows == [("DGS10", date(2026, 2, 4), 4.29), ("DGS10", date(2026, 2, 5), 4.21)][: len(rows)]
    assert rows


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        ("Bad Request.  The value for variable api_key is not registered.", Failure.BAD_KEY),
        ("Bad Request.  The series does not exist.", Failure.REFUSED),
    ],
)
def test_a_wrong_key_and_a_wrong_series_are_told_apart(message: str, failure: Failure) -> None:
    body = answer(f'{{"error_code":400,"error_message":"{message}"}}'.encode(), status="400 Bad Request")
    with scripted(body) as server, Session(fred_api.PROVIDER, key=KEY, upstream=server.base_url) as asked:
        with pytest.raises(SourceError) as caught:
            asked.get(fred_api.URL, {"series_id": "DGS10"})
        assert f"api_key={KEY}" in server.received[0]
    assert caught.value.failure is failure
    assert KEY not in str(caught.value)


def test_without_a_key_the_api_is_not_asked(upstream: RunningServer) -> None:
    before = len(upstream.requests)
    with session(fred_api.PROVIDER, upstream, key=None) as asked, pytest.raises(SourceError) as caught:
        list(fred_api.fetch_observation(asked, WINDOW))
    assert caught.value.failure is Failure.NEEDS_KEY
    assert len(upstream.requests) == before


# Treasury's feed


def test_the_feed_stands_in_for_a_file_that_has_moved() -> None:
    gone = answer(b"Not Found", status="404 Not Found", Content_Type="text/plain")
    feed = answer(FEED.encode(), Content_Type="application/xml")
    with scripted(gone, feed) as server, Session(treasury.PROVIDER, upstream=server.base_url) as asked:
        [page] = treasury.fetch_par_yield(asked, Window.of_dates(date(2026, 1, 5), date(2026, 1, 5)))
        assert "pages/xml?data=daily_treasury_yield_curve&field_tdr_date_value=2026" in server.received[1]
    assert dict(treasury.read_yield(page).rows.select("tenor", "yield_pct").rows()) == {
        "1m": 3.7,
        "1.5m": 3.71,
        "2y": 3.47,
        "4m": None,
        "10y": 4.17,
    }


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ('<!DOCTYPE feed [<!ENTITY a "aaaa">]><feed>&a;</feed>', Failure.NOT_DATA),
        ('<?xml version="1.0"?><!DOCTYPE feed SYSTEM "file:///etc/passwd"><feed/>', Failure.NOT_DATA),
        (FEED[:-40], Failure.NOT_DATA),
        ("<feed/>", Failure.CHANGED_LAYOUT),
        (FEED.replace("BC_10YEAR", "BC_TENYEAR"), Failure.CHANGED_LAYOUT),
        (FEED.replace("NEW_DATE", "OTHER"), Failure.CHANGED_LAYOUT),
    ],
    ids=["entities", "external", "cut short", "no entry", "no ten years", "no date"],
)
def test_a_feed_that_is_none_is_refused(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        treasury.read_yield(payload(body))
    assert caught.value.failure is failure


# Twelve Data


def test_bars_come_as_text_newest_first_and_the_key_in_its_header(upstream: RunningServer) -> None:
    with session(twelvedata.PROVIDER, upstream) as asked:
        pages = list(twelvedata.fetch_daily_bar(asked, WINDOW))
    assert upstream.requests[-1].headers["authorization"] == f"apikey {KEY}"
    assert all(KEY not in f"{page.url} {page.params}" for page in pages)
    rows = [row for page in pages for row in twelvedata.read_daily_bar(page).rows.select("symbol", "close").rows()]
    assert rows == [("XAU/USD", 4988.25), ("XAU/USD", 4801.5)]


@pytest.mark.parametrize(
    ("code", "failure"), [(401, Failure.BAD_KEY), (404, Failure.NO_DATA), (429, Failure.QUOTA), (500, Failure.OUTAGE)]
)
def test_an_error_with_status_200_is_an_error(code: int, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        twelvedata.read_daily_bar(payload(f'{{"code":{code},"message":"no","status":"error"}}'))
    assert caught.value.failure is failure


# Stooq


def test_a_recorded_file_saved_by_hand_is_read(real: Path) -> None:
    body = (real / "fixtures" / "stooq" / "xauusd_d_2018_2021.csv").read_bytes()
    parsed = stooq.read_daily_bar(payload(body, "https://stooq.com#saved-by-hand/xauusd_d_2018_2021.csv"))
    assert parsed.rejects == ()
    assert len(parsed.rows) == 931
    assert parsed.rows.row(0) == ("xauusd", date(2018, 1, 2), 1303.38, 1318.99, 1302.48, 1317.63)
    assert parsed.rows.row(-1)[1:] == (date(2021, 8, 10), 1730.26, 1738.39, 1717.87, 1729.15)


def test_a_file_of_another_instrument_is_refused(real: Path) -> None:
    body = (real / "fixtures" / "stooq" / "spy_us_d_2015_2026.csv").read_bytes()
    with pytest.raises(SourceError, match=r"xauusd_d\.csv") as caught:
        stooq.read_daily_bar(payload(body, "https://stooq.com#saved-by-hand/spy_us_d_2015_2026.csv"))
    assert caught.value.failure is Failure.CHANGED_LAYOUT


def test_the_proof_of_work_is_a_block_recorded_and_played(real: Path, upstream: RunningServer) -> None:
    page = (real / "fixtures" / "stooq" / "blocked_interstitial_http200.html").read_bytes()
    with pytest.raises(SourceError) as caught:
        stooq.read_daily_bar(payload(page, s="xauusd"))
    assert caught.value.failure is Failure.BLOCKED
    with session(stooq.PROVIDER, upstream, key=None) as asked, pytest.raises(SourceError) as caught:
        list(stooq.fetch_daily_bar(asked, WINDOW))
    assert caught.value.failure is Failure.BLOCKED


@pytest.mark.parametrize(
    ("body", "failure"), [("No data", Failure.NO_DATA), ("Exceeded the daily hits limit", Failure.QUOTA)]
)
def test_failures_that_stooq_sends_as_text_are_told_apart(body: str, failure: Failure) -> None:
    with pytest.raises(SourceError) as caught:
        stooq.read_daily_bar(payload(body, s="xauusd"))
    assert caught.value.failure is failure
