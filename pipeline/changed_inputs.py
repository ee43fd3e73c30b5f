"""What the models read that has changed since they were built last, so that a build costs what changed.

An input is one of dbt's sources: a table, compared by the hash of all its rows. Whatever else a result depends on
(code, rules, seeds, versions of the software, the instant, the origin) is one input of its own: where it differs, all
is built.

A view shows what lies below it as it is, so it needs no build. Its tests run with the next build of anything.

What was seen is kept in the build file itself, so that a file that is rebuilt or restored begins anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import duckdb

from warehouse.fingerprint import rows_mark
from warehouse.tables import quoted

TABLE = "main.built_from"
VARIABLES = "variables"
ENGINES = ("duckdb", "dbt-core", "dbt-duckdb")  # another version may compute another last digit


@dataclass(frozen=True)
class Changes:
    """What a build has to do: everything, or the models below some sources; `inputs` is to be kept when it is done.

    `nothing` says that all models are as a build would leave them.
    """

    inputs: Mapping[str, str]
    everything: bool
    sources: tuple[str, ...] = ()
    nothing: bool = False

    @property
    def selection(self) -> list[str]:
        """As dbt selects: what is below each changed source. Empty when everything is to be built."""
        return [] if self.everything else [f"source:{source}+" for source in self.sources]


def changes(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], variables: Mapping[str, str]
) -> Changes:
    """Compare the inputs of now with those of the last build of everything that succeeded."""
    inputs = _inputs(connection, manifest, variables)
    built = _last(connection)
    if (
        built is None
        or built.keys() != inputs.keys()
        or built[VARIABLES] != inputs[VARIABLES]
        or not _models(manifest) <= _relations(connection)  # somebody took a table away
    ):
        return Changes(inputs, everything=True)
    changed = tuple(name for name in inputs if inputs[name] != built[name])
    stored = _read_by_tables(manifest)
    return Changes(inputs, everything=False, sources=changed, nothing=not stored & set(changed))


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Have the next build make everything: while one runs, or after one that failed or made a part by choice."""
    connection.execute(f"drop table if exists {TABLE}")


def remember(connection: duckdb.DuckDBPyConnection, inputs: Mapping[str, str]) -> None:
    """Keep what the models are built from now."""
    connection.execute(f"create or replace table {TABLE} (input varchar primary key, fingerprint varchar not null)")
    connection.executemany(f"insert into {TABLE} values (?, ?)", list(inputs.items()))


def _last(connection: duckdb.DuckDBPyConnection) -> dict[str, str] | None:
    try:
        return dict(connection.execute(f"select input, fingerprint from {TABLE}").fetchall())
    except duckdb.CatalogException:
        return None


def _inputs(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], variables: Mapping[str, str]
) -> dict[str, str]:
    engines = {name: version(name) for name in ENGINES}
    found = {VARIABLES: repr(sorted({**variables, **engines}.items()))}
    for source in manifest["sources"].values():
        # Of a view, the table that it shows.
        shown = source["config"].get("meta", {}).get("dagster", {}).get("asset_key")
        schema, table = shown or (source["schema"], source["name"])
        relation = f"{quoted(schema)}.{quoted(table)}"
        found[f"{source['source_name']}.{source['name']}"] = rows_mark(connection, relation)
    return found


def _models(manifest: Mapping[str, Any]) -> set[tuple[str, str]]:
    kinds = {"model", "seed"}
    return {
        (node["schema"], node["name"])
        for node in manifest["nodes"].values()
        if node["resource_type"] in kinds and node["config"]["materialized"] != "ephemeral"
    }


def _relations(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    return set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())


def _read_by_tables(manifest: Mapping[str, Any]) -> set[str]:
    """The sources with a stored table among the models below them."""
    nodes, children = manifest["nodes"], manifest["child_map"]

    def below(name: str) -> Iterator[str]:
        for child in children.get(name, ()):
            yield child
            yield from below(child)

    def is_stored(name: str) -> bool:
        node = nodes.get(name, {})
        return node.get("resource_type") == "model" and node["config"]["materialized"] not in {"view", "ephemeral"}

    return {
        f"{source['source_name']}.{source['name']}"
        for unique_id, source in manifest["sources"].items()
        if any(map(is_stored, below(unique_id)))
    }
