"""The published file: whole, swapped in one step, readable at any time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.marts import REGIMES, build
from tests.unit.warehouse.world import NEW_YEAR, answer, bar, land_and_load, query
from warehouse import unfinished_build
from warehouse.database import Warehouse
from warehouse.errors import PublishError
from warehouse.fingerprint import table_hash
from warehouse.home import Home
from warehouse.logs import log_regimes
from warehouse.publish import publish


@contextmanager
def reader(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(file), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def read(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with reader(file) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def built(home: Home) -> Home:
    home.claim_origin("made up")
    land_and_load(home, answer([bar(0), bar(1)], 3))
    build(home)
    return home


def test_readers_get_marts_seeds_and_raw_rows_and_no_working_steps(built: Home) -> None:
    assert publish(built) == built.published
    schemas = read(built.published, "select distinct table_schema from information_schema.tables order by 1")
    assert [schema for (schema,) in schemas] == ["main", "marts", "raw", "reference"]
    assert read(built.published, "select level_usd from reference.levels") == [(70000.0,)]
    with reader(built.published) as published, Warehouse(built) as warehouse:
        for table in ("raw.demo__bar", "raw.load_ledger", "marts.fct_signal_daily"):
            assert table_hash(published, table) == table_hash(warehouse.connection, table)


def test_comments_come_along(built: Home) -> None:
    publish(built)
    assert read(built.published, "select comment from duckdb_tables() where table_name = 'fct_signal_daily'") == [
        ("One row a date and signal; it's the main table.",)
    ]
    comments = read(
        built.published,
        "select table_name, comment from duckdb_columns() where column_name in ('value', 'open_time') order by 1",
    )
    assert ("fct_signal_daily", "Settled reading, in the unit of the row") in comments
    assert ("demo__bar", "Start of the bar [UTC]") in comments


def test_a_view_of_the_build_file_can_be_read_in_the_published_one(built: Home) -> None:
    build(built, REGIMES)
    with Warehouse(built) as warehouse:
        log_regimes(warehouse, code_version="abc", published_at=NEW_YEAR)
    publish(built)
    assert read(built.published, "select regime from marts.fct_regime_log order by signal_date") == [
        ("broken",),
        ("testing",),
    ]
    assert read(built.published, "select comment from duckdb_tables() where table_name = 'fct_regime_log'") == [
        ("Every regime as it was published",)
    ]


def test_a_reader_keeps_its_snapshot_while_a_new_one_is_published(built: Home) -> None:
    publish(built)
    with reader(built.published) as open_before:
        land_and_load(built, answer([bar(2)], 4))
        publish(built)
        assert open_before.execute("select count(*) from raw.demo__bar").fetchall() == [(2,)]
    assert read(built.published, "select count(*) from raw.demo__bar") == [(3,)]


def test_readers_read_while_a_run_has_the_build_file(built: Home) -> None:
    publish(built)
    with Warehouse(built) as warehouse, warehouse.transaction() as connection:
        connection.execute("delete from raw.demo__bar")
        assert read(built.published, "select count(*) from raw.demo__bar") == [(2,)]


def test_the_copy_says_when_and_by_what_it_was_made(built: Home) -> None:
    instant = datetime(2026, 2, 7, 1, tzinfo=UTC)
    publish(built, as_of=instant, code_version="1.2.3")
    assert read(built.published, "select as_of, code_version, origin from main.publication") == [
        (instant.replace(tzinfo=None), "1.2.3", "made up")
    ]


def test_a_build_as_of_an_earlier_instant_leaves_the_published_file_alone(built: Home) -> None:
    publish(built)
    before = built.published.read_bytes()
    earlier = built.as_of(datetime(2026, 2, 7, 1, tzinfo=UTC))
    assert publish(built, earlier) == earlier.published
    assert read(earlier.published, "select count(*) from marts.fct_signal_daily") == [(3,)]
    assert built.published.read_bytes() == before


def test_nothing_built_is_nothing_published(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    with pytest.raises(PublishError, match="leadline build"):
        publish(home)
    assert not home.published.exists()


def test_a_publication_that_fails_leaves_the_last_one_and_no_rest(built: Home) -> None:
    publish(built)
    before = built.published.read_bytes()
    build(built, "create or replace view marts.fct_broken as select 1 / 0 as a, error('no') as b")
    with pytest.raises(duckdb.Error):
        publish(built)
    assert built.published.read_bytes() == before
    assert [path.name for path in built.path.iterdir() if path.name.startswith(".leadline")] == []
    assert query(built, "select count(*) from raw.demo__bar") == [(2,)]


def test_a_publication_with_little_that_is_new_equals_one_written_anew(built: Home, tmp_path: Path) -> None:
    publish(built, code_version="abc")
    [[first]] = read(built.published, "select publication_id from main.publication")
    land_and_load(built, answer([bar(2)], 6))
    publish(built, code_version="abc")
    anew = Home(tmp_path / "anew")
    publish(built, anew, code_version="abc")
    tables = read(built.published, "select table_schema || '.' || table_name from information_schema.tables order by 1")
    assert tables == read(
        anew.published, "select table_schema || '.' || table_name from information_schema.tables order by 1"
    )
    with reader(built.published) as touched_up, reader(anew.published) as written:
        for (table,) in tables:
            if table != "main.publication":  # says when
                assert table_hash(touched_up, table) == table_hash(written, table)
    comments = "select table_name, column_name, comment from duckdb_columns() where comment is not null order by all"
    assert read(built.published, comments) == read(anew.published, comments)
    assert read(built.published, "select publication_id from main.publication") != [(first,)]


def test_a_publication_that_says_the_same_keeps_its_id_and_tells_its_time(built: Home) -> None:
    what = "select publication_id from main.publication"
    when = "select published_at from main.publication"
    publish(built, code_version="abc")
    id_before, at_before = read(built.published, what), read(built.published, when)
    publish(built, code_version="abc")
    assert read(built.published, what) == id_before
    assert read(built.published, when) > at_before


@pytest.mark.parametrize(
    "change",
    [
        "update marts.fct_signal_daily set value = -value",
        "update raw.demo__bar set known_at = known_at + interval 1 second",
        "delete from reference.levels",
    ],
)
def test_whatever_changes_in_the_build_file_is_published(built: Home, change: str) -> None:
    publish(built, code_version="abc")
    before = read(built.published, "select publication_id from main.publication")
    with Warehouse(built) as warehouse:
        warehouse.connection.execute(change)
    publish(built, code_version="abc")
    with reader(built.published) as published, Warehouse(built) as warehouse:
        for table in ("marts.fct_signal_daily", "raw.demo__bar", "reference.levels"):
            assert table_hash(published, table) == table_hash(warehouse.connection, table)
    assert read(built.published, "select publication_id from main.publication") != before


def test_other_code_publishes_another_file(built: Home) -> None:
    publish(built, code_version="abc")
    before = read(built.published, "select publication_id from main.publication")
    publish(built, code_version="abd")
    assert read(built.published, "select publication_id from main.publication") != before


def test_a_build_that_did_not_end_well_is_neither_published_nor_logged(built: Home) -> None:
    build(built, REGIMES)
    publish(built)
    before = built.published.read_bytes()
    with Warehouse(built) as warehouse:
        unfinished_build.begin(warehouse.connection)
        warehouse.connection.execute("drop table marts.fct_signal_daily")  # where a killed build had got to
        with pytest.raises(PublishError, match="leadline build"):
            log_regimes(warehouse, code_version="abc")
    with pytest.raises(PublishError, match="last good publication"):
        publish(built)
    assert built.published.read_bytes() == before
    build(built)
    with Warehouse(built) as warehouse:
        unfinished_build.finish(warehouse.connection)
    publish(built)
    assert read(built.published, "select count(*) from marts.fct_signal_daily") == [(3,)]


def test_what_somebody_changed_in_the_published_file_is_not_carried_on(built: Home) -> None:
    publish(built, code_version="abc")
    with duckdb.connect(str(built.published)) as connection:
        connection.execute("update marts.fct_signal_daily set value = 1e9")
    publish(built, code_version="abc")
    with reader(built.published) as published, Warehouse(built) as warehouse:
        for table in ("marts.fct_signal_daily", "raw.demo__bar"):
            assert table_hash(published, table) == table_hash(warehouse.connection, table)
