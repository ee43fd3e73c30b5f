"""The forecast as assets: the log between models and publication, and the record of what it was worth."""

from collections.abc import Iterator

import dagster as dg

from orchestration.dbt_assets import dbt_models
from orchestration.scope import POOL, Scope
from pipeline import forecast, forecast_record
from pipeline.code_version import code_version
from pipeline.progress import progress
from pipeline.scorecard import write_scorecard
from warehouse.database import Warehouse

GROUP = "forecast"
FORECAST_LOG = dg.AssetKey([GROUP, "log"])
FORECAST_RECORD = dg.AssetKey([GROUP, "record"])

MARTS = [spec.key for spec in dbt_models.specs if spec.key.path[0] == "marts"]


@dg.multi_asset(
    name="forecast",
    specs=[
        dg.AssetSpec(
            FORECAST_LOG,
            deps=MARTS,
            group_name=GROUP,
            description="Every forecast as it was made, appended to and never rewritten; chained by hashes.",
            kinds={"python", "duckdb"},
            owners=["team:leadline"],
        ),
        dg.AssetSpec(
            FORECAST_RECORD,
            deps=[*MARTS, FORECAST_LOG],
            group_name=GROUP,
            description="Outcomes, skill against baselines and reliability of the forecasts that have ended.",
            kinds={"python", "duckdb"},
            owners=["team:leadline"],
        ),
    ],
    pool=POOL,
)
def forecast_assets(scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """Forecast dates that have none yet, score those that have ended. A build as of earlier says nothing new."""
    progress().stage("forecast")
    if scope.known_at() is not None:
        alone = {"state": "left alone: this is a build as of earlier"}
        yield dg.MaterializeResult(asset_key=FORECAST_LOG, metadata=alone)
        yield dg.MaterializeResult(asset_key=FORECAST_RECORD, metadata=alone)
        return
    with Warehouse(scope.home()) as warehouse:
        made = forecast.forecast(warehouse, code_version=code_version())
        recorded = forecast_record.record(warehouse)
        judged = write_scorecard(warehouse)
    yield dg.MaterializeResult(
        asset_key=FORECAST_LOG,
        metadata={
            "new live forecasts": made.live,
            "new back-tests": made.backtest,
            "head": made.head or "as before",
            "history too short for": ", ".join(f"{days} days" for days in made.too_short) or "no horizon",
        },
    )
    yield dg.MaterializeResult(
        asset_key=FORECAST_RECORD,
        metadata={"forecasts ended": recorded.ended, "rows of skill": recorded.scores, "rows of scorecard": judged},
    )
