"""Jobs, and when they run (UTC)."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.alert_assets import ALERTS
from orchestration.chain_assets import CELLS_KEY, VALUED_KEYS
from orchestration.dbt_assets import SURFACE_KEYS, dbt_models
from orchestration.forecast_assets import FORECAST_LOG, FORECAST_RECORD
from orchestration.provider_shapes import PROBE_JOB, SHAPES
from orchestration.publication import EXTRACTS, REGIME_LOG, REPORT, SITE, WAREHOUSE
from orchestration.raw_assets import keys_of
from sources.core.dataset import CADENCE_TIMES, Access, Cadence

PUBLICATION = [REGIME_LOG, WAREHOUSE, EXTRACTS, REPORT, SITE, ALERTS]
BUILD = [*SURFACE_KEYS.values(), *VALUED_KEYS.values(), *dbt_models.keys, FORECAST_LOG, FORECAST_RECORD, *PUBLICATION]
EVERYTHING = dg.AssetSelection.all() - dg.AssetSelection.assets(SHAPES)
WEEKLY = "10 3 * * 0"  # Sunday, between two snapshots and long after the daily refresh


def crons(cadence: Cadence) -> list[str]:
    """The cron lines of a cadence, so that schedules and back-fills follow the same times."""
    return [f"{moment.minute} {moment.hour} * * *" for moment in CADENCE_TIMES[cadence]]


refresh_job = dg.define_asset_job(
    "refresh", selection=EVERYTHING, description="Everything: fetch, load, build, publish."
)
backfill_job = dg.define_asset_job(
    "backfill",
    selection=EVERYTHING,
    description="History between two days, in windows. Interrupted ones go on where they stopped.",
    config={"resources": {"scope": {"config": {"first": "2024-01-01", "last": None, "each_instant": True}}}},
)
build_job = dg.define_asset_job(
    "build", selection=dg.AssetSelection.assets(*BUILD), description="Models and publication from what is loaded."
)
publish_job = dg.define_asset_job(
    "publish", selection=dg.AssetSelection.assets(*PUBLICATION), description="Publication from what is built."
)
snapshot_job = dg.define_asset_job(
    "snapshot",
    selection=dg.AssetSelection.assets(*keys_of(Cadence.SNAPSHOT, Access.NOW)),
    description="What a provider answers only for now: option chain, open interest, difficulty estimate.",
)
etf_job = dg.define_asset_job(
    "etf",
    selection=dg.AssetSelection.assets(*keys_of(Cadence.ETF), CELLS_KEY, *BUILD),
    description="The morning after a trading date: ETF flows again, then build and publish.",
)
probe_job = dg.define_asset_job(
    PROBE_JOB,
    selection=dg.AssetSelection.assets(SHAPES),
    description="One answer of each provider, compared with the shape that is expected.",
)

JOBS = [refresh_job, backfill_job, build_job, publish_job, snapshot_job, etf_job, probe_job]


def _schedule(job: UnresolvedAssetJobDefinition, cadence: Cadence) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=crons(cadence),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


SCHEDULES = [
    _schedule(refresh_job, Cadence.DAILY),
    _schedule(snapshot_job, Cadence.SNAPSHOT),
    _schedule(etf_job, Cadence.ETF),
    dg.ScheduleDefinition(
        name="probe_schedule",
        job=probe_job,
        cron_schedule=WEEKLY,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    ),
]
