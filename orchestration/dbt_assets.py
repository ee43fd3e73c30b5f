"""Between raw and published: the option surface, then one dbt build of all models and tests."""

import json
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.model_metadata import Describer, rows_of
from orchestration.scope import POOL, Scope
from pipeline import analytics_tables, changed_inputs, dbt_project, option_surface
from pipeline.as_of import frozen_copy
from pipeline.code_version import code_version
from pipeline.column_lineage import column_lineage
from pipeline.progress import progress
from sources.registry import DATASETS
from warehouse import unfinished_build
from warehouse.database import Warehouse
from warehouse.home import Home

SURFACE_KEYS = {name: dg.AssetKey(["analytics", name]) for name in option_surface.TABLES}
MARTS_SCHEMA = "marts"  # the schema that other steps and readers read
EVERYTHING_KNOWN = "2999-12-31"  # the as-of time of a build that leaves nothing out


class _Layers(DagsterDbtTranslator):
    """Groups of models follow their schemas: intermediate, marts, reference."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return ["team:leadline"]


_TRANSLATOR = _Layers()
_MANIFEST = json.loads(dbt_project.prepare().read_bytes())


@dg.multi_asset(
    name="option_surface",
    specs=[
        dg.AssetSpec(
            key,
            deps=[dg.AssetKey(["raw", chain]) for chain in ("deribit__option_chain", "okx__option_summary")],
            group_name="analytics",
            description=option_surface.TABLES[name].comment,
            kinds={"python", "duckdb"},
            owners=["team:leadline"],
        )
        for name, key in SURFACE_KEYS.items()
    ],
    pool=POOL,
)
def option_surface_assets(scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """Risk reversals, smiles and implied probabilities of chain snapshots that have none yet."""
    progress().stage("option surface")
    with Warehouse(scope.home()) as warehouse:
        warehouse.ensure_tables(DATASETS)  # in a home that never fetched there are none yet
        computed = option_surface.compute(warehouse)
    for name, key in SURFACE_KEYS.items():
        yield dg.MaterializeResult(
            asset_key=key, metadata={"new snapshots": computed.snapshots, "new rows": computed.rows[name]}
        )


@dbt_assets(manifest=_MANIFEST, name="models", dagster_dbt_translator=_TRANSLATOR, pool=POOL)
def dbt_models(context: dg.AssetExecutionContext, scope: Scope) -> Iterator[Any]:
    """Intermediate models, marts and their tests: one `dbt build` in this process."""
    progress().stage("models")
    home = scope.home()
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)  # a dataset declared since the last fetch has its table, empty
        analytics_tables.ensure_tables(warehouse.connection)
    known_at = scope.known_at()
    if known_at is not None:
        home = frozen_copy(home, known_at)
    variables = {
        "as_of": known_at.strftime("%Y-%m-%d %H:%M:%S") if known_at else EVERYTHING_KNOWN,
        "code_version": code_version(),
        "origin": scope.origin(),
    }
    select = _selected_models(context)
    with Warehouse(home) as warehouse:
        changed = changed_inputs.changes(warehouse.connection, _MANIFEST, variables)
        was_unfinished = unfinished_build.is_unfinished(warehouse.connection)
        if select or not changed.nothing:
            changed_inputs.forget(warehouse.connection)
            unfinished_build.begin(warehouse.connection)
    if changed.nothing and not select:
        yield from _unchanged(context, ())
        return
    built = dbt_project.build(home.build_file, variables, select=select or changed.selection, on_node=progress().built)
    failures = built.failures
    lineage = column_lineage(_MANIFEST, home)
    with Warehouse(home) as warehouse:
        if not select and not failures:
            changed_inputs.remember(warehouse.connection, changed.inputs)
        if not failures and not (select and was_unfinished):  # a part of the models does not finish the others
            unfinished_build.finish(warehouse.connection)
        describer = Describer(warehouse.connection, _MANIFEST, _TRANSLATOR, lineage)
        results = [result for event in built.events for result in _results(context, home, describer, event)]
    tests = sum(isinstance(result, dg.AssetCheckResult) for result in results)
    context.log.info(
        "%d models and seeds built, %d tests held, %d failed",
        len(results) - tests,
        tests - len(failures),
        len(failures),
    )
    if failures:
        yield from results
        raise dg.Failure(
            description="Models or tests failed, so nothing was published and readers keep the last good warehouse. "
            + "; ".join(failures)
        )
    yield from _unchanged(context, results)
    yield from results


def _unchanged(context: dg.AssetExecutionContext, results: Sequence[Any]) -> Iterator[dg.Output[None]]:
    """The marts below which nothing is new: they stand as they were built, and what needs them goes on.

    None of them reads a model that was built, so they come first; among themselves in the order of who reads whom.
    Other models that were not built are not reported: no other step reads them.
    """
    built = {result.output_name for result in results if isinstance(result, dg.Output)}
    names = {key: name for name, key in context.assets_def.keys_by_output_name.items()}
    for key in TopologicalSorter(context.assets_def.asset_deps).static_order():
        if key.path[0] == MARTS_SCHEMA and key in context.selected_asset_keys and names[key] not in built:
            yield dg.Output(None, names[key], metadata={"state": "unchanged: nothing that it reads is new"})


def _selected_models(context: dg.AssetExecutionContext) -> list[str]:
    """Names of the chosen models, empty when all are: a part of the graph can be chosen in the UI."""
    if not context.is_subset:
        return []
    return sorted(key.path[-1] for key in context.selected_asset_keys)


def _results(
    context: dg.AssetExecutionContext, home: Home, describer: Describer, event: dbt_project.Event
) -> Iterator[Any]:
    """A dbt result with what a person wants to see beside it: the data of a model, what to do about a failed test."""
    unique_id = event["data"]["node_info"]["unique_id"]
    if unique_id not in _MANIFEST["nodes"]:
        # The dbt project was edited after these definitions were loaded; the build used the new one.
        context.log.warning("%s is new: reload the definitions to see it as an asset.", event["data"]["name"])
        return
    for result in DbtCoreCliEventMessage(event, {}).to_default_asset_events(
        _MANIFEST, dagster_dbt_translator=_TRANSLATOR, context=context
    ):
        if isinstance(result, dg.Output):
            yield result.with_metadata({**result.metadata, **describer.metadata(unique_id)})
        elif isinstance(result, dg.AssetCheckResult) and not result.passed:
            yield result._replace(
                description=f"Rows break {result.check_name}. See them: "
                f"{rows_of(_MANIFEST, unique_id, home.build_file)}"
            )
        else:
            yield result
