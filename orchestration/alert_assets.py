"""Alerts in Dagster: the asset that tells people after each publication, and the sensor for runs that failed."""

from collections.abc import Iterator

import dagster as dg

from orchestration.liveness import history_of
from orchestration.publication import GROUP, REPORT, WAREHOUSE
from orchestration.retention import forget_old_runs
from orchestration.scope import Scope
from pipeline import heartbeat
from pipeline.alerting import NOT_CONFIGURED, news, tell, tell_of_failure

ALERTS = dg.AssetKey([GROUP, "alerts"])
DELIVERED = "delivered"


@dg.asset(
    key=ALERTS,
    deps=[WAREHOUSE, REPORT],
    group_name=GROUP,
    kinds={"python"},
    owners=["team:leadline"],
    check_specs=[dg.AssetCheckSpec(DELIVERED, asset=ALERTS, description="What changed reached the people to be told.")],
)
def told(context: dg.AssetExecutionContext, scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """News of the published date, sent once to the configured addresses: regime, buckets, stale datasets."""
    forget_old_runs(context.instance, history_of(scope.settings().home))
    yield _tell_readers(context, scope)


def _tell_readers(context: dg.AssetExecutionContext, scope: Scope) -> dg.MaterializeResult[None]:
    if scope.known_at() is not None:
        return _result("left alone: this is a build as of earlier", 0, True)
    context.log.info(f"ping: {heartbeat.ping(scope.settings())}")
    delivery = tell(scope.settings(), news(scope.home()))
    if delivery is None:
        return _result(NOT_CONFIGURED, 0, True)
    if delivery.arrived is False:
        return _result("not delivered; the next run tries again. Check LEADLINE_ALERT_URL", len(delivery.new), False)
    return _result("sent" if delivery.new else "nothing new", len(delivery.new), True)


def _result(state: str, count: int, passed: bool) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        metadata={"new": count, "state": state},
        check_results=[
            dg.AssetCheckResult(
                check_name=DELIVERED,
                asset_key=ALERTS,
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                description=state,
            )
        ],
    )


@dg.run_failure_sensor(name="failed_publish", default_status=dg.DefaultSensorStatus.RUNNING)
def failed_publish(context: dg.RunFailureSensorContext) -> None:
    """A run that Dagster started failed: say so. Runs of the command line say it themselves, under the same id."""
    tell_of_failure(context.dagster_run.run_id, [context.failure_event.message or "The run failed."])
