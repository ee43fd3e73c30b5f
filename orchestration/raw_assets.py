"""One Dagster asset a declared dataset, with four checks: did it answer, is the contract kept, is nothing missing,
is the data fresh.

All of them are one step: fetching is waiting, so the providers are asked at the same time, and one writer loads what
came. A dead source never sinks the day: its asset materialises with the data it has, a check turns red without
blocking, and the build goes on.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise

import dagster as dg

from orchestration.data_previews import pictured
from orchestration.scope import POOL, Scope
from pipeline.fetch import FetchOutcome, FetchResult
from pipeline.ingest import IngestResult, ingest
from pipeline.progress import progress
from sources.core.dataset import CADENCE_TIMES, Access, Cadence, Dataset
from sources.core.errors import Failure
from sources.registry import DATASETS
from warehouse.tables import sql_type

A_RUN = timedelta(hours=1)  # from the scheduled time until the slowest run has materialised everything

ANSWERED = "answered"
CONTRACT = "contract"
FRESH = "fresh"
COMPLETE = "complete"

# The provider did answer, but not in the shape we know: the contract is broken, not the line.
BROKEN_CONTRACT = frozenset({Failure.CHANGED_LAYOUT, Failure.NOT_DATA})


def asset_key(dataset: Dataset) -> dg.AssetKey:
    """`raw/<provider>__<dataset>`, which is also the dbt source, so that the two graphs join by name."""
    return dg.AssetKey(["raw", dataset.table])


BY_KEY: Mapping[dg.AssetKey, Dataset] = {asset_key(dataset): dataset for dataset in DATASETS}


def _spec(dataset: Dataset) -> dg.AssetSpec:
    key_variable = dataset.provider.key_variable
    return dg.AssetSpec(
        asset_key(dataset),
        description=dataset.description,
        group_name=dataset.provider.name,
        kinds={"source", "duckdb"},
        owners=["team:leadline"],
        tags={"bucket": dataset.bucket.value, "cadence": dataset.cadence.value, "access": dataset.access.value},
        freshness_policy=freshness_policy(dataset.cadence),
        metadata={
            "dagster/column_schema": _columns(dataset),
            "provider": dg.MetadataValue.url(dataset.provider.home),
            "licence": dataset.provider.licence,
            "may be republished": dataset.provider.may_republish,
            "key": f"needs {key_variable}" if key_variable else "none needed",
        },
    )


def freshness_policy(cadence: Cadence) -> dg.FreshnessPolicy:
    """Amber when a scheduled time has passed without a materialisation, red when two have.

    Whether the data itself is as new as it should be, by its own dates, is what the check `fresh` says at each run.
    """
    times = CADENCE_TIMES[cadence]
    hours = [moment.hour + moment.minute / 60 for moment in (*times, *times)]
    gaps = [(after - before) % 24 or 24 for before, after in pairwise([*hours, hours[0]])]
    return dg.FreshnessPolicy.time_window(
        warn_window=timedelta(hours=max(gaps)) + A_RUN,
        fail_window=timedelta(hours=max(sum(two) for two in pairwise(gaps))) + A_RUN,
    )


def _columns(dataset: Dataset) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=sql_type(column.dtype),
                description=f"{column.description} [{column.unit}]" if column.unit else column.description,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=dataset.key == (name,)),
            )
            for name, column in dataset.columns.items()
        ]
    )


def _check_specs(dataset: Dataset) -> Iterator[dg.AssetCheckSpec]:
    key = asset_key(dataset)
    yield dg.AssetCheckSpec(ANSWERED, asset=key, description="The provider answered.")
    yield dg.AssetCheckSpec(CONTRACT, asset=key, description="What it sent has the declared columns and bounds.")
    yield dg.AssetCheckSpec(COMPLETE, asset=key, description="No period is missing of what was asked for.")
    yield dg.AssetCheckSpec(FRESH, asset=key, description="The newest observation is as new as it should be.")


@dg.multi_asset(
    name="ingest",
    specs=[_spec(dataset) for dataset in DATASETS],
    check_specs=[check for dataset in DATASETS for check in _check_specs(dataset)],
    can_subset=True,
    pool=POOL,
)
def raw_assets(context: dg.AssetExecutionContext, scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """Fetch all selected datasets at once, load each as it arrives."""
    progress().stage("fetching")
    selected = [BY_KEY[key] for key in sorted(context.selected_asset_keys) if key in BY_KEY]
    for ingested in ingest(scope.claimed_home(), scope.settings(), selected, scope.span()):
        _tell(context, ingested)
        yield _result(ingested)


def _tell(context: dg.AssetExecutionContext, ingested: IngestResult) -> None:
    """A line of the run's log for each dataset, as it is done."""
    if ingested.trouble:
        context.log.warning("%s: %s", ingested.dataset.id, ingested.trouble)
        return
    load = ingested.load
    context.log.info(
        "%s: %d new rows, %d revised, %d rejected%s; newest observation %s",
        ingested.dataset.id,
        load.rows_new if load else 0,
        load.rows_revised if load else 0,
        load.rejects if load else 0,
        "".join(f", {count} left out ({reason})" for reason, count in load.left_out.items()) if load else "",
        f"{ingested.newest:%Y-%m-%d %H:%M}" if ingested.newest else "none",
    )


def _result(ingested: IngestResult) -> dg.MaterializeResult[None]:
    load = ingested.load
    return dg.MaterializeResult(
        asset_key=asset_key(ingested.dataset),
        metadata={
            **pictured(ingested.profile),
            "new rows": load.rows_new if load else 0,
            "revised rows": load.rows_revised if load else 0,
            "rejected rows": load.rejects if load else 0,
            "left out": "; ".join(f"{count} × {reason}" for reason, count in load.left_out.items()) if load else "",
            "missing periods": ingested.coverage.missing,
            "coverage": str(ingested.coverage),
            "newest observation": str(ingested.newest or "none"),
            "window": _window(ingested.fetched),
            "requests": ingested.fetched.requests,
            "bytes": ingested.fetched.bytes,
            "state": ingested.fetched.outcome.value,
        },
        check_results=[_answered(ingested), _contract(ingested), _complete(ingested), _fresh(ingested)],
    )


def _window(fetched: FetchResult) -> str:
    if fetched.covered is None:
        return "none"
    return f"{fetched.covered.start:%Y-%m-%d %H:%M} to {fetched.covered.end:%Y-%m-%d %H:%M} UTC"


def _answered(ingested: IngestResult) -> dg.AssetCheckResult:
    fetched = ingested.fetched
    failed = fetched.outcome is FetchOutcome.FAILED and fetched.failure not in BROKEN_CONTRACT
    noted = fetched.outcome is FetchOutcome.ANSWERED and bool(fetched.message)
    severity = dg.AssetCheckSeverity.WARN if noted else dg.AssetCheckSeverity.ERROR
    return _check(ingested, ANSWERED, not (failed or noted), fetched.message or "answered", severity)


def _contract(ingested: IngestResult) -> dg.AssetCheckResult:
    fetched = ingested.fetched
    broken = ingested.load_error
    if fetched.outcome is FetchOutcome.FAILED and fetched.failure in BROKEN_CONTRACT:
        broken = fetched.message
    kept = f"{ingested.load.rejects} rows rejected" if ingested.load else "nothing new to read"
    return _check(ingested, CONTRACT, not broken, broken or kept, dg.AssetCheckSeverity.ERROR)


def _complete(ingested: IngestResult) -> dg.AssetCheckResult:
    """Fails while a gap may still be filled; what will never be filled, or is accepted, is said and passes."""
    found = ingested.coverage
    return _check(ingested, COMPLETE, not found.open, str(found), dg.AssetCheckSeverity.WARN)


def _fresh(ingested: IngestResult) -> dg.AssetCheckResult:
    never_asked = ingested.fetched.outcome is FetchOutcome.NOT_ASKED and ingested.newest is None
    silent = never_asked or ingested.fetched.outcome is FetchOutcome.NEEDS_KEY
    fresh = silent or not ingested.stale
    return _check(
        ingested, FRESH, fresh, "not asked" if never_asked else ingested.stale or "fresh", dg.AssetCheckSeverity.WARN
    )


def _check(
    ingested: IngestResult, name: str, passed: bool, description: str, severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset_key(ingested.dataset),
        check_name=name,
        passed=passed,
        severity=severity,
        description=description,
        metadata={"provider": ingested.dataset.provider.title},
    )


def keys_of(cadence: Cadence | None = None, access: Access | None = None) -> list[dg.AssetKey]:
    """Raw assets of a cadence or a kind of access."""
    return [
        key
        for key, dataset in BY_KEY.items()
        if cadence in {None, dataset.cadence} and access in {None, dataset.access}
    ]
