"""Where Dagster keeps the history of runs: in `.dagster/`, one for each home, read by command line and UI alike."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from orchestration.scope import POOL
from pipeline.settings import PROJECT

PID_TAG = "leadline/pid"


@contextmanager
def instance_for(home: Path, *, keeps_history: bool = True) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance for a home, with the settings of `dagster.yaml`.

    The default home shares its history with `make up`; any other keeps it to itself, so that a simulated run
    never stands beside a real one. Without history the events stay in memory.
    """
    if not keeps_history:
        with dg.DagsterInstance.ephemeral() as instance:
            yield instance
        return
    base = (PROJECT if home == PROJECT / "data" else home) / ".dagster"
    base.mkdir(parents=True, exist_ok=True)
    storage = "dagster._core.storage"
    overrides = {
        "storage": {"sqlite": {"base_dir": str(base)}},
        "local_artifact_storage": {
            "module": f"{storage}.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(base)},
        },
        "compute_logs": {
            "module": f"{storage}.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        },
    }
    reference = InstanceRef.from_dir(str(base), config_dir=str(PROJECT), overrides=overrides)
    with dg.DagsterInstance.from_ref(reference) as instance:
        _free_the_pool(instance)
        yield instance


def _free_the_pool(instance: dg.DagsterInstance) -> None:
    """Give back the place of runs that are no more: a killed one holds it, and every later run would wait for ever."""
    storage = instance.event_log_storage
    for run_id in storage.get_concurrency_info(POOL).active_run_ids:
        run = instance.get_run_by_id(run_id)
        if run is None or run.status in FINISHED_STATUSES:
            storage.free_concurrency_slots_for_run(run_id)
        elif PID_TAG in run.tags and not _is_alive(int(run.tags[PID_TAG])):
            storage.free_concurrency_slots_for_run(run_id)
            instance.report_run_failed(run, "The process of this run is gone; a later run took over.")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
