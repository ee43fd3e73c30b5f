"""The views of staging: who sees which version, declared columns under declared names, what was known at an instant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb
import pytest
import yaml

from pipeline.dbt_project import DBT_PROJECT
from sources.core.dataset import MarketType
from sources.registry import DATASETS, dataset
from tests.unit.warehouse.world import BARS, OTHER
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.staging_views import CUT_OFF, create_views, view_of

YIELD = dataset("treasury.par_yield")
VERSIONS = [
    ("2y", 4.0, "2026-01-06 01:00:00"),
    ("2y", 4.5, "2026-01-08 22:00:00"),
    ("2y", 5.0, "2026-01-10 00:00:01"),
    ("10y", 5.0, "2026-01-06 01:00:00.000001"),
]
Seen = tuple[str, float, date, date | None]


@pytest.fixture
def yields(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Par yields of 5 January in four versions."""
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([YIELD])
        warehouse.connection.executemany(
            "insert into raw.treasury__par_yield by name "
            "select date '2026-01-05' as quote_date, ? as tenor, ? as yield_pct, ?::timestamp as known_at",
            VERSIONS,
        )
        yield warehouse.connection


def seen(connection: duckdb.DuckDBPyConnection) -> list[Seen]:
    return connection.execute(
        "select tenor, yield_pct, known_from, known_until from staging.stg_treasury__par_yield order by known_at, tenor"
    ).fetchall()


def test_a_version_is_seen_from_the_cut_off_that_knows_it(yields: duckdb.DuckDBPyConnection) -> None:
    """The cut-off of 5 January is 01:00 on the 6th: out at 01:00 sharp, the 5th knows it; later, only the 6th does."""
    assert seen(yields) == [
        ("2y", 4.0, date(2026, 1, 5), date(2026, 1, 8)),
        ("10y", 5.0, date(2026, 1, 6), None),
        ("2y", 4.5, date(2026, 1, 8), date(2026, 1, 9)),
        ("2y", 5.0, date(2026, 1, 9), None),
    ]


def test_what_came_after_the_instant_does_not_exist(yields: duckdb.DuckDBPyConnection) -> None:
    create_views(yields, [view_of(YIELD)], datetime(2026, 1, 10, tzinfo=UTC))
    assert seen(yields) == [
        ("2y", 4.0, date(2026, 1, 5), date(2026, 1, 8)),
        ("10y", 5.0, date(2026, 1, 6), None),
        ("2y", 4.5, date(2026, 1, 8), None),
    ]


def test_every_view_has_the_columns_that_it_says_under_their_declared_names(home: Home) -> None:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        for declared in DATASETS:
            view = view_of(declared)
            found = warehouse.connection.execute(f'describe staging."{view.name}"').fetchall()
            assert {name: kind for name, kind, *_ in found} == {
                name: kind for name, (kind, _) in view.all_columns.items()
            }
            assert set(declared.columns) <= set(view.all_columns)


def test_a_dataset_says_the_venue_and_the_market_that_it_belongs_to() -> None:
    assert view_of(dataset("kraken_futures.funding_rate")).constants == {"venue": "kraken"}
    assert view_of(dataset("okx.perp_candle_1h")).constants == {"venue": "okx", "market": MarketType.PERP}
    assert view_of(dataset("coinglass.open_interest")).constants == {}  # an aggregate of many exchanges


def test_a_view_that_dbt_once_made_is_replaced_and_a_column_declared_later_is_shown(home: Home) -> None:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS])
        connection = warehouse.connection
        connection.execute(f"create or replace view staging.{view_of(BARS).name} as select 1 as open_interest")
        wider = replace(BARS, columns={**BARS.columns, "added": OTHER.columns[next(iter(OTHER.columns))]})
        warehouse.ensure_tables([wider])
        columns = [name for name, *_ in connection.execute(f"describe staging.{view_of(BARS).name}").fetchall()]
    assert "added" in columns
    assert "open_interest" not in columns


@pytest.mark.parametrize("name", ["observed_date", "known_until", "venue"])
def test_a_declared_column_cannot_take_the_name_of_one_of_ours(name: str) -> None:
    taken = replace(BARS, columns={**BARS.columns, name: next(iter(BARS.columns.values()))})
    with pytest.raises(ValueError, match=f"{BARS.id}: these column names belong to staging: {name}"):
        view_of(taken)


def test_dbt_cuts_a_date_off_at_the_same_hour() -> None:
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
    assert project["vars"]["cut_off_hours"] * 3600 == CUT_OFF.total_seconds()
