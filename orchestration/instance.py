"""Dagster's instance: one a home, whichever way a run starts.

The history of the default home lies in `.dagster/` beside the code, that of any other home in `.dagster/` in it, so
that a simulated run never stands beside a real one. `dagster.yaml` names the classes of this module, so the command
line, the daemon, the web server and `dg` all find the same queue, the same pool and the same runs.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData

from orchestration.event_store import EventLog
from orchestration.liveness import history_of, is_held
from orchestration.scope import POOL
from pipeline.settings import PROJECT, Settings

BEGINNING_S = 120  # how long a worker that has started may take until it holds its run
GONE = "The process of this run is gone"


def _configured_history() -> str:
    return str(history_of(Settings().home))


class HomeStorage(DagsterSqliteStorage):
    """Runs, events and schedules of the home that the environment names, or of the folder that is configured."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLog(_event_logs_directory(base_dir))

    @classmethod
    def config_type(cls) -> Any:
        """A folder in the place of the one that follows from the home."""
        return {"base_dir": dg.Field(str, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "HomeStorage":
        """As Dagster makes it."""
        return cls(config_value.get("base_dir") or _configured_history(), inst_data)


class HomeArtifacts(LocalArtifactStorage):
    """Files of the runs of the home that the environment names."""

    @classmethod
    def config_type(cls) -> Any:
        """Nothing to configure."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "HomeArtifacts":
        """As Dagster makes it."""
        return cls(_configured_history(), inst_data)


class HomeLogs(LocalComputeLogManager):
    """What the runs of the home that the environment names wrote to standard output and error."""

    @classmethod
    def config_type(cls) -> Any:
        """Nothing to configure."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "HomeLogs":
        """As Dagster makes it."""
        return cls(f"{_configured_history()}/logs", inst_data=inst_data)


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's own launcher, which can also say whether the process of a run still lives.

    Without that a run whose worker was killed together with its server stays started and blocks the queue.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process lives, or has only just begun."""
        if is_held(Path(_configured_history()), run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        record = self._instance.get_run_record_by_id(run.run_id)
        if record is not None and record.start_time is not None and time.time() - record.start_time < BEGINNING_S:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, GONE)


def reference(home: Path, overrides: Mapping[str, Any] | None = None) -> InstanceRef:
    """What opens the instance of a home in another process."""
    base = history_of(home)
    base.mkdir(parents=True, exist_ok=True)
    return InstanceRef.from_dir(str(base), config_dir=str(PROJECT), overrides=overrides)


def open_instance() -> dg.DagsterInstance:
    """The instance of the home that the environment names, for a server."""
    return dg.DagsterInstance.from_ref(reference(Settings().home))


@contextmanager
def instance_for(home: Path, *, keeps_history: bool = True) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance for a home, with the settings of `dagster.yaml`; without history events stay in memory."""
    if not keeps_history:
        with dg.DagsterInstance.ephemeral() as instance:
            yield instance
        return
    base = history_of(home)
    storage = "dagster._core.storage"
    overrides = {
        "storage": {
            "custom": {"module": __name__, "class": HomeStorage.__name__, "config": {"base_dir": str(base)}},
        },
        "local_artifact_storage": {
            "module": f"{storage}.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(base)},
        },
        # The terminal belongs to the progress display.
        "compute_logs": {"module": f"{storage}.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
    }
    with dg.DagsterInstance.from_ref(reference(home, overrides)) as instance:
        free_the_pool(instance, base)
        yield instance


def free_the_pool(instance: dg.DagsterInstance, history: Path) -> None:
    """Give back the place of runs that are no more: a killed one holds it, and every later run would wait for ever."""
    storage = instance.event_log_storage
    for run_id in storage.get_concurrency_info(POOL).active_run_ids:
        run = instance.get_run_by_id(run_id)
        if run is None or run.status in FINISHED_STATUSES:
            storage.free_concurrency_slots_for_run(run_id)
        elif not is_held(history, run_id):
            storage.free_concurrency_slots_for_run(run_id)
            instance.report_run_failed(run, f"{GONE}; a later run took over.")
