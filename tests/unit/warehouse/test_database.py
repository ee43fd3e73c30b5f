"""The build file: one opener, tables by declaration, clear words when it is busy, missing or damaged."""

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from sources.core.dataset import Column
from tests.unit.warehouse.world import BARS, COLUMNS, OTHER, answer, bar, land_and_load, query, versions
from warehouse.database import Warehouse
from warehouse.errors import BusyError, DamagedError, HomeError
from warehouse.home import Home

HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_a_busy_build_file_names_its_holder(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    command = [sys.executable, "-c", HOLD, str(home.build_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(BusyError, match=rf"process {holder.pid} .*run again.*leadline.duckdb"), Warehouse(home):
            pass
        holder.communicate("")
    assert len(versions(home)) == 1


def test_a_damaged_build_file_is_left_alone_and_points_to_rebuild(home: Home) -> None:
    home.build.mkdir(parents=True)
    home.build_file.write_bytes(b"no database" * 1000)
    with pytest.raises(DamagedError, match="leadline rebuild"), Warehouse(home):
        pass
    assert home.build_file.read_bytes() == b"no database" * 1000


def test_damage_anywhere_is_explained_or_does_not_matter(home: Home) -> None:
    land_and_load(home, answer([bar(day, day / 7) for day in range(5000)], 6000))
    whole, rows = home.build_file.read_bytes(), versions(home)
    caught = 0
    for block in range(3 * 4096 + 100_000, len(whole), 262_144):
        home.build_file.write_bytes(whole[:block] + bytes([whole[block] ^ 0xFF]) + whole[block + 1 :])
        try:
            assert versions(home) == rows
        except DamagedError:
            caught += 1
    assert caught > 0


def test_a_lost_build_file_is_no_empty_beginning(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    home.build_file.unlink()
    with pytest.raises(HomeError, match=r"is missing.*leadline rebuild"), Warehouse(home):
        pass
    assert not home.build_file.exists()


def test_the_connection_is_closed_when_a_run_fails(home: Home) -> None:
    warehouse = Warehouse(home)
    with pytest.raises(duckdb.CatalogException), warehouse:
        warehouse.connection.execute("select * from missing")
    with pytest.raises(RuntimeError, match="with block"):
        _ = warehouse.connection
    duckdb.connect(str(home.build_file)).close()


def test_a_failed_transaction_is_undone(home: Home) -> None:
    with Warehouse(home) as warehouse:
        with pytest.raises(duckdb.CatalogException), warehouse.transaction() as connection:
            connection.execute("create table t (a int); select * from missing")
        assert warehouse.connection.execute("show tables").fetchall() == []


def test_nothing_is_downloaded_behind_the_users_back(home: Home) -> None:
    settings = query(
        home,
        "select value from duckdb_settings() where name in ('autoinstall_known_extensions', "
        "'autoload_known_extensions')",
    )
    assert settings == [("false",), ("false",)]


def test_every_declared_dataset_has_its_table_from_the_first_run_on(home: Home) -> None:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS, OTHER])
        warehouse.ensure_tables([BARS, OTHER])
        columns = warehouse.connection.execute(
            "select column_name, data_type, comment from duckdb_columns() where table_name = 'demo__bar'"
        ).fetchall()
        assert warehouse.connection.execute("from raw.demo__other_bar").fetchall() == []
    assert columns[:4] == [
        ("symbol", "VARCHAR", "Name of the market"),
        ("open_time", "TIMESTAMP", "Start of the bar [UTC]"),
        ("close_usd", "DOUBLE", "Last price of the bar [USD]"),
        ("is_busy", "BOOLEAN", "Whether anything was traded"),
    ]
    assert [name for name, _, _ in columns[4:]] == ["known_at", "known_at_basis", "load_id"]
    assert query(home, "select comment from duckdb_tables() where table_name = 'demo__bar'") == [
        ("Daily bars; it's made up.",)
    ]


def test_datasets_are_listed_as_declared(home: Home) -> None:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS, OTHER])
    assert query(home, "select dataset_id, provider, may_republish, needs_key, period_s from raw.dataset") == [
        ("demo.bar", "demo", True, False, 86400.0),
        ("demo.other_bar", "demo", True, False, 86400.0),
    ]


def test_a_newly_declared_column_is_added_and_empty(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    wider = replace(BARS, columns={**COLUMNS, "trades": Column(pl.Int64, "", "Number of trades", nullable=True)})
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([wider])
        rows = warehouse.connection.execute("select symbol, trades from raw.demo__bar").fetchall()
    assert rows == [("BTC", None)]


def test_a_column_that_changed_its_type_asks_for_a_rebuild(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    other = replace(BARS, columns={**COLUMNS, "close_usd": Column(pl.String, "", "Text now")})
    with Warehouse(home) as warehouse, pytest.raises(HomeError, match=r"demo.bar.*close_usd is DOUBLE.*rebuild"):
        warehouse.ensure_tables([other])


@pytest.mark.parametrize(
    ("name", "dtype", "reason"),
    [("load_id", pl.String, "belong to the loader"), ("prices", pl.List(pl.Float64), "hold no List")],
)
def test_a_declaration_that_no_table_can_hold_is_refused(
    home: Home, name: str, dtype: pl.DataType, reason: str
) -> None:
    odd = replace(BARS, columns={**COLUMNS, name: Column(dtype, "", "Odd")})
    with Warehouse(home) as warehouse, pytest.raises(ValueError, match=reason):
        warehouse.ensure_tables([odd])


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 2, 6), True),
        (date(2026, 2, 7), False),  # Saturday
        (date(2026, 1, 19), False),  # Martin Luther King Day
        (date(2025, 1, 9), False),  # closed once, for a funeral
        (date(2019, 1, 2), True),
        (date(2030, 12, 25), False),
    ],
)
def test_the_calendar_knows_when_new_york_trades(home: Home, day: date, is_open: bool) -> None:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([])
        rows = warehouse.connection.execute("select * from raw.calendar_day where day = ?", [day]).fetchall()
    assert rows == [(day, is_open)]


def test_a_home_with_a_quote_in_its_path_works(tmp_path: Path) -> None:
    home = Home(tmp_path / "Ann's data")
    land_and_load(home, answer([bar(0)], 1))
    assert len(versions(home)) == 1
