"""Which columns each model's columns are made of, read from the SQL that dbt compiled.

Every column of every model takes a second of work in all, so what was found is kept beside the manifest until the dbt
project changes. A column that the parser cannot follow has no entry; models in Python have none at all.
"""

import json
from collections.abc import Mapping
from typing import Any

from pipeline import dbt_project
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.tables import columns_in

# unique id of a model -> column -> [(unique id of a parent, its column)]
Lineage = Mapping[str, Mapping[str, list[tuple[str, str]]]]

DIALECT = "duckdb"


def column_lineage(manifest: Mapping[str, Any], home: Home) -> Lineage:
    """The lineage of all models that were compiled for a home's build."""
    made_of = dbt_project.prepare().stat().st_mtime_ns
    file = dbt_project.writable_target() / "lineage.json"
    if file.exists():
        kept = json.loads(file.read_bytes())
        if kept["manifest"] == made_of:
            found: Lineage = kept["lineage"]
            return found
    lineage = read_lineage(manifest, home)
    models = [node for node in manifest["nodes"].values() if _is_sql(node)]
    if len(lineage) == len(models):  # not after a build of a part: the others have no compiled SQL yet
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"manifest": made_of, "lineage": lineage}), encoding="utf-8")
    return lineage


def read_lineage(manifest: Mapping[str, Any], home: Home) -> Lineage:
    """The same, read anew."""
    compiled = home.build_file.parent / "dbt" / "compiled"
    relations = {**manifest["sources"], **manifest["nodes"]}
    tables = {name: node for name, node in relations.items() if node["resource_type"] in {"source", "seed", "model"}}
    with Warehouse(home) as warehouse:
        stored = {
            schema: columns_in(warehouse.connection, schema) for schema in {node["schema"] for node in tables.values()}
        }
    columns = {
        unique_id: {name: kind for name, (kind, _) in stored[node["schema"]].get(_table(node), {}).items()}
        for unique_id, node in tables.items()
    }
    return {
        unique_id: _of_model(node, relations, columns, file.read_text(encoding="utf-8"))
        for unique_id, node in manifest["nodes"].items()
        if _is_sql(node) and (file := compiled / node["package_name"] / node["original_file_path"]).exists()
    }


def _of_model(
    node: Mapping[str, Any], relations: Mapping[str, Any], columns: Mapping[str, Mapping[str, str]], sql: str
) -> dict[str, list[tuple[str, str]]]:
    from sqlglot import MappingSchema, exp, parse_one, to_table
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema = MappingSchema(dialect=DIALECT)
    parents = {}
    for parent in node["depends_on"]["nodes"]:
        relation = relations[parent]
        schema.add_table(to_table(relation["relation_name"], dialect=DIALECT), dict(columns[parent]), dialect=DIALECT)
        parents[relation["schema"], _table(relation)] = parent
    found: dict[str, list[tuple[str, str]]] = {}
    try:
        tree = qualify(parse_one(sql, dialect=DIALECT), schema=schema, dialect=DIALECT, validate_qualify_columns=False)
        scope = build_scope(tree)
    except SqlglotError:
        return found
    for column in columns[node["unique_id"]]:
        try:
            leaves = [
                (table, leaf.name)
                for leaf in lineage(
                    column, tree, schema=schema, dialect=DIALECT, scope=scope, trim_selects=False, copy=False
                ).walk()
                if not leaf.downstream and (table := leaf.expression.find(exp.Table))
            ]
        except SqlglotError:
            continue
        found[column] = sorted(
            {
                (parent, read)
                for table, name in leaves
                if (parent := parents.get((table.db, table.name)))
                and (read := name.rpartition(".")[2].strip('"')) in columns[parent]
            }
        )
    return found


def _is_sql(node: Mapping[str, Any]) -> bool:
    return bool(node["resource_type"] == "model" and node["language"] == "sql")


def _table(node: Mapping[str, Any]) -> str:
    return str(node.get("identifier") or node.get("alias") or node["name"])
