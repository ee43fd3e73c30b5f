"""The rule for a complete ETF date, on recorded vintages: what Farside showed on real mornings, and what it settled at.

The recordings are of others who parsed the page, so dashes are gone from them; what is known is when each total was
first seen, and the settled cells. The pages are made again from those, as the stand-in shows them at those instants.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline import dbt_project
from sandbox import farside as stand_in
from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sources import farside
from sources.core.payload import Payload
from sources.registry import DATASETS
from tests.unit.venue_market import folder
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader

(FLOW,) = farside.DATASETS
FIRST, LAST = date(2026, 7, 1), date(2026, 8, 7)
ROUNDING_USD = 0.15e6
Line = dict[str, str]


def lines(real: Path, name: str) -> list[Line]:
    with (real / "fixtures/farside" / name).open() as file:
        return list(csv.DictReader(file))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def first_prints(real: Path) -> list[Line]:
    return lines(real, "total_first_print_vs_settled.csv")


@pytest.fixture(scope="module")
def vintages(real: Path) -> list[Line]:
    return lines(real, "vintages_2026-08-03_to_08-08.csv")


@pytest.fixture(scope="module")
def settled(real: Path) -> dict[date, Line]:
    history = lines(real, "history_daily_2026-08-22.csv")
    return {day: line for line in history if FIRST <= (day := date.fromisoformat(line["date"])) <= LAST}


@pytest.fixture(scope="module")
def market(first_prints: list[Line], settled: dict[date, Line], tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Settled cells, each on the page from the first capture that can have had it."""
    seen = {date.fromisoformat(line["flow_date"]): line for line in first_prints}
    rows: list[tuple[object, ...]] = []
    for day, line in settled.items():
        first = seen.get(day)
        since = instant(first["captured_at"]) if first else datetime(day.year, day.month, day.day) + timedelta(hours=33)
        is_whole = first is None or first["total_first_print_usd_m"] == first["total_settled_usd_m"]
        for fund in farside.FUNDS:
            late = timedelta(0) if is_whole or fund != "IBIT" else timedelta(hours=12)
            rows.append((day, fund, float(line[fund]), since + late))
    return Market(folder(tmp_path_factory.mktemp("vintages"), {"etf_flow": rows}))


@pytest.fixture(scope="module")
def known(
    market: Market, first_prints: list[Line], vintages: list[Line], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The model on the pages as they stood at every recorded capture, loaded one after the other."""
    home = Home(tmp_path_factory.mktemp("vintages") / "home")
    landing = Landing(home)
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        for captured in sorted({instant(line["captured_at"]) for line in (*first_prints, *vintages)}):
            page = bytes(stand_in.recent(ProviderRequest(market, captured)).body)
            sent = Payload(farside.RECENT, {}, 200, {}, page, captured.replace(tzinfo=UTC))
            if file := landing.store(FLOW.id, sent):  # a page that has not changed is not kept again
                Loader(warehouse).load(FLOW, [file])
    built = dbt_project.build(home.build_file, {"as_of": "2026-08-22 01:00:00"}, select=["+int_observations__etf"])
    # Data tests that look at other models too cannot run beside these few.
    assert [failure for failure in built.failures if failure.startswith("int_")] == []
    with Warehouse(home) as warehouse:
        yield warehouse.connection


def test_the_first_prints_that_were_short_missed_the_largest_fund_and_nothing_else(
    first_prints: list[Line], settled: dict[date, Line], market: Market
) -> None:
    short = []
    for line in first_prints:
        day = date.fromisoformat(line["flow_date"])
        first, final = float(line["total_first_print_usd_m"]), float(line["total_settled_usd_m"])
        assert final == float(settled[day]["Total"])
        if first != final:
            short.append(day)
            assert final - first == pytest.approx(float(settled[day]["IBIT"]), abs=0.05)
        page = bytes(stand_in.recent(ProviderRequest(market, instant(line["captured_at"]))).body)
        rows = FLOW.read(Payload(farside.RECENT, {}, 200, {}, page, datetime(2026, 8, 9, tzinfo=UTC))).rows
        printed = rows.filter(trade_date=day, fund="TOTAL")["flow_usd"].item()
        assert printed == pytest.approx(first * 1e6, abs=0.05e6)  # the page is made again as it was recorded
    assert short == [date(2026, 7, 21), date(2026, 7, 30)]


def test_no_total_is_shown_that_did_not_settle_so(
    known: duckdb.DuckDBPyConnection, first_prints: list[Line], settled: dict[date, Line]
) -> None:
    versions = known.execute(
        "select observed_date, net_flow_usd, is_complete, funds_missing, known_from, known_until "
        "from intermediate.int_etf__dates where provider = 'farside' order by observed_date, known_from"
    ).fetchall()
    shown = {day: usd for day, usd, is_complete, *_ in versions if is_complete}
    for day, usd in shown.items():
        assert usd == pytest.approx(float(settled[day]["Total"]) * 1e6, abs=ROUNDING_USD)
    assert {date.fromisoformat(line["flow_date"]) for line in first_prints} <= set(shown)
    held_back = [(day, missing) for day, _, is_complete, missing, *_ in versions if not is_complete]
    assert (date(2026, 7, 21), "IBIT") in held_back
    assert (date(2026, 7, 30), "IBIT") in held_back
    assert date(2026, 8, 3) in [day for day, _ in held_back]  # the row of dashes at noon, total 0.0
    assert 0.0 not in [usd for day, usd in shown.items() if day == date(2026, 8, 3)]


def test_the_signal_of_a_morning_is_the_newest_complete_date_and_never_a_part_of_one(
    known: duckdb.DuckDBPyConnection,
) -> None:
    readings = known.execute(
        "select observed_date, known_from, value from intermediate.int_observations__etf "
        "where observed_date in ('2026-07-21', '2026-07-30', '2026-08-03') order by observed_date"
    ).fetchall()
    assert readings == [
        (date(2026, 7, 21), date(2026, 7, 23), pytest.approx(203.2e6)),  # a day later than a whole date
        (date(2026, 7, 30), date(2026, 8, 1), pytest.approx(233.1e6)),
        (date(2026, 8, 3), date(2026, 8, 4), pytest.approx(170.1e6)),
    ]


def test_once_complete_a_recorded_row_never_changes(vintages: list[Line], settled: dict[date, Line]) -> None:
    seen: dict[str, set[tuple[str, ...]]] = {}
    for line in vintages:
        cells = tuple(f"{float(line[name]):.1f}" for name in (*farside.FUNDS, "Total"))
        if float(line["Total"]) or any(float(cell) for cell in cells):
            seen.setdefault(line["date"], set()).add(cells)
    assert len(vintages) == 24
    assert len(seen) == 8
    assert {len(versions) for versions in seen.values()} == {1}
    for day, versions in seen.items():
        final = settled[date.fromisoformat(day)]
        assert versions == {tuple(f"{float(final[name]):.1f}" for name in (*farside.FUNDS, "Total"))}
