"""Farside as the stand-in plays it: recorded rows come out cell by cell, and a figure only once it was published."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from lxml import html

from sandbox.farside import all_data, recent
from sandbox.provider_request import RouteHandler
from sources.farside import DATASETS, TOTAL
from tests.unit.venue_market import folder, payload, question

(FLOW,) = DATASETS
D = date(2026, 2, 5)
MORNING = datetime(2026, 2, 6, 4, 40)
FUNDS = ("IBIT", "FBTC")


def flow_table(page: bytes) -> html.HtmlElement:
    (table,) = html.fromstring(page.decode()).xpath("//table[@class='etf']")
    return table


def cells(row: html.HtmlElement) -> list[tuple[str | None, str, bool]]:
    """Class, text and colour of each cell."""
    return [
        (cell.get("class"), " ".join(cell.text_content().split()), bool(cell.xpath(".//span[@class='redFont']")))
        for cell in row.iter("td", "th")
    ]


def shown(handler: RouteHandler, market: Path, clock: datetime) -> pl.DataFrame:
    parsed = FLOW.read(payload(bytes(handler(question(market, clock)).body), fetched_at=clock.replace(tzinfo=UTC)))
    assert parsed.rejects == ()
    return parsed.rows.filter(pl.col("fund").is_in([*FUNDS, TOTAL])).pivot(
        "fund", index=["trade_date", "is_highlighted"]
    )


def flows(*figures: tuple[date, str, float | None, datetime | None]) -> dict[str, list[tuple[object, ...]]]:
    return {"etf_flow": list(figures)}


@pytest.mark.parametrize("name", ["btc_page_2026-07-04.html", "btc_table_2026-07-21_partial_day.html"])
def test_a_recorded_page_comes_out_cell_by_cell(real: Path, tmp_path: Path, name: str) -> None:
    recording = (real / "fixtures/farside" / name).read_bytes()
    decoded = FLOW.read(payload(recording)).rows.filter(pl.col("fund") != TOTAL)
    newest = decoded["trade_date"].max()
    figures = decoded.select(
        date="trade_date", fund="fund", flow_usd_m=pl.col("flow_usd") / 1e6,
        published_at=pl.lit(datetime.combine(newest, time(13)), pl.Datetime("us")),
    )  # fmt: skip
    market = folder(tmp_path / "market", {"etf_flow": figures})
    encoded = flow_table(bytes(recent(question(market, datetime.combine(newest, time(14)))).body))
    recorded = flow_table(recording)
    theirs, ours = ({cells(row)[0][1]: row for row in table.iter("tr")} for table in (recorded, encoded))
    dates = decoded["trade_date"].unique().sort().dt.strftime("%d %b %Y").to_list()
    for label in dates:
        assert cells(ours[label]) == cells(theirs[label])
        assert ours[label].get("style") == theirs[label].get("style")
    assert [label for label in ours if label not in dates] == [label for label in theirs if label not in dates]
    heads = [[[text for _, text, _ in cells(row)] for row in table.xpath("thead/tr")] for table in (recorded, encoded)]
    assert [head[0][-1] for head in heads] == ["Total", "Total"]
    assert heads[0][1] == heads[1][1]
    again = FLOW.read(payload(bytes(recent(question(market, datetime.combine(newest, time(14)))).body))).rows
    assert again.equals(FLOW.read(payload(recording)).rows)


def test_a_figure_stands_on_the_page_from_its_publication_on(tmp_path: Path) -> None:
    days = [(D - timedelta(days=day), fund, 1.0, None) for day in (1, 2) for fund in FUNDS]
    late = (D, "IBIT", -434.1, datetime(2026, 2, 6, 11))
    market = folder(tmp_path / "market", flows(*days, (D, "FBTC", 10.0, datetime(2026, 2, 6, 4)), late))
    assert shown(recent, market, datetime(2026, 2, 5, 11, 59))["trade_date"].max() == D - timedelta(days=1)
    assert shown(recent, market, datetime(2026, 2, 5, 12)).row(-1) == (D, True, None, None, 0.0)
    assert shown(recent, market, MORNING).row(-1) == (D, True, None, 10e6, 10e6)
    assert shown(recent, market, datetime(2026, 2, 6, 11)).row(-1) == (D, False, -434.1e6, 10e6, -424.1e6)


def test_a_figure_without_a_publication_time_stands_there_from_the_next_morning_on(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", flows(*((D, fund, 1.0, None) for fund in FUNDS)))
    assert shown(recent, market, datetime(2026, 2, 6, 9, 59)).row(-1) == (D, True, None, None, 0.0)
    assert shown(recent, market, datetime(2026, 2, 6, 10)).row(-1) == (D, False, 1e6, 1e6, 2e6)


def test_a_revision_replaces_the_figure_when_it_comes(tmp_path: Path) -> None:
    first, revised = datetime(2026, 2, 6, 3), datetime(2026, 2, 6, 9)
    figures = [(D, "IBIT", -42.4, first), (D, "IBIT", 7.8, revised), (D, "FBTC", 0.0, first)]
    market = folder(tmp_path / "market", flows(*figures))
    assert shown(recent, market, MORNING)["IBIT"].to_list() == [-42.4e6]
    assert shown(recent, market, revised)["IBIT"].to_list() == [7.8e6]


def test_a_reported_zero_is_no_dash_and_a_null_is(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", flows((D, "IBIT", 0.0, MORNING), (D, "FBTC", None, MORNING)))
    assert shown(recent, market, MORNING).row(-1)[2:4] == (0.0, None)


def test_the_recent_page_is_the_end_of_all_data(tmp_path: Path) -> None:
    days = [D - timedelta(days=day) for day in range(30)]
    market = folder(tmp_path / "market", flows(*((day, fund, 1234.5, None) for day in days for fund in FUNDS)))
    whole = shown(all_data, market, datetime(2026, 2, 8))
    assert whole["trade_date"].to_list() == sorted(days)
    assert shown(recent, market, datetime(2026, 2, 8)).equals(whole.tail(13))
    (head,) = flow_table(bytes(all_data(question(market, datetime(2026, 2, 8))).body)).xpath("thead/tr")
    assert [text for _, text, _ in cells(head)][::11] == ["Date", "BTC"]


def test_a_new_fund_stands_before_the_last_two(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", flows((D, "IBIT", 1.0, MORNING), (D, "NEWF", 2.0, MORNING)))
    (head,) = flow_table(bytes(all_data(question(market, MORNING)).body)).xpath("thead/tr")
    assert [text for _, text, _ in cells(head)][-4:] == ["NEWF", "GBTC", "BTC", "Total"]


def test_before_the_first_figure_there_is_a_page_without_dates(tmp_path: Path) -> None:
    market = folder(tmp_path / "market", flows((D, "IBIT", 1.0, None)))
    assert b"2026</span>" not in bytes(recent(question(market, datetime(2026, 1, 1))).body)


def test_real_history_comes_back_as_it_was(real: Path) -> None:
    clock = datetime(2026, 5, 20, 10, 30)
    page = bytes(all_data(question(real / "market", clock)).body)
    parsed = FLOW.read(payload(page, fetched_at=clock.replace(tzinfo=UTC)))
    assert parsed.rejects == ()
    funds, totals = parsed.rows.filter(pl.col("fund") != TOTAL), parsed.rows.filter(pl.col("fund") == TOTAL)
    kept = pl.read_parquet(real / "market/etf_flow.parquet").sort("published_at", nulls_last=False)
    newest = kept.unique(["date", "fund"], keep="last").drop_nulls("flow_usd_m").sort("date", "fund")
    ours = funds.drop_nulls("flow_usd").sort("trade_date", "fund")
    assert ours.select("trade_date", "fund").rows() == newest.select("date", "fund").rows()
    assert ours["flow_usd"].to_list() == pytest.approx((newest["flow_usd_m"] * 1e6).to_list(), abs=1)
    # Printed by the page itself, as another project read it.
    known = {row["trade_date"]: row["flow_usd"] for row in totals.iter_rows(named=True)}
    assert (known[date(2026, 1, 30)], known[date(2024, 1, 11)]) == (-509.7e6, 655.3e6)
