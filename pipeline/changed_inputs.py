"""What the models read that has changed since they were built last, so that a build costs what changed.

An input is one of dbt's sources. Tables of readings are only ever added to, so their number of rows tells a change; the
tables that the warehouse keeps about its data are compared by the hash of their rows. Anything else that a result
depends on (code, rules, seeds, the instant, the origin) is one input of its own: where it differs, all is built.

What was seen is kept in the build file itself, so that a file that is rebuilt or restored begins anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from warehouse.tables import RAW, quoted

TABLE = "main.built_from"
VARIABLES = "variables"


@dataclass(frozen=True)
class Changes:
    """What a build has to do: everything, or the models below some sources; `inputs` is to be kept when it is done."""

    inputs: Mapping[str, str]
    everything: bool
    sources: tuple[str, ...] = ()

    @property
    def selection(self) -> list[str]:
        """As dbt selects: what is below each changed source. Empty when everything is to be built."""
        return [] if self.everything else [f"source:{source}+" for source in self.sources]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to build."""
        return not self.everything and not self.sources


def changes(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], variables: Mapping[str, str]
) -> Changes:
    """Compare the inputs of now with those of the last build of everything that succeeded."""
    inputs = _inputs(connection, manifest, variables)
    built = _last(connection)
    if built is None or built.keys() != inputs.keys() or built[VARIABLES] != inputs[VARIABLES]:
        return Changes(inputs, everything=True)
    return Changes(inputs, everything=False, sources=tuple(name for name in inputs if inputs[name] != built[name]))


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
    found = {VARIABLES: repr(sorted(variables.items()))}
    for source in manifest["sources"].values():
        shown = (
            source["config"].get("meta", {}).get("dagster", {}).get("asset_key")
        )  # of a view, the table that it shows
        schema, table = shown or (source["schema"], source["name"])
        relation = f"{quoted(schema)}.{quoted(table)}"
        what = "count(*), bit_xor(hash(t))" if schema == RAW and not shown else "count(*), null"
        rows = connection.execute(f"select {what} from {relation} as t").fetchone()
        found[f"{source['source_name']}.{source['name']}"] = repr(rows)
    return found
