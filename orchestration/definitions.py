"""All Dagster definitions of Leadline together. Opens no socket and no database."""

import dagster as dg

from orchestration.alert_assets import failed_publish, told
from orchestration.chain_assets import chain_cells, chain_values
from orchestration.dbt_assets import dbt_models, option_surface_assets
from orchestration.forecast_assets import forecast_assets
from orchestration.provider_shapes import provider_shapes
from orchestration.publication import extracts, published_warehouse, regime_log, report, site
from orchestration.raw_assets import raw_assets
from orchestration.schedules import JOBS, SCHEDULES
from orchestration.scope import Scope

defs = dg.Definitions(
    assets=[
        raw_assets,
        option_surface_assets,
        chain_cells,
        chain_values,
        dbt_models,
        forecast_assets,
        regime_log,
        published_warehouse,
        extracts,
        report,
        site,
        told,
        provider_shapes,
    ],
    jobs=JOBS,
    schedules=SCHEDULES,
    sensors=[failed_publish],
    resources={"scope": Scope()},
    # In one process: ten steps take 6 s instead of 33 s, and no step waits for another one's lock.
    executor=dg.in_process_executor,
)
