"""dbt's models, built again and again: compiled once by dbt, then the same statements for every as-of time.

dbt takes 7 CPU seconds of its own for each build, and a proof over dates needs two builds a date. What dbt compiled is
kept and run here as it stands; `test_as_of.py` holds that this gives dbt's own rows, bit for bit.
"""

import json
import runpy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from pipeline import dbt_project
from warehouse.database import connect

EVERYTHING_KNOWN = "2999-12-31"  # as the orchestrator says it; compiled in, and replaced for each build
VARIABLES = {"code_version": "test", "origin": "the bundled scenario"}
MODELS = ("resource_type:seed", "resource_type:model")


@dataclass(frozen=True)
class Model:
    """One compiled model: its relation as `"schema"."name"`, view or table, and its file of SQL or Python."""

    relation: str
    materialized: str
    compiled: Path


def compile_models(build_file: Path) -> list[Model]:
    """Run dbt once on a build file, which leaves the seeds in it."""
    built = dbt_project.build(build_file, {"as_of": EVERYTHING_KNOWN, **VARIABLES}, select=MODELS)
    assert not built.failures, built.failures
    return compiled_models(build_file)


def compiled_models(build_file: Path) -> list[Model]:
    """What dbt left beside a build file that it built, in the order of the references."""
    manifest = json.loads(dbt_project.prepare().read_text())
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = TopologicalSorter({name: set(node["depends_on"]["nodes"]) & set(nodes) for name, node in nodes.items()})
    compiled = build_file.parent / "dbt" / "compiled" / manifest["metadata"]["project_name"]
    return [
        Model(
            f'"{nodes[name]["schema"]}"."{nodes[name]["alias"]}"',
            nodes[name]["config"]["materialized"],
            compiled / nodes[name]["original_file_path"],
        )
        for name in order.static_order()
    ]


def build_models(models: Sequence[Model], build_file: Path, as_of: datetime | None = None) -> None:
    """Build every model in a build file that holds the seeds; with `as_of` (aware) from what was known then."""
    known = f"{as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if as_of else EVERYTHING_KNOWN
    connection = connect(build_file)
    try:
        for model in models:
            schema, _, _ = model.relation.partition(".")
            connection.execute(f"create schema if not exists {schema}")
            if model.compiled.suffix == ".py":
                _build_python(connection, model)
            else:
                statement = model.compiled.read_text().replace(f"'{EVERYTHING_KNOWN}'", f"'{known}'")
                connection.execute(f"create or replace {model.materialized} {model.relation} as {statement}")
    finally:
        connection.close()


def _build_python(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    module = runpy.run_path(str(model.compiled))
    references = module["dbtObj"](lambda relation: connection.sql(f"from {relation}"))
    connection.register("frame", module["model"](references, connection))
    connection.execute(f"create or replace table {model.relation} as from frame")
    connection.unregister("frame")
