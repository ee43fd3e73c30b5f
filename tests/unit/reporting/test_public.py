"""What may be passed on is the same whether it is extracted to files or read from the published warehouse."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from reporting.published import BoardError, open_published
from tests.unit.warehouse.marts import build
from tests.unit.warehouse.world import answer, bar, land_and_load
from warehouse.extracts import write_extracts
from warehouse.home import Home
from warehouse.publish import publish


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("public"))
    made.claim_origin("made up")
    land_and_load(made, answer([bar(0)], 3))
    build(made)
    publish(made, as_of=datetime(2026, 2, 7, 1, tzinfo=UTC), code_version="1.2.3")
    return made


def test_the_public_copy_holds_what_the_public_extracts_hold(home: Home) -> None:
    write_extracts(home, public=True)
    files = sorted(home.extracts.rglob("*.parquet"))
    assert len(files) >= 4
    with open_published(home.published, public=True) as warehouse:
        for file in files:
            mart = file.stem if file.stem.startswith("dim_") else f"fct_{file.stem}"
            assert warehouse.rows(f"select * from marts.{mart} order by all") == pq.read_table(file).to_pylist()


def test_restricted_values_are_gone_and_publishable_ones_stay(home: Home) -> None:
    query = "select signal_id, value from marts.fct_signal_daily where signal_date = date '2026-02-06' order by all"
    with open_published(home.published) as own, open_published(home.published, public=True) as public:
        assert [row["value"] for row in own.rows(query)] == [70500.0, 371e6]
        assert [row["value"] for row in public.rows(query)] == [70500.0, None]
        assert own.rows("select count(*) as n from marts.fct_price_daily") == [{"n": 1}]
        assert public.rows("select count(*) as n from marts.fct_price_daily") == [{"n": 0}]


def test_the_public_copy_knows_no_way_back_to_the_whole_warehouse(home: Home) -> None:
    with open_published(home.published, public=True) as warehouse:
        assert {row["database_name"] for row in warehouse.rows("select database_name from duckdb_databases()")} == {
            "memory",
            "system",
            "temp",
        }


def test_a_file_of_another_version_is_named(tmp_path: Path) -> None:
    file = tmp_path / "leadline.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts; create table marts.dim_signal as select 1 as a")
    with pytest.raises(BoardError, match="leadline build"), open_published(file, public=True):
        pass
