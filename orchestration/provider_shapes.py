"""Once a week: one answer of each provider, kept and compared with the shape that its reader expects."""

from collections.abc import Iterator

import dagster as dg

from orchestration.scope import Scope
from pipeline.origin import newest
from pipeline.probe import lightest, looks_offline, probe_all
from pipeline.shape_record import ShapeReport, record_shape
from sources.registry import DATASETS

GROUP = "upkeep"
SHAPES = dg.AssetKey([GROUP, "provider_shapes"])
PROBE_JOB = "probe"


@dg.multi_asset(
    name="provider_shapes",
    specs=[
        dg.AssetSpec(
            SHAPES,
            group_name=GROUP,
            description="One answer of each provider as it is today, and how its shape differs from what is expected.",
            kinds={"python"},
            owners=["team:leadline"],
        )
    ],
    check_specs=[
        dg.AssetCheckSpec(dataset.provider.name, asset=SHAPES, description=f"{dataset.id} answers as expected.")
        for dataset in lightest(DATASETS)
    ],
    can_subset=True,  # a provider that does not answer has no result
)
def provider_shapes(context: dg.AssetExecutionContext, scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """Ask each provider once. A run that fetches data anyway does not ask once more."""
    if not _is_asked_alone(context):
        yield dg.MaterializeResult(asset_key=SHAPES, metadata={"state": "left alone: the job `probe` asks once a week"})
        return
    settings, home = scope.settings(), scope.home()
    results = probe_all(lightest(DATASETS), settings, newest(settings) if settings.upstream else None)
    if looks_offline(results):
        raise dg.Failure(description=f"This machine looks offline: none of {len(results)} providers could be reached.")
    reports = [record_shape(home, result, settings) for result in results]
    compared = [report for report in reports if not report.why_not]
    yield dg.MaterializeResult(
        asset_key=SHAPES,
        metadata={
            "compared": len(compared),
            "differ": len([report for report in compared if report.differs]),
            "not compared": "; ".join(f"{report.dataset.id}: {report.why_not}" for report in reports if report.why_not),
        },
        check_results=[_result(report) for report in compared],
    )


def _is_asked_alone(context: dg.AssetExecutionContext) -> bool:
    selected = context.run.asset_selection
    return context.job_name == PROBE_JOB or (selected is not None and set(selected) == {SHAPES})


def _result(report: ShapeReport) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=SHAPES,
        check_name=report.dataset.provider.name,
        passed=not report.differs,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{report.dataset.id}: {report}",
        metadata={"answer": str(report.file), "provider": report.dataset.provider.title},
    )
