"""The published warehouse for people who write SQL: comments, the stored questions, the page of worked queries."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "sql.md"
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
DAY = "2026-02-06"

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def published(scenario_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(scenario_home / "leadline.duckdb"), read_only=True) as connection:
        yield connection


def ask(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    answer = connection.execute(query)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def test_every_table_column_and_question_has_its_comment(published: duckdb.DuckDBPyConnection) -> None:
    silent = ask(
        published,
        """
        select schema_name, table_name, null as column_name from duckdb_tables() where comment is null
        union all
        select schema_name, table_name, column_name from duckdb_columns() where comment is null and not internal
        union all
        select schema_name, function_name, null from duckdb_functions() where comment is null and not internal
        """,
    )
    assert silent == []


@pytest.mark.parametrize("query", QUERIES, ids=[" ".join(query.split())[:60] for query in QUERIES])
def test_each_query_of_the_page_answers(published: duckdb.DuckDBPyConnection, query: str) -> None:
    rows = ask(published, query)
    assert rows
    # A column that is empty in every row is a name that means nothing any more; notes are empty when all is well.
    notes = {"waiting_for", "last_message"}
    assert {name for name in rows[0] if all(row[name] is None for row in rows)} <= notes


def test_the_flows_of_the_page_are_the_total_that_the_provider_prints(published: duckdb.DuckDBPyConnection) -> None:
    [query] = [query for query in QUERIES if "flow_musd" in query]
    by_day = {str(row["signal_date"]): row["flow_musd"] for row in ask(published, query)}
    assert by_day[DAY] == pytest.approx(371.1)
    assert by_day["2026-02-05"] == pytest.approx(-434.1)


def test_the_board_is_that_of_the_marts(published: duckdb.DuckDBPyConnection) -> None:
    board = ask(published, f"from board('{DAY}')")
    assert [row["bucket"] for row in board] == [
        *("derivatives", "options", "leverage", "flows", "onchain", "mining", "macro")
    ]
    assert {row["regime"] for row in board} == {"relief_rally"}
    by_bucket = {row["bucket"]: row for row in board}
    assert by_bucket["derivatives"]["reading"] == pytest.approx(-0.0141, abs=5e-5)  # the article's day
    assert by_bucket["flows"]["age_days"] == 1
    newest = ask(published, "select max(signal_date) as day from marts.fct_regime_daily")[0]["day"]
    assert {row["signal_date"] for row in ask(published, "from board()")} == {newest}


def test_why_names_every_condition_bucket_and_rule_in_force(published: duckdb.DuckDBPyConnection) -> None:
    why = ask(published, f"from why(date '{DAY}')")
    steps = [row["step"] for row in why]
    assert (steps[0], steps.count("condition"), steps.count("bucket")) == ("regime", 9, 7)
    [[rules]] = published.execute("select count(*) from marts.fct_rule_daily where signal_date = ?", [DAY]).fetchall()
    assert steps.count("rule") == rules
    assert all(row["says"] for row in why)
    skew = next(row for row in why if row["target"] == "options" and row["says"].startswith("rr25_30d <= -8"))
    assert (skew["direction"], skew["holds"], skew["unit"]) == ("continues", True, "vol points")


def test_what_was_known_at_a_cut_off_is_what_the_board_said_then(published: duckdb.DuckDBPyConnection) -> None:
    for day in ("2025-06-01", "2026-02-05", DAY):
        differing = ask(
            published,
            f"""
            select signal_id, said.value, known.value_as_known
            from as_known('{day}', date '{day}' + interval 25 hours) as said
            full join (
                from marts.fct_signal_daily where signal_date = '{day}' and value_as_known is not null
            ) as known using (signal_id)
            where said.value is distinct from known.value_as_known
                or said.observed_date is distinct from known.observed_date
            """,
        )
        assert differing == []


def test_an_earlier_instant_knows_only_what_was_out(published: duckdb.DuckDBPyConnection) -> None:
    def flow(instant: str) -> dict[str, Any]:
        [row] = ask(published, f"from as_known('{DAY}', '{instant}') where signal_id = 'etf_net_flow_usd'")
        return row

    # A second before the cut-off of the 6th the last reader is that of the 5th, who knew the flow of the 4th.
    assert [str(flow(f"{DAY} 23:00")[name]) for name in ("observed_date", "read_at")] == [
        *("2026-02-04", "2026-02-06 01:00:00")
    ]
    assert flow("2026-02-07 00:59:59")["observed_date"] == flow(f"{DAY} 23:00")["observed_date"]
    assert flow("2026-02-07 01:00")["value"] == pytest.approx(-434.1e6)  # of the 5th
    assert flow("2026-02-08 01:00")["value"] == pytest.approx(371.1e6)  # its own, printed on the 7th
    assert flow("2026-02-10 12:00") == flow("2026-02-08 01:00")


@pytest.mark.parametrize("instant", [f"{DAY} 12:00:00", "2026-02-07 01:00:00", "2026-02-09 07:00:00"])
def test_nothing_in_it_became_known_after_its_reader(published: duckdb.DuckDBPyConnection, instant: str) -> None:
    known = ask(published, f"from as_known('{DAY}', '{instant}')")
    assert len(known) > 100
    assert [row for row in known if str(row["read_at"]) > instant or str(row["observed_date"]) > DAY] == []


@pytest.mark.parametrize("name", ["leadline.duckdb", "a copy of 6 Feb.duckdb"])
def test_the_questions_work_under_any_name_of_the_file(scenario_home: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    shutil.copy(scenario_home / "leadline.duckdb", file)
    asked = f"select (select count(*) from board('{DAY}')), (select count(*) from why('{DAY}')) > 50"
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute(asked).fetchall() == [(7, True)]
    with duckdb.connect() as connection:
        connection.execute(f'attach \'{file}\' as "some other name" (read_only); use "some other name"')
        assert connection.execute(asked).fetchall() == [(7, True)]


def test_the_command_line_of_duckdb_reads_it(scenario_home: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "duckdb_cli", "-readonly", "-csv", str(scenario_home / "leadline.duckdb"),
         f"select bucket from board('{DAY}') limit 1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.split() == ["bucket", "derivatives"]
