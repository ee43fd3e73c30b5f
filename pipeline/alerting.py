"""Tells people what changed, by the addresses in `LEADLINE_ALERT_URL`; without them nobody is told."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from pipeline.freshness import now_of, stale
from pipeline.settings import Settings
from reporting import alerts
from reporting.alerts import Alert
from reporting.outbox import Delivery, Outbox
from reporting.published import open_published
from sources.registry import DATASETS
from warehouse.database import connect
from warehouse.home import Home

NOT_CONFIGURED = "LEADLINE_ALERT_URL is not set, so nobody is told."


def news(home: Home) -> list[Alert]:
    """Everything worth an alert in the published warehouse: changes of the newest date, and datasets that are stale."""
    with open_published(home.published) as warehouse:
        changed = alerts.changes(warehouse)
    return [*changed, *_stale(home.published)]


def _stale(published: Path) -> list[Alert]:
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


def tell(settings: Settings, events: Sequence[Alert]) -> Delivery | None:
    """Send what was not told yet; None when nobody is configured. Raises AlertError for an unknown address."""
    outbox = outbox_of(settings)
    return outbox.send(events) if outbox else None


def tell_of_failure(run_id: str, reasons: Sequence[str]) -> Delivery | None:
    """Say that a run published nothing."""
    return tell(Settings(), [alerts.failed_publish(run_id, "; ".join(reasons) or "The run failed.")])


def outbox_of(settings: Settings) -> Outbox | None:
    """What was told so far and to which addresses; None when nobody is configured."""
    if settings.alert_url is None:
        return None
    return Outbox(settings.home / "alerts.jsonl", settings.alert_url.get_secret_value())
