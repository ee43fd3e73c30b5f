"""Alerts from real runs: the published scenario, a run that fails, Dagster's own record of both."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from cli.errors import EXIT_REFUSED
from cli.request import RunRequest
from cli.run import run_and_tell
from orchestration.alert_assets import ALERTS, failed_publish, told
from orchestration.scope import Scope
from tests.unit.reporting.receiver import Webhook, webhook

TOKEN = "canary-token-5f1c9a"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as listening:
        monkeypatch.setenv("LEADLINE_ALERT_URL", f"{listening.address}{TOKEN}/")
        yield listening


def tell() -> dg.ExecuteInProcessResult:
    return dg.materialize([told], resources={"scope": Scope()}, selection=[ALERTS])


def test_a_published_day_is_told_once(
    scenario_home: Path, hook: Webhook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(scenario_home, tmp_path / "home", symlinks=True))
    monkeypatch.setenv("LEADLINE_HOME", str(home))
    first, second = tell(), tell()
    assert first.success
    assert second.success
    [message] = hook.received
    # On the scenario's last day a chance crosses a line and one bucket changes: the flows, with a figure of the trading
    # date before.
    assert message["message"].startswith(
        "SIMULATED. The chance of a close below 70\u202f000 USD in 7 days rose over 50"
    )
    assert "Flows: improving → worsening." in message["message"]
    assert "(2026-02-09, 1 d old, not final)" in message["message"]
    states = [result.asset_materializations_for_node("published__alerts")[0].metadata for result in (first, second)]
    assert [state["state"].value for state in states] == ["sent", "nothing new"]
    record = " ".join(str(event) for result in (first, second) for event in result.all_events)
    assert TOKEN not in record
    assert TOKEN not in (home / "alerts.jsonl").read_text(encoding="utf-8")


def test_a_run_that_publishes_nothing_is_told_once_by_whoever_sees_it_first(
    hook: Webhook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path / "empty"))
    assert run_and_tell(RunRequest("publish", keeps_history=False)) == EXIT_REFUSED
    [message] = hook.received
    assert "leadline build" in message["message"]
    assert "Readers keep what they had" in message["message"]
    [line, *_] = (tmp_path / "empty" / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    run_id = line.split("failed_publish:")[1].split('"')[0]

    @dg.op
    def broken() -> None:
        raise dg.Failure("nothing works")

    @dg.job
    def breaks() -> None:
        broken()

    with dg.DagsterInstance.ephemeral() as instance:
        result = breaks.execute_in_process(raise_on_error=False, instance=instance, run_id=run_id)
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_publish",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        failed_publish(context)
    assert len(hook.received) == 1
