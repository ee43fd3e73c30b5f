"""What a model's page shows beside what dbt says: columns with types and units, what they are made of, its data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator

from orchestration.data_previews import pictured
from pipeline.column_lineage import Lineage
from warehouse.table_profile import day_column, profile_table
from warehouse.tables import columns_in

SHOWN_SCHEMA = "marts"  # of the others the columns and the row count do


class Describer:
    """Looks at the tables of a finished build through an open connection."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        manifest: Mapping[str, Any],
        translator: DagsterDbtTranslator,
        lineage: Lineage,
    ) -> None:
        self._connection = connection
        self._nodes = {**manifest["sources"], **manifest["nodes"]}
        self._translator = translator
        self._lineage = lineage
        self._keys = {node["attached_node"]: _key_of(node) for node in manifest["nodes"].values() if _key_of(node)}
        self._columns = {
            schema: columns_in(connection, schema) for schema in {node["schema"] for node in self._nodes.values()}
        }
        tables = connection.execute("select schema_name, table_name, estimated_size from duckdb_tables()").fetchall()
        self._rows = {(schema, table): rows for schema, table, rows in tables}

    def metadata(self, unique_id: str) -> dict[str, Any]:
        """Metadata of the materialisation of one model or seed."""
        node = self._nodes[unique_id]
        schema, table = node["schema"], node["name"]
        metadata: dict[str, Any] = {"dagster/column_schema": self._schema(schema, table)}
        if lineage := self._lineage.get(unique_id):
            metadata["dagster/column_lineage"] = self._made_of(lineage)
        if schema == SHOWN_SCHEMA:
            day = day_column(self._connection, schema, table)
            seen = profile_table(self._connection, schema, table, day=day, key=self._keys.get(unique_id, ()))
            metadata |= pictured(seen)
        elif (schema, table) in self._rows:
            metadata["dagster/row_count"] = self._rows[schema, table]
        return metadata

    def _schema(self, schema: str, table: str) -> dg.TableSchema:
        columns = self._columns[schema].get(table, {})
        return dg.TableSchema(
            [dg.TableColumn(name, kind, description=comment) for name, (kind, comment) in columns.items()]
        )

    def _made_of(self, lineage: Mapping[str, Sequence[tuple[str, str]]]) -> dg.TableColumnLineage:
        return dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(self._translator.get_asset_key(self._nodes[parent]), read)
                    for parent, read in parents
                ]
                for column, parents in lineage.items()
            }
        )


def rows_of(manifest: Mapping[str, Any], unique_id: str, build_file: Path) -> str:
    """How a person sees the rows that break a test. Nothing of this build is published, so it is the build file."""
    node = manifest["nodes"][unique_id]
    compiled = build_file.parent / "dbt" / "compiled" / node["package_name"] / node["original_file_path"]
    if "test_metadata" in node:  # a test of the yml has a file of its own below it
        compiled /= node["path"]
    return f"duckdb -readonly {build_file} -f {compiled}"


def _key_of(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that a uniqueness test holds; empty for any other node."""
    test = node.get("test_metadata") or {}
    return tuple(test["kwargs"]["columns"]) if test.get("name") == "unique_key" else ()
