"""Tells people what changed, by the addresses in `LEADLINE_ALERT_URL`; without them nobody is told."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path

import dagster as dg

from orchestration import terminal
from orchestration.freshness import now_of, stale
from orchestration.publication import GROUP, REPORT, WAREHOUSE
from orchestration.scope import Scope
from orchestration.settings import Settings
from reporting import alerts
from reporting.alerts import Event
from reporting.board import open_published
from reporting.outbox import Delivery, Outbox
from sources import DATASETS
from warehouse.database import connect
from warehouse.home import Home

ALERTS = dg.AssetKey([GROUP, "alerts"])
DELIVERED = "delivered"
NOT_CONFIGURED = "LEADLINE_ALERT_URL is not set, so nobody is told."


def news(home: Home) -> list[Event]:
    """Everything worth an alert in the published warehouse: changes of the newest date, and datasets that are stale."""
    with open_published(home.published) as warehouse:
        changed = alerts.changes(warehouse)
    return [*changed, *_stale(home.published)]


def _stale(published: Path) -> list[Event]:
    declared = {dataset.id: dataset for dataset in DATASETS}
    with connect(published, read_only=True) as connection:
        now = now_of(published.parent, connection)
        rows = connection.execute(
            "select dataset_id, last_observed_at from marts.dim_source where last_outcome <> 'needs_key' "
            "and not (last_outcome = 'not_asked' and last_observed_at is null) order by all"
        ).fetchall()
        late = {
            dataset_id: (newest, stale(declared[dataset_id], newest and newest.replace(tzinfo=UTC), now, connection))
            for dataset_id, newest in rows
            if dataset_id in declared
        }
    return [
        alerts.stale(dataset_id, f"{newest or 'never'}", reason)
        for dataset_id, (newest, reason) in late.items()
        if reason
    ]


def tell(settings: Settings, events: Sequence[Event]) -> Delivery | None:
    """Send what was not told yet; None when nobody is configured. Raises AlertError for an unknown address."""
    outbox = _outbox(settings)
    return outbox.send(events) if outbox else None


def tell_of_failure(run_id: str, reasons: Sequence[str]) -> Delivery | None:
    """Say that a run published nothing."""
    return tell(Settings(), [alerts.failed_publish(run_id, "; ".join(reasons) or "The run failed.")])


def show_alerts(dry_run: bool) -> None:
    """Send what was not told yet, or with `dry_run` only show it."""
    settings = Settings()
    console = terminal.console()
    outbox = _outbox(settings)
    if outbox is None:
        console.print(f"{NOT_CONFIGURED} It takes an apprise address, such as mailto://… or slack://…", highlight=False)
    events = news(Home(settings.home))
    waiting = outbox.pending(events) if outbox else events
    for event in waiting:
        console.print(f"[bold]{event.title}[/]\n{event.text}\n", highlight=False)
    if not waiting:
        console.print("Nothing new to tell.")
    elif dry_run or outbox is None:
        console.print(f"{len(waiting)} to tell; nothing was sent.", highlight=False)
    else:
        sent = outbox.send(events)
        console.print("Sent." if sent.arrived else "[red]Not delivered[/]; the next run tries again.")


def _outbox(settings: Settings) -> Outbox | None:
    if settings.alert_url is None:
        return None
    return Outbox(settings.home / "alerts.jsonl", settings.alert_url.get_secret_value())


@dg.asset(
    key=ALERTS,
    deps=[WAREHOUSE, REPORT],
    group_name=GROUP,
    kinds={"python"},
    owners=["team:leadline"],
    check_specs=[dg.AssetCheckSpec(DELIVERED, asset=ALERTS, description="What changed reached the people to be told.")],
)
def told(scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """News of the published date, sent once to the configured addresses: regime, buckets, stale datasets."""
    yield _tell_readers(scope)


def _tell_readers(scope: Scope) -> dg.MaterializeResult[None]:
    if scope.known_at() is not None:
        return _result("left alone: this is a build as of earlier", 0, True)
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
