"""The published warehouse: a snapshot that readers open at any time, also while a run writes the build file.

It holds what readers need and nothing that points elsewhere:

- `marts` (facts and dimensions), with every comment. A view there is published as a table: a snapshot does not change,
  and DuckDB 1.5 stores views with the name of the database that they were made in, so they would not open here.
- `reference` (the seeds: rules, levels, events) and `analytics` (option surfaces).
- `raw`: all versions of all rows, the quarantine, the ledger and the other books, for replays and for tracing a number.
- `main.publication`: one row with when, as of when and by which code.
- `main.withheld`: the values that may not be passed on; see `warehouse.licences`.
- in `main`, the common questions as table macros: `board(date)`, `signal(id)`, `why(date)`, `as_known(date, instant)`.

Left out are `staging` and `intermediate`: dbt's own working steps.

Where next to nothing has changed since the last publication, as after a run with nothing new, that file is copied and
the few changed tables are put into the copy. A publication that says the same as the last one keeps its id.
"""

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from warehouse.database import Warehouse
from warehouse.errors import PublishError
from warehouse.files import flush, put_in_place
from warehouse.fingerprint import rows_mark
from warehouse.home import Home
from warehouse.incoming import naive
from warehouse.licences import withheld
from warehouse.table_definition import TableDefinition
from warehouse.table_macros import TABLE_MACROS
from warehouse.tables import quoted, text
from warehouse.unfinished_build import require_finished

PUBLISHED_SCHEMAS = ("marts", "reference", "analytics", "raw")
# Tables that are left out because a mart shows all their rows or their sums. They grow every day.
PUBLISHED_AS_MARTS = (
    ("raw", "forecast_log"),
    ("raw", "forecast_strike_log"),
    ("raw", "forecast_head"),
    ("analytics", "forecast_outcome"),
    ("analytics", "forecast_said"),
    ("analytics", "forecast_score"),
    ("analytics", "forecast_reliability"),
    ("analytics", "scorecard"),
    ("analytics", "forecast_candidate"),
)
TARGET = "published"

PUBLICATION = TableDefinition(
    "One row: what this file is.",
    {
        "publication_id": (
            "VARCHAR NOT NULL",
            "Another one for every publication that says something new; extracts name the one they are of.",
        ),
        "published_at": ("TIMESTAMP NOT NULL", "When it was published, UTC."),
        "as_of": ("TIMESTAMP NOT NULL", "The instant whose knowledge it holds, UTC."),
        "code_version": ("VARCHAR", "Code that made it."),
        "origin": ("VARCHAR", "Where its data comes from: public sources, or a stand-in."),
    },
)
WITHHELD = TableDefinition(
    "What may not be passed on: a column of a mart, in all rows or in those that are not publishable (by_row); without "
    "a column, the whole mart.",
    {
        "mart": ("VARCHAR NOT NULL", "The mart."),
        "column_name": ("VARCHAR", "Its column; null for the whole mart."),
        "by_row": ("BOOLEAN NOT NULL", "Whether it may be passed on in rows that are publishable."),
    },
)

# A run with nothing new changes what it wrote down of its asking. Where more has changed, the file is written anew, so
# that replaced tables leave no holes in it.
FEW_TABLES = 8
BOOKS_OF_ASKING = (("raw", "attempt"), ("raw", "coverage"))  # `marts.dim_source` shows what they mean
SOURCES, LAST_ASKED = ("marts", "dim_source"), "last_attempt_at"

Relation = tuple[str, str, str | None]  # schema, name, comment


@dataclass(frozen=True)
class TableMark:
    """Of one published table: its rows, and the same without when sources were last asked."""

    relation: str
    mark: str
    said: str


@dataclass(frozen=True)
class LastPublication:
    """The file that readers have now; without marks where it has to be written anew."""

    publication_id: str | None
    marks: frozenset[TableMark]


def publish(
    home: Home, target: Home | None = None, *, as_of: datetime | None = None, code_version: str | None = None
) -> Path:
    """Copy the build file's tables into the published file of `target` (default: of the home itself), and swap it in.

    Readers that are open keep what they see. `as_of` (aware) and `code_version` are written down in the copy. Returns
    the path of the published file. Raises PublishError when nothing was built yet or
    the last build did not end well, BusyError while a run writes.
    """
    published = (target or home).published
    with Warehouse(home) as warehouse:
        connection = warehouse.connection
        relations = _relations(connection)
        if not any(schema == "marts" for schema, _, _ in relations):
            raise PublishError(f"{home.path}: there are no marts yet. Run `leadline build` first.")
        require_finished(connection, home.path)
        home.require_free(2 * home.build_file.stat().st_size)
        published.parent.mkdir(parents=True, exist_ok=True)
        marks = _marks(connection, relations)
        last = _last(published, code_version)
        changed = [mark for mark in marks if mark not in last.marks]
        is_touched_up = {mark.relation for mark in marks} == {mark.relation for mark in last.marks}
        is_touched_up &= len(changed) <= FEW_TABLES
        is_news = {mark.said for mark in marks} != {mark.said for mark in last.marks}
        aside = published.with_name(f".{published.name}.{os.getpid()}")
        aside.unlink(missing_ok=True)
        try:
            if is_touched_up:
                shutil.copyfile(published, aside)
            connection.execute(f"attach '{str(aside).replace(chr(39), chr(39) * 2)}' as {TARGET}")
            try:
                if is_touched_up:
                    _renew(connection, changed)
                else:
                    _copy(connection, relations)
                    _restrict(connection, [name for schema, name, _ in relations if schema == "marts"])
                    _answer(connection)
                _sign(connection, as_of, code_version, warehouse.home, None if is_news else last.publication_id)
            finally:
                connection.execute(f"detach {TARGET}")
            flush(aside)
            put_in_place(aside, published)
        finally:
            aside.unlink(missing_ok=True)
    return published


def _marks(connection: duckdb.DuckDBPyConnection, relations: Sequence[Relation]) -> list[TableMark]:
    return [_mark(connection, schema, name) for schema, name, _ in relations]


def _mark(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> TableMark:
    relation = f"{quoted(schema)}.{quoted(name)}"
    mark = rows_mark(connection, relation)
    if (schema, name) in BOOKS_OF_ASKING:
        return TableMark(relation, mark, relation)
    if (schema, name) == SOURCES:
        asked = rows_mark(connection, f"(select * exclude ({quoted(LAST_ASKED)}) from {relation})")
        return TableMark(relation, mark, f"{relation} {asked}")
    return TableMark(relation, mark, f"{relation} {mark}")


def _last(published: Path, code_version: str | None) -> LastPublication:
    """What was published last, if the same code did so. All its rows are read, so damage is not copied."""
    nothing = LastPublication(None, frozenset())
    if not published.exists():
        return nothing
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            [[publication_id, code]] = connection.execute(
                "select publication_id, code_version from main.publication"
            ).fetchall()
            if code_version is None or code != code_version:
                return nothing
            return LastPublication(publication_id, frozenset(_marks(connection, _relations(connection))))
    except duckdb.Error:  # damaged, or of an older version: it is written anew
        return nothing


def _renew(connection: duckdb.DuckDBPyConnection, changed: Sequence[TableMark]) -> None:
    """Replace the rows of some tables in a copy of the last publication."""
    connection.execute("begin")
    for mark in changed:
        connection.execute(f"delete from {TARGET}.{mark.relation}")
        connection.execute(f"insert into {TARGET}.{mark.relation} by name from {mark.relation}")
    connection.execute(f"drop table {TARGET}.main.publication")
    connection.execute("commit")


def _relations(connection: duckdb.DuckDBPyConnection) -> list[Relation]:
    """Every table and view that is published."""
    found = connection.execute(
        """
        select schema_name, table_name as name, comment from duckdb_tables()
        where database_name = current_database() and not temporary and list_contains($schemas, schema_name)
        union all
        select schema_name, view_name, comment from duckdb_views()
        where database_name = current_database() and not temporary and list_contains($schemas, schema_name)
        order by all
        """,
        {"schemas": list(PUBLISHED_SCHEMAS)},
    ).fetchall()
    return [relation for relation in found if relation[:2] not in PUBLISHED_AS_MARTS]


def _copy(connection: duckdb.DuckDBPyConnection, relations: Sequence[Relation]) -> None:
    connection.execute("begin")
    for schema in sorted({schema for schema, _, _ in relations}):
        connection.execute(f"create schema {TARGET}.{quoted(schema)}")
    for schema, name, comment in relations:
        relation = f"{quoted(schema)}.{quoted(name)}"
        connection.execute(f"create table {TARGET}.{relation} as from {relation}")
        if comment:
            connection.execute(f"comment on table {TARGET}.{relation} is {text(comment)}")
    comments = connection.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns() "
        "where database_name = current_database() and comment is not null and list_contains($schemas, schema_name)",
        {"schemas": list(PUBLISHED_SCHEMAS)},
    ).fetchall()
    published = {(schema, name) for schema, name, _ in relations}
    for schema, name, column, comment in comments:
        if (schema, name) not in published:
            continue
        column_name = f"{TARGET}.{quoted(schema)}.{quoted(name)}.{quoted(column)}"
        connection.execute(f"comment on column {column_name} is {text(comment)}")
    connection.execute("commit")


def _sign(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime | None,
    code_version: str | None,
    home: Home,
    publication_id: str | None,
) -> None:
    """Say what the file is. `publication_id` is that of the last publication where this one says the same."""
    now = datetime.now(UTC)
    origin = home.path / "origin"
    connection.execute(f"create table {TARGET}.main.publication ({PUBLICATION.body})")
    connection.execute(
        f"insert into {TARGET}.main.publication values ($id, $at, $as_of, $code, $origin)",
        {
            "id": publication_id or uuid.uuid4().hex,
            "at": naive(now),
            "as_of": naive(as_of or now),
            "code": code_version,
            "origin": origin.read_text(encoding="utf-8").strip() if origin.exists() else None,
        },
    )
    _comment(connection, "publication", PUBLICATION)


def _restrict(connection: duckdb.DuckDBPyConnection, marts: list[str]) -> None:
    connection.execute(f"create table {TARGET}.main.withheld ({WITHHELD.body})")
    _comment(connection, "withheld", WITHHELD)
    entries = [(entry.mart, entry.column, entry.by_row) for entry in withheld(connection, marts)]
    if entries:
        connection.executemany(f"insert into {TARGET}.main.withheld values (?, ?, ?)", entries)


def _answer(connection: duckdb.DuckDBPyConnection) -> None:
    """Put the questions into the copy, but for those whose marts it has not: a part of the models may be all there is.

    They name no database, so that they work under any name of the file.
    """
    [[before]] = connection.execute("select current_database()").fetchall()
    connection.execute(f"use {TARGET}")
    try:
        for macro in TABLE_MACROS:
            try:
                connection.execute(macro.sql)
            except (duckdb.CatalogException, duckdb.BinderException):
                continue
            connection.execute(f"comment on macro table {quoted(macro.name)} is {text(macro.comment)}")
    finally:
        connection.execute(f"use {quoted(before)}")


def _comment(connection: duckdb.DuckDBPyConnection, table: str, definition: TableDefinition) -> None:
    connection.execute(f"comment on table {TARGET}.main.{table} is {text(definition.comment)}")
    for column, (_, comment) in definition.columns.items():
        connection.execute(f"comment on column {TARGET}.main.{table}.{quoted(column)} is {text(comment)}")
