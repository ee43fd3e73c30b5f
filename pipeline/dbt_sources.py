"""dbt's `_sources.yml`, written from the declarations by `make sources`; a test holds the committed file equal.

Three sources: `staging`, the views that models read data from; `raw`, the tables that the warehouse keeps about its
data; `analytics`, what is computed before dbt. A view has the Dagster key of the table that it shows, so that lineage
begins at the dataset.
"""

import json
from collections.abc import Iterator, Mapping

from pipeline.analytics_tables import TABLES, VIEWS
from pipeline.dbt_project import DBT_PROJECT
from sources.registry import DATASETS
from warehouse.metadata_tables import METADATA_TABLES
from warehouse.staging_views import SCHEMA, view_of
from warehouse.table_definition import TableDefinition

FILE = DBT_PROJECT / "models" / "staging" / "_sources.yml"
HEAD = """\
# Written by `make sources`. To change a line, change the declaration that it is from: in sources/,
# warehouse/metadata_tables.py or pipeline/analytics_tables.py.
version: 2

sources:"""
STAGING_SAYS = "Every version of every row, with the range of signal dates that see it. Views that the warehouse makes."
METADATA_SAYS = "What the warehouse writes down about its data: loads, attempts, rejects. The data is read in staging."
ANALYTICS_SAY = "What is computed between raw and dbt, versioned by when it could be known."


def sources_yml() -> str:
    """The whole file."""
    in_staging = {view.table for view in VIEWS}
    computed = {name: table for name, table in TABLES.items() if name not in in_staging}
    return "\n".join(
        [
            HEAD,
            *_staging(),
            *_tables("raw", METADATA_SAYS, METADATA_TABLES),
            *_tables("analytics", ANALYTICS_SAY, computed),
            "",
        ]
    )


def _staging() -> Iterator[str]:
    yield from _source(SCHEMA, STAGING_SAYS)
    views = sorted((*map(view_of, DATASETS), *VIEWS), key=lambda view: view.name)
    for view in views:
        meta = f"{{dagster: {{asset_key: [{view.schema}, {view.table}]}}, key: [{', '.join(view.key)}]}}"
        yield from _table(view.name, view.description, view.all_columns, f"config: {{meta: {meta}}}")


def _tables(source: str, says: str, tables: Mapping[str, TableDefinition]) -> Iterator[str]:
    yield from _source(source, says)
    for name, table in tables.items():
        yield from _table(name, table.comment, table.columns)


def _source(name: str, says: str) -> Iterator[str]:
    yield f"  - name: {name}"
    yield f"    description: {_text(says)}"
    yield "    tables:"


def _table(name: str, says: str, columns: Mapping[str, tuple[str, str]], *more: str) -> Iterator[str]:
    yield f"      - name: {name}"
    for line in (f"description: {_text(says)}", *more, "columns:"):
        yield f"        {line}"
    for column, (sql_type, description) in columns.items():
        data_type = sql_type.split()[0].lower()
        data_type = _text(data_type) if data_type.endswith("[]") else data_type  # YAML reads brackets as a list
        yield f"          - {{name: {column}, data_type: {data_type}, description: {_text(description)}}}"


def _text(words: str) -> str:
    """A text as YAML: JSON's form is YAML too."""
    return json.dumps(words, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(sources_yml(), encoding="utf-8")
