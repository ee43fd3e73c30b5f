"""Farside: both pages read by header text, dashes apart from zeros, cut and changed pages told from good ones."""

import csv
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from sandbox import farside as stand_in
from sources.core.dataset import Window
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed
from sources.farside import DATASETS, FUNDS, TOTAL
from tests.unit.venue_market import asking, folder, payload

(FLOW,) = DATASETS
FETCHED_AT = datetime(2026, 7, 22, 4, 40, tzinfo=UTC)
# What the hand-written page shows, in its order.
SHOWN = ["IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "GBTC", "BTC"]


def read(page: str | bytes, fetched_at: datetime = FETCHED_AT) -> Parsed:
    return FLOW.read(payload(page if isinstance(page, bytes) else page.encode(), fetched_at=fetched_at))


def flows(parsed: Parsed, day: date) -> dict[str, float | None]:
    rows = parsed.rows.filter(pl.col("trade_date") == day)
    return dict(zip(rows["fund"], rows["flow_usd"], strict=True))


def failure_of(page: str | bytes) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(page)
    return caught.value


@pytest.fixture
def sample(samples: Path) -> str:
    return (samples / "farside" / "etf_flow.html").read_text()


def test_the_recorded_page_that_ends_inside_its_last_footer_is_read_whole(real: Path) -> None:
    parsed = read((real / "fixtures/farside/btc_page_2026-07-04.html").read_bytes())
    assert parsed.rejects == ()
    assert parsed.rows.schema == FLOW.schema
    assert parsed.rows.height == 13 * 13
    assert parsed.rows["trade_date"].min() == date(2026, 6, 15)
    assert parsed.rows["trade_date"].max() == date(2026, 7, 2)
    assert not parsed.rows["is_highlighted"].any()
    last = flows(parsed, date(2026, 7, 2))
    assert list(last) == [*list(FUNDS)[:9], "MSBT", "GBTC", "BTC", TOTAL]
    assert (last["IBIT"], last["FBTC"], last["EZBC"], last[TOTAL]) == (-40.4e6, 166e6, 0.0, 223.5e6)


def test_the_recorded_partial_day_has_no_figure_for_the_largest_fund(real: Path) -> None:
    parsed = read((real / "fixtures/farside/btc_table_2026-07-21_partial_day.html").read_bytes())
    assert parsed.rejects == ()
    assert parsed.rows.height == 12 * 13
    partial = flows(parsed, date(2026, 7, 21))
    assert partial["IBIT"] is None
    assert (partial["FBTC"], partial["BITB"], partial["BTC"], partial[TOTAL]) == (23.1e6, 0.0, 6.5e6, 39.3e6)
    highlighted = parsed.rows.filter("is_highlighted")["trade_date"].unique().to_list()
    assert highlighted == [date(2026, 7, 21)]
    assert flows(parsed, date(2026, 7, 6))["GBTC"] == -44.5e6


@pytest.mark.parametrize("name", ["btc_page_2026-07-04.html", "btc_table_2026-07-21_partial_day.html"])
def test_recorded_rows_add_up_to_the_printed_total(real: Path, name: str) -> None:
    parsed = read((real / "fixtures/farside" / name).read_bytes())
    for day in parsed.rows["trade_date"].unique():
        row = flows(parsed, day)
        total = row.pop(TOTAL)
        assert sum(flow or 0.0 for flow in row.values()) == pytest.approx(total, abs=0.1e6)


def test_recorded_history_agrees_with_the_recorded_pages(real: Path) -> None:
    # Another project parsed the all-data page seven weeks later; settled rows never change. It flattened dashes to 0.
    history = (real / "fixtures/farside/history_daily_2026-08-22.csv").read_text()
    settled = [row for row in csv.DictReader(StringIO(history)) if "2026-06-15" <= row["date"] <= "2026-07-02"]
    assert len(settled) == 13
    parsed = read((real / "fixtures/farside/btc_page_2026-07-04.html").read_bytes())
    for row in settled:
        ours = flows(parsed, date.fromisoformat(row["date"]))
        theirs = {TOTAL if fund == "Total" else fund: figure for fund, figure in row.items() if fund != "date"}
        assert {fund: flow or 0.0 for fund, flow in ours.items()} == {
            fund: pytest.approx(float(figure) * 1e6) for fund, figure in theirs.items()
        }


def test_every_settled_row_of_the_recorded_history_holds_the_sum(real: Path) -> None:
    # The rule for a complete date allows 0.15 m: funds are printed to 0.1 m, and so is their total.
    history = (real / "fixtures/farside/history_daily_2026-08-22.csv").read_text()
    rows = [row for row in csv.DictReader(StringIO(history)) if row["date"] >= "2024-01-11"]
    assert len(rows) == 671
    gaps = [abs(sum(float(row[fund]) for fund in FUNDS) - float(row["Total"])) for row in rows]
    assert max(gaps) < 0.15
    holidays = [row["date"] for row in rows if not any(float(row[fund]) for fund in FUNDS)]
    assert len(holidays) == 16  # rows of dashes, flattened to zeros by that project
    assert holidays[-1] == "2025-06-19"


def test_our_sample_is_read_to_the_row(sample: str) -> None:
    parsed = read(sample)
    assert parsed.rejects == ()
    assert parsed.rows.height == 3 * 12
    assert list(flows(parsed, date(2025, 3, 3)).items())[:4] == [
        ("IBIT", 1_101_200_000.0),
        ("FBTC", 10_500_000.0),
        ("BITB", 0.0),
        ("ARKB", -20_500_000.0),
    ]
    holiday = flows(parsed, date(2025, 3, 4))
    assert holiday.pop(TOTAL) == 0.0  # as printed: the sum of what has arrived
    assert set(holiday.values()) == {None}
    assert flows(parsed, date(2025, 3, 5))["FBTC"] == -1_234_500_000.0
    assert parsed.rows.filter("is_highlighted")["trade_date"].unique().to_list() == [date(2025, 3, 5)]


def test_both_pages_mean_the_same(sample: str, samples: Path) -> None:
    all_data = read((samples / "farside" / "etf_flow_all_data.html").read_bytes())
    assert all_data.rejects == ()
    assert all_data.rows.equals(read(sample).rows)


def test_columns_are_found_by_their_header_and_not_by_position(sample: str) -> None:
    swapped = sample.replace("&nbsp;&nbsp;IBIT", "&nbsp;&nbsp;?").replace("&nbsp;&nbsp;FBTC", "&nbsp;&nbsp;IBIT")
    parsed = read(swapped.replace("&nbsp;&nbsp;?", "&nbsp;&nbsp;FBTC"))
    row = flows(parsed, date(2025, 3, 3))
    assert (row["IBIT"], row["FBTC"]) == (10.5e6, 1101.2e6)


def test_an_unknown_ticker_is_a_new_fund_and_is_kept(sample: str) -> None:
    cell = '<td><div align="right"><span class="tabletext">2.5</span></div></td>'
    lines = []
    for line in sample.splitlines():
        is_tickers = "&nbsp;&nbsp;IBIT</span>" in line
        head, separator, rest = line.partition("<td><div" if "zero-flow" in line else '<th><div align="right">')
        if is_tickers:
            line = f'{head}<th><div align="right"><span>NEWF</span></div></th>{separator}{rest}'
        elif line.strip().startswith("<td") and line.count("</td>") == 12:
            line = f"\t\t{cell}{line.strip()}"
        elif line.count("</th>") == 12:
            line = line.replace("<th>", "<th></th><th>", 1)
        lines.append(line)
    row = flows(read("\n".join(lines)), date(2025, 3, 3))
    assert (row["NEWF"], row["IBIT"]) == (2.5e6, 1101.2e6)


def test_a_missing_fund_is_a_changed_layout_with_the_difference(sample: str) -> None:
    error = failure_of(sample.replace("&nbsp;&nbsp;HODL", "&nbsp;&nbsp;HOLD"))
    assert error.failure is Failure.CHANGED_LAYOUT
    assert "missing HODL" in error.what
    assert "new: HOLD" in error.what


def test_a_fund_is_expected_from_its_first_trading_date_on(sample: str) -> None:
    later = sample.replace("Mar 2025", "Apr 2026")
    assert "MSBT" not in flows(read(sample), date(2025, 3, 3))
    error = failure_of(later.replace("05 Apr 2026", "08 Apr 2026"))
    assert "missing MSBT" in error.what
    assert read(later).rejects == ()


@pytest.mark.parametrize(
    ("find", "replacement", "what"),
    [
        ('class="etf"', 'class="etf-new"', "no table of class 'etf'"),
        ("&nbsp;&nbsp;IBIT", "&nbsp;&nbsp;iShares", "no table of class 'etf' with a column IBIT"),
        ("&nbsp;&nbsp;Total", "&nbsp;&nbsp;Sum", "column Total"),
        ("&nbsp;&nbsp;HODL", "&nbsp;&nbsp;VanEck fund", "no tickers: 'VanEck fund'"),
        ("&nbsp;&nbsp;HODL", "&nbsp;&nbsp;IBIT", "two columns"),
        (" Mar 2025", "/03/2025", "without a trading date"),
    ],
)
def test_another_layout_is_refused_and_says_why(sample: str, find: str, replacement: str, what: str) -> None:
    error = failure_of(sample.replace(find, replacement))
    assert error.failure is Failure.CHANGED_LAYOUT
    assert what in error.what


@pytest.mark.parametrize("bad", ["n/a", "", "0,1", "1,23.4", "(12.3", "12.3-", "−5.0", "1e3", "*"])
def test_a_figure_that_cannot_be_read_is_refused_and_the_others_load(sample: str, bad: str) -> None:
    parsed = read(sample.replace(">1,101.2<", f">{bad}<", 1))
    assert parsed.rows.height == 3 * 12 - 1
    assert "IBIT" not in flows(parsed, date(2025, 3, 3))
    assert [repr(bad) in reject.reason for reject in parsed.rejects] == [True]


def test_a_row_with_other_cells_than_the_header_is_refused(sample: str) -> None:
    cell = '<td><div align="right"><span class="tabletext">10.5</span></div></td>'
    parsed = read(sample.replace(cell, "", 1))
    assert sorted(set(parsed.rows["trade_date"])) == [date(2025, 3, 4), date(2025, 3, 5)]
    assert "11 flows where the header has 12 funds" in parsed.rejects[0].reason


def test_a_page_that_ends_among_the_dates_loses_its_last_row(sample: str) -> None:
    whole_rows = sample[: sample.index("-1,218.3".removeprefix("-"))]  # the last figure of the last date is cut off
    parsed = read(whole_rows + "1,2")
    assert sorted(set(parsed.rows["trade_date"])) == [date(2025, 3, 3), date(2025, 3, 4)]
    assert "may be cut" in parsed.rejects[0].reason


def test_a_ghost_row_before_the_first_trading_date_is_refused(sample: str) -> None:
    parsed = read(sample.replace("03 Mar 2025", "01 Jan 2024"))
    assert parsed.rows.height == 2 * 12
    assert "before 2024-01-11" in parsed.rejects[0].reason


def test_a_row_without_a_date_is_refused(sample: str) -> None:
    parsed = read(sample.replace("03 Mar 2025", "3/3/2025"))
    assert parsed.rows.height == 2 * 12
    assert "3/3/2025 1,101.2" in parsed.rejects[0].text


def test_a_page_before_the_first_date_is_empty_but_no_other_layout(sample: str) -> None:
    table, footers = sample.index("<tbody>"), sample.index('<span class="tabletext">Total</span></td>')
    parsed = read(sample[:table] + "<tbody><tr><td>" + sample[footers:])
    assert parsed.rows.is_empty()
    assert parsed.rows.schema == FLOW.schema


def test_a_seed_row_above_the_dates_ends_nothing(sample: str) -> None:
    seed = "<tr><td>Seed</td>" + "<td>1.0</td>" * 12 + "</tr>"
    assert read(sample.replace("<tbody>", f"<tbody>{seed}")).rows.equals(read(sample).rows)


@pytest.mark.parametrize(
    ("page", "failure"),
    [
        ("<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>", Failure.BLOCKED),
        ("", Failure.NOT_DATA),
        ("<!-- nothing -->", Failure.NOT_DATA),
        (b"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", Failure.NOT_DATA),
        ("<html><body>We are updating the site.</body></html>", Failure.CHANGED_LAYOUT),
        ('{"data": []}', Failure.CHANGED_LAYOUT),
    ],
)
def test_what_is_no_page_of_flows_is_refused_as_a_whole(page: str | bytes, failure: Failure) -> None:
    assert failure_of(page).failure is failure


def test_a_scrap_of_script_in_a_cell_stays_text(sample: str) -> None:
    parsed = read(sample.replace(">1,101.2<", "><script>alert(1)</script><", 1))
    assert parsed.rows.height == 3 * 12 - 1


@pytest.fixture
def market(tmp_path: Path) -> Path:
    days = [date(2026, 1, day) for day in range(5, 31) if date(2026, 1, day).weekday() < 5]
    rows = [(day, fund, 1.5, None) for day in days for fund in ("IBIT", "GBTC")]
    late = datetime(2026, 2, 3, 4)
    return folder(tmp_path / "market", {"etf_flow": [*rows, (date(2026, 2, 2), "IBIT", -10.0, late)]})


@pytest.mark.parametrize(
    ("first", "paths", "rows"),
    [
        (date(2026, 1, 31), ["btc/"], 13),  # the recent page reaches farther back
        (date(2026, 1, 5), ["bitcoin-etf-flow-all-data/", "btc/"], 21 + 13),
    ],
)
def test_all_data_is_asked_for_only_beyond_the_recent_page(
    market: Path, first: date, paths: list[str], rows: int
) -> None:
    with asking(FLOW, market, datetime(2026, 2, 3, 4, 40), stand_in.ROUTES) as (session, server):
        pages = [FLOW.read(page) for page in FLOW.fetch(session, Window.of_dates(first, date(2026, 2, 3)))]
    assert [request.path for request in server.requests] == paths
    assert not any(page.rejects for page in pages)
    assert sum(page.rows.height for page in pages) == rows * 12
    newest = flows(pages[-1], date(2026, 2, 2))
    assert (newest["IBIT"], newest["GBTC"], newest[TOTAL]) == (-10e6, None, -10e6)
    assert pages[-1].rows.filter("is_highlighted")["trade_date"].unique().to_list() == [date(2026, 2, 2)]
