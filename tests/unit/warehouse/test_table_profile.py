"""What is shown of a table: rows, range, the latest row, the curve of its key."""

from datetime import date, datetime

import duckdb
import pytest

from warehouse.table_profile import day_column, profile_table


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("""
        create schema marts;
        create table marts.bars (observed_at timestamp, venue varchar, open_usd double, close_usd double);
        insert into marts.bars values
            (timestamp '2026-02-05 10:00', 'a', 1.0, 10.0),
            (timestamp '2026-02-05 20:00', 'a', 2.0, 20.0),
            (timestamp '2026-02-06 10:00', 'a', 3.0, 30.0),
            (timestamp '2026-02-06 10:00', 'b', 4.0, null),
            (timestamp '2025-02-06 10:00', 'a', 5.0, 50.0)
        ;
        create table marts.names (name varchar);
    """)
    return made


def test_the_curve_is_the_last_close_of_a_day_of_the_latest_key(connection: duckdb.DuckDBPyConnection) -> None:
    seen = profile_table(connection, "marts", "bars", day="observed_at", key=("venue", "observed_at"))
    assert (seen.rows, seen.first, seen.last) == (5, datetime(2025, 2, 6, 10), datetime(2026, 2, 6, 10))
    assert seen.latest == {"observed_at": datetime(2026, 2, 6, 10), "venue": "a", "open_usd": 3.0, "close_usd": 30.0}
    assert seen.curve_of == "close_usd of a"
    assert seen.curve == [(date(2026, 2, 5), 20.0), (date(2026, 2, 6), 30.0)]  # not what is older than half a year


def test_a_table_without_a_day_or_a_row_has_a_count(connection: duckdb.DuckDBPyConnection) -> None:
    assert day_column(connection, "marts", "bars") == "observed_at"
    assert day_column(connection, "marts", "names") is None
    assert profile_table(connection, "marts", "names", day=None, key=()).rows == 0
    connection.execute("delete from marts.bars")
    empty = profile_table(connection, "marts", "bars", day="observed_at", key=("venue", "observed_at"))
    assert (empty.rows, empty.last, empty.curve) == (0, None, ())
