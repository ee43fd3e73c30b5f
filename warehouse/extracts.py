"""Parquet extracts of the published marts, with a manifest, for people who do not use DuckDB.

`extracts/<name>/<name>.parquet`, where name is the mart's without `fct_`, sorted by its columns from the first on (the
key comes first), so that the same rows give the same bytes. Units, descriptions and licences stand in the file's own
metadata. A CSV beside it is an option, for spreadsheets: no cell of it can be taken for a formula.
The whole set changes in one step: `extracts` is a link that is swapped once a set is complete.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from warehouse.database import connect
from warehouse.errors import PublishError
from warehouse.files import flush, put_in_place, stamp, write_durably
from warehouse.home import Home
from warehouse.tables import columns_of, quoted

ROW_GROUP = 131_072

LICENCE_OF_ALL = "For your own use: most values belong to their providers, on the terms that each dataset states."
LICENCE_OF_PUBLIC = "Values whose provider forbids passing them on are left out; name the providers of the others."

# Characters that begin a formula in a spreadsheet. A text cell that begins with one gets an apostrophe in front.
FORMULA = r"^[=+\-@\t\r\n]"

# A comment says its unit at the end, `[days]` or `Unit: that of the rule.`; else it is last in the column's name.
UNIT_IN_COMMENT = re.compile(r"(?:\[([^\[\]]+)\]|\bUnit: (.+?))\.?$")
UNIT_OF_SUFFIX = {
    "usd": "USD",
    "btc": "BTC",
    "pct": "percent",
    "bp": "basis points",
    "bps": "basis points",
    "days": "days",
    "ehs": "EH/s",
}


@dataclass(frozen=True)
class ExtractColumn:
    """One column of an extract."""

    name: str
    type: str
    unit: str | None
    description: str | None


@dataclass(frozen=True)
class Extract:
    """One extract as the manifest describes it."""

    name: str
    file: str
    table: str
    columns: tuple[ExtractColumn, ...]
    rows: int
    first_date: str | None
    last_date: str | None
    sha256: str
    left_out: tuple[str, ...]  # columns without the values that may not be passed on
    csv: str | None
    csv_sha256: str | None


@dataclass(frozen=True)
class _Set:
    """One set of extracts while it is being written."""

    connection: duckdb.DuckDBPyConnection
    folder: Path
    licence: str
    datasets: Mapping[str, str]  # dataset -> the terms of its values
    with_csv: bool


def write_extracts(home: Home, target: Home | None = None, *, public: bool = False, csv: bool = False) -> Path:
    """Write every published mart as Parquet, then the manifest, then show the whole set at once; return the manifest.

    Reads the published file of `home` only, and shows the set in `target` (default: the home itself). `public` leaves
    out values whose source does not allow them to be republished, and whole marts of such values, and keeps states and
    regimes. `csv` adds a file for spreadsheets to each. Raises PublishError when nothing is published yet.
    """
    target = target or home
    if not home.published.exists():
        raise PublishError(f"{home.published} does not exist yet. Run `leadline run` or `leadline publish` first.")
    target.require_free(home.published.stat().st_size)
    fresh = target.build / "extracts" / stamp(datetime.now(UTC))
    fresh.mkdir(parents=True)
    try:
        with connect(home.published, read_only=True) as connection:
            left_out = _left_out(connection) if public else {}
            marts = [mart for mart in _marts(connection) if None not in left_out.get(mart, {})]
            licence = LICENCE_OF_PUBLIC if public else LICENCE_OF_ALL
            making = _Set(connection, fresh, licence, _terms(connection), csv)
            extracts = [_write(making, mart, left_out.get(mart, {})) for mart in marts]
            manifest = {
                **_publication(connection),
                "public": public,
                "licence": licence,
                "datasets": making.datasets,
                "omitted": [mart.removeprefix("fct_") for mart, columns in left_out.items() if None in columns],
                "schema_changes": _schema_changes(target.extracts / "manifest.json", extracts),
                "extracts": [asdict(extract) for extract in extracts],
            }
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        write_durably(fresh / "manifest.json", f"{text}\n".encode())
        _show(target, fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return target.extracts / "manifest.json"


def is_current(home: Home, target: Home | None = None, *, csv: bool = False) -> bool:
    """Whether `write_extracts` with the same arguments wrote a set of the newest publication already."""
    manifest = (target or home).extracts / "manifest.json"
    if not (home.published.exists() and manifest.exists()):
        return False
    with connect(home.published, read_only=True) as connection:
        publication = _publication(connection)
    shown = json.loads(manifest.read_bytes())
    has_csv = all(extract["csv"] for extract in shown["extracts"])
    return publication["publication_id"] == shown["publication_id"] and (has_csv or not csv)


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    names = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'marts' "
        "order by table_name"
    ).fetchall()
    return [name for (name,) in names]


def _left_out(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str | None, bool]]:
    """By mart, the columns to leave empty and whether only in rows that are not publishable; see `main.withheld`."""
    left_out: dict[str, dict[str | None, bool]] = {}
    for mart, column, by_row in connection.execute("from main.withheld order by all").fetchall():
        left_out.setdefault(mart, {})[column] = by_row
    return left_out


def _terms(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By dataset, on what terms its values are published."""
    return dict(connection.execute("select dataset_id, licence from raw.dataset order by dataset_id").fetchall())


def _schema_changes(before: Path, extracts: Sequence[Extract]) -> list[str]:
    """How these columns differ from those of the set shown before, as sentences; empty for a first set."""
    if not before.exists():
        return []
    was = {extract["name"]: _columns_of(extract) for extract in json.loads(before.read_bytes())["extracts"]}
    now = {extract.name: _columns_of(asdict(extract)) for extract in extracts}
    changes = [f"{name}: new" for name in now if name not in was]
    changes += [f"{name}: gone" for name in was if name not in now]
    for name in now.keys() & was.keys():
        changes += [f"{name}.{column}: new, {now[name][column]}" for column in now[name] if column not in was[name]]
        changes += [f"{name}.{column}: gone" for column in was[name] if column not in now[name]]
        changes += [
            f"{name}.{column}: {was[name][column]} became {now[name][column]}"
            for column in now[name].keys() & was[name].keys()
            if now[name][column] != was[name][column]
        ]
    return sorted(changes)


def _columns_of(extract: Mapping[str, Any]) -> dict[str, str]:
    return {
        field["name"]: f"{field['type']} in {field['unit']}" if field["unit"] else str(field["type"])
        for field in extract["columns"]
    }


def _write(making: _Set, mart: str, left_out: Mapping[str | None, bool]) -> Extract:
    connection = making.connection
    name = mart.removeprefix("fct_")
    columns = columns_of(connection, "marts", mart)
    selected = ", ".join(
        f"case when {_is_hidden(by_row)} then null else {quoted(column)} end as {quoted(column)}"
        if (by_row := left_out.get(column)) is not None
        else quoted(column)
        for column in columns
    )
    fields = tuple(
        ExtractColumn(column, data_type, _unit(column, comment), comment)
        for column, (data_type, comment) in columns.items()
    )
    table = connection.execute(f"select {selected} from marts.{quoted(mart)} order by all").to_arrow_table()
    described = pa.schema(
        [
            field.with_metadata({"unit": about.unit or "", "description": about.description or ""})
            for field, about in zip(table.schema, fields, strict=True)
        ],
        metadata={
            "leadline.columns": json.dumps([asdict(about) for about in fields], ensure_ascii=False),
            "leadline.licence": making.licence,
            "leadline.datasets": json.dumps(making.datasets, ensure_ascii=False),
        },
    )
    file = making.folder / name / f"{name}.parquet"
    file.parent.mkdir()
    pq.write_table(table.cast(described), file, compression="zstd", row_group_size=ROW_GROUP)
    flush(file)
    csv = _write_csv(table, file.with_suffix(".csv")) if making.with_csv else None
    first, last = _range(table)
    return Extract(
        name,
        f"{name}/{file.name}",
        f"marts.{mart}",
        fields,
        table.num_rows,
        first,
        last,
        _sha256(file),
        tuple(column for column in columns if column in left_out),
        f"{name}/{csv.name}" if csv else None,
        _sha256(csv) if csv else None,
    )


def _write_csv(table: pa.Table, file: Path) -> Path:
    """The rows under a header line, in UTF-8; a text that a spreadsheet would run gets an apostrophe in front."""
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            text = table.column(position)
            guarded = pc.binary_join_element_wise(pa.scalar("'", field.type), text, pa.scalar("", field.type))
            starts = pc.fill_null(pc.match_substring_regex(text, FORMULA), False)
            table = table.set_column(position, field, pc.if_else(starts, guarded, text))
    pacsv.write_csv(table, file)
    flush(file)
    return file


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _is_hidden(by_row: bool) -> str:
    return "not coalesce(publishable, false)" if by_row else "true"


def _unit(column: str, comment: str | None) -> str | None:
    if comment and (match := UNIT_IN_COMMENT.search(comment)):
        return match[1] or match[2]
    return UNIT_OF_SUFFIX.get(column.rpartition("_")[2])


def _range(table: pa.Table) -> tuple[str | None, str | None]:
    """First and last value of the first date column."""
    for field in table.schema:
        if pa.types.is_date(field.type):
            days: list[date] = [day for day in table[field.name].unique().to_pylist() if day]
            return (min(days).isoformat(), max(days).isoformat()) if days else (None, None)
    return None, None


def _publication(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    row = connection.execute("select publication_id, as_of, code_version, origin from main.publication").fetchone()
    publication_id, as_of, code_version, origin = row or (None, None, None, None)
    instant = as_of.replace(tzinfo=UTC).isoformat() if as_of else None
    return {"publication_id": publication_id, "as_of": instant, "code_version": code_version, "origin": origin}


def _show(home: Home, fresh: Path) -> None:
    """Point `extracts` to the new set. The set before is kept for readers that have it open; older ones are deleted."""
    before = home.extracts.resolve() if home.extracts.is_symlink() else None
    if home.extracts.is_dir() and not home.extracts.is_symlink():
        home.extracts.rename(fresh.with_name(f"{fresh.name}.replaced"))
    link = home.path / f".extracts.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(fresh, home.path))
    put_in_place(link, home.extracts)
    for old in fresh.parent.iterdir():
        if old not in (fresh, before):
            shutil.rmtree(old)
