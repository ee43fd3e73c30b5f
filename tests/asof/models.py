"""dbt's models, built again and again: compiled once by dbt, then the same statements for every as-of time.

dbt takes 7 CPU seconds of its own for each build, and a proof over dates needs two builds a date. What dbt compiled is
kept and run here as it stands; `test_as_of.py` holds that this gives dbt's own rows, bit for bit.
"""

import json
import runpy
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from orchestration import dbt
from warehouse.database import connect

PLACEHOLDER = datetime(2999, 12, 31)  # compiled into the statements, and replaced for each build
VARIABLES = {"code_version": "test", "origin": "the bundled scenario"}


@dataclass(frozen=True)
class Model:
    """One compiled model: its relation as `"schema"."name"`, view or table, and its file of SQL or Python."""

    relation: str
    materialized: str
    compiled: Path


def compile_models(build_file: Path) -> list[Model]:
    """Run dbt once on a build file, which leaves the seeds in it; the models in the order of their references."""
    built = dbt.build(build_file, {"as_of": _text(PLACEHOLDER), **VARIABLES}, select=["resource_type:seed", *_models()])
    assert not built.failures, built.failures
    manifest = json.loads(dbt.MANIFEST.read_text())
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


def build_models(models: list[Model], build_file: Path, as_of: datetime | None = None) -> None:
    """Build every model in a build file that holds the seeds; with `as_of` (aware) from what was known then."""
    known = as_of.astimezone(UTC).replace(tzinfo=None) if as_of else PLACEHOLDER
    connection = connect(build_file)
    try:
        for model in models:
            if model.compiled.suffix == ".py":
                _build_python(connection, model)
            else:
                statement = model.compiled.read_text().replace(_text(PLACEHOLDER), _text(known))
                connection.execute(f"create or replace {model.materialized} {model.relation} as {statement}")
    finally:
        connection.close()


def _models() -> list[str]:
    """What dbt selects; tests of the models are left to the suite that is about them."""
    return ["resource_type:model"]


def _build_python(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    module = runpy.run_path(str(model.compiled))
    references = module["dbtObj"](lambda relation: connection.sql(f"from {relation}"))
    frame = module["model"](references, connection)  # noqa: F841 - DuckDB finds it by name
    connection.execute(f"create or replace table {model.relation} as from frame")


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S")
