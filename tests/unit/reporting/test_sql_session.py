"""Whatever a statement tries, the published file and the machine stay as they are.

One list of attacks, tried through the session that the command line, MCP and any server share, at the published file
itself and at other paths; and the two that once worked, through each of these doors.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from mcp.server.mcpserver.exceptions import ToolError

from reporting.assistant import Assistant
from reporting.sql_session import FOR_ASSISTANTS, QueryError, QueryLimits, SqlSession

QUICK = QueryLimits(rows=1_000, bytes=1_000_000, seconds=30.0, memory_bytes=300_000_000)
SECRET = "canary-5c2f"

# {file} is the published file, {wal} its write-ahead log, {other} a file beside it, {new} a path where nothing is.
WRITES = """
copy (select 42 as x) to '{file}' (format csv, use_tmp_file false)
copy (select 42 as x) to '{file}' (format parquet)
copy (select 42 as x) to '{wal}' (format csv, use_tmp_file false)
copy (select 42 as x) to '{other}' (format csv, use_tmp_file false)
copy (select 42 as x) to '{new}'
copy (select 42 as x, 1 as p) to '{new}' (format csv, partition_by (p))
copy (select 42 as x) to '{new}' (format parquet, per_thread_output true)
copy (select 42 as x) to '/dev/stdout'
copy marts.fct to '{new}' (format json)
copy marts.fct from '{other}'
copy from database leadline to other
attach '{file}' as again
attach '{new}' as fresh
attach '{new}' as fresh (read_write)
attach ':memory:' as fresh
export database '{new}'
export database '{file}'
import database '{new}'
create table marts.forged (x integer)
create or replace table marts.fct as select 2 as x
create view marts.forged as select 1
create schema forged
create sequence marts.forged
create type forged as enum ('a')
create index forged on marts.fct (x)
create persistent secret forged (type http, bearer_token 'x')
insert into marts.fct values (2)
update marts.fct set x = 2
delete from marts.fct
truncate marts.fct
merge into marts.fct using (select 1 as x) as s using (x) when matched then delete
alter table marts.fct add column forged integer
comment on table marts.fct is 'forged'
drop table marts.fct
drop schema marts cascade
prepare w as copy (select 42) to '{file}' (format csv, use_tmp_file false); execute w
create temp macro w() as table from read_text('{other}'); from w()
call enable_logging(storage = 'file', storage_config = {{'path': '{new}'}}); select 1
call enable_logging(storage = 'file', storage_path = '{new}'); select 1
pragma profiling_output = '{new}'
set profiling_output = '{new}'
explain analyze copy (select 42) to '{file}' (format csv, use_tmp_file false)
detach leadline
begin; drop table marts.fct; commit
""".strip().splitlines()

READS = """
from read_text('{other}')
from read_blob('{other}')
from read_csv('{other}')
from read_json('{other}')
from read_parquet('{other}')
from parquet_metadata('{other}')
from sniff_csv('{other}')
from glob('{folder}/*')
from '{other}'
from '/etc/passwd'
from read_text('/proc/self/environ')
from read_text('file://{other}')
from read_text('http://127.0.0.1:9/x')
from read_csv('s3://bucket/x.csv')
select * from query('from read_text(''{other}'')')
select getenv('CANARY')
describe from read_csv('{other}')
summarize from read_csv('{other}')
create temp table t as from read_text('{other}')
pragma import_database('{folder}')
""".strip().splitlines()

SETTINGS = """
set enable_external_access = true
reset enable_external_access
set lock_configuration = false
set allowed_paths = ['{other}']
set allowed_directories = ['/']
set temp_directory = '{folder}'
set memory_limit = '100GB'
set threads = 64
set file_search_path = '{folder}'
set home_directory = '{folder}'
set secret_directory = '{folder}'
set extension_directory = '{folder}'
set allow_unsigned_extensions = true
set autoinstall_known_extensions = true
set python_enable_replacements = true
install httpfs
install httpfs from '{folder}'
force install httpfs
load httpfs
load '{other}'
update extensions
""".strip().splitlines()

# Nothing is wrong with them, and nothing comes of them.
HARMLESS = """
checkpoint
force checkpoint
vacuum
vacuum analyze
analyze
use marts
set variable a = 1
create temp table t as select 1 as x
create temp view v as select 1 as x
create secret s (type http)
pragma enable_profiling
call enable_logging()
begin; rollback
explain select 1
explain analyze select 1
show all tables
pragma database_list
prepare p as select 1; execute p; deallocate p
""".strip().splitlines()

EXHAUSTING = """
select length(repeat('x', 2000000000))
select repeat(repeat('x', 1000000), 1000)
select list(i) from range(1000000000) as t(i)
select string_agg(repeat('x', 1000000), '') from range(10000)
select count(*) from (select distinct i, random() from range(1000000000) as t(i))
create temp table big as select i, repeat('abc', 1000) || i as x from range(100000000) as t(i)
""".strip().splitlines()

# The other kinds of DuckDB are its own inner forms and cannot be written as text; a checkpoint is a CALL.
INNER_KINDS = {"CREATE_FUNC", "INVALID", "LOGICAL_PLAN", "MULTI", "RELATION", "ANALYZE", "EXTENSION", "VARIABLE_SET"}
# Parsed in place, or rewritten to other kinds before they can be looked at.
REWRITTEN = {"PRAGMA", "COPY_DATABASE"}


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Path]:
    """A small published file, and beside it what must be neither read nor changed; nothing may be added either."""
    file = tmp_path / "home" / "leadline.duckdb"
    file.parent.mkdir()
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts; create table marts.fct as select 1 as x")
    (file.parent / "other.csv").write_text(f"secret\n{SECRET}\n")
    before = _state(file.parent)
    yield file
    assert _state(file.parent) == before


def _state(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*"))}


def _filled(query: str, published: Path) -> str:
    return query.format(
        file=published,
        wal=f"{published}.wal",
        other=published.parent / "other.csv",
        new=published.parent / "new",
        folder=published.parent,
    )


def test_every_kind_of_statement_is_tried(published: Path) -> None:
    with duckdb.connect() as parser:
        tried = {
            statement.type.name
            for query in [*WRITES, *READS, *SETTINGS, *HARMLESS]
            if not query.startswith(("import database", "pragma import_database", "update extensions"))
            for statement in parser.extract_statements(_filled(query, published))
        }
    kinds = {name for name in dir(duckdb.StatementType) if name.isupper()}
    assert kinds - INNER_KINDS - REWRITTEN <= tried


@pytest.mark.parametrize("query", [*WRITES, *READS, *SETTINGS])
def test_what_writes_reads_elsewhere_or_sets_is_refused(published: Path, query: str) -> None:
    with SqlSession(published, QUICK) as session:
        with pytest.raises(QueryError) as refused:
            session.ask(_filled(query, published))
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize("query", HARMLESS)
def test_what_is_left_changes_nothing(published: Path, query: str) -> None:
    with SqlSession(published, QUICK) as session:
        session.ask(_filled(query, published))
        assert session.ask("select count(*) from marts.fct").rows == [[1]]


@pytest.mark.parametrize("query", EXHAUSTING)
def test_memory_has_an_end_and_the_next_statement_is_answered(published: Path, query: str) -> None:
    with SqlSession(published, QUICK) as session:
        with pytest.raises(QueryError, match=r"more than 0\.3 GB|longer than"):
            session.ask(query)
        assert session.ask("select count(*) from marts.fct").rows == [[1]]


def test_time_has_an_end_that_duckdb_is_not_asked_about(published: Path) -> None:
    endless = "with recursive r as (select 1 as n union all select n + 1 from r) select max(n) from r"
    with SqlSession(published, QueryLimits(rows=10, bytes=1_000, seconds=0.3, memory_bytes=300_000_000)) as session:
        with pytest.raises(QueryError, match=r"longer than 0\.3 s"):
            session.ask(endless)
        assert session.ask("select 1").rows == [[1]]


def test_rows_and_bytes_are_cut_off_and_said_to_be(published: Path) -> None:
    with SqlSession(published, QUICK) as session:
        many, wide = session.ask("from range(5000)"), session.ask("select repeat('x', 100000) from range(1000)")
        huge = session.ask("select repeat('x', 2000000)")
        exact = session.ask("from range(1000)")
    assert (len(many.rows), many.is_cut_off) == (1_000, True)
    assert (len(wide.rows), wide.is_cut_off) == (9, True)  # a tenth would be more than a million bytes
    assert (huge.rows, huge.is_cut_off) == ([], True)
    assert (len(exact.rows), exact.is_cut_off) == (1_000, False)


def test_values_arrive_as_they_are(published: Path) -> None:
    query = """
        select 9007199254740993::bigint, 170141183460469231731687303715884105727::hugeint, 1.50::decimal(4, 2),
            date '2026-02-06', timestamp '2026-02-06 01:00:00', 'nan'::double, null, [1, null], {'a': 'ü'}, '[/bold]'
    """
    with SqlSession(published, QUICK) as session:
        [row] = session.ask(query).rows
        *_, text, _end = session.stream(query, "text")
    assert row == [
        *(9007199254740993, 170141183460469231731687303715884105727, "1.50", "2026-02-06", "2026-02-06T01:00:00"),
        *(None, None, [1, None], {"a": "ü"}, "[/bold]"),
    ]
    assert text["rows"][0][3:5] == ["2026-02-06", "2026-02-06 01:00:00"]


def test_the_process_knows_nothing_of_our_environment(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_KEY_GLASSNODE", SECRET)
    with SqlSession(published, QUICK) as session:
        session.ask("select 1")
        process = session._process
        assert process is not None
        environment = Path(f"/proc/{process.pid}/environ")
        if environment.exists():
            assert SECRET.encode() not in environment.read_bytes()


def test_it_reads_where_nothing_can_be_written(published: Path) -> None:
    published.chmod(0o444)
    published.parent.chmod(0o555)
    try:
        with SqlSession(published, QUICK) as session:
            assert session.ask("from marts.fct").rows == [[1]]
    finally:
        published.parent.chmod(0o755)
        published.chmod(0o644)


def test_a_damaged_or_absent_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    for content, advice in ((b"", "leadline publish"), (b"no database" * 1_000, "leadline publish"), (None, "run")):
        file = tmp_path / "leadline.duckdb"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with SqlSession(file, QUICK) as session, pytest.raises(QueryError, match=advice):
            session.ask("select 1")


@pytest.mark.parametrize("query", WRITES[:4])
def test_no_door_lets_a_write_through(published: Path, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = _filled(query, published)
    with pytest.raises(ToolError):
        Assistant(published, public=False, limits=FOR_ASSISTANTS).sql(filled)
    asked = subprocess.run(
        [sys.executable, "-m", "orchestration", "sql", filled],
        env={**os.environ, "LEADLINE_HOME": str(published.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 1
    assert asked.stderr.startswith("leadline: ")
    assert "Traceback" not in asked.stderr
