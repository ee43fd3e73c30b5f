"""Dagster's history: one a home, and no place in the pool is lost to a run that was killed."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg

from orchestration.event_store import MOST_FILES, keep_open
from orchestration.instance import PID_TAG, instance_for
from orchestration.scope import POOL


def _held_by(home: Path, pid: int) -> str:
    """A run of this process id that holds the pool's only place. Returns its run id."""
    with instance_for(home) as instance:
        run = instance.create_run_for_job(_job, tags={PID_TAG: str(pid)}, status=dg.DagsterRunStatus.STARTED)
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        claim = instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "a_step")
        assert claim.is_claimed
    return run.run_id


@dg.job
def _job() -> None:
    """A run to hold a place with."""


def test_the_place_of_a_killed_run_is_given_back(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    run_id = _held_by(tmp_path, gone.pid)
    with instance_for(tmp_path) as instance:
        assert instance.event_log_storage.get_concurrency_info(POOL).active_run_ids == set()
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE


def test_the_place_of_a_living_run_is_left_to_it(tmp_path: Path) -> None:
    run_id = _held_by(tmp_path, os.getpid())
    with instance_for(tmp_path) as instance:
        assert instance.event_log_storage.get_concurrency_info(POOL).active_run_ids == {run_id}


def test_the_history_of_a_home_lies_in_it(tmp_path: Path) -> None:
    with instance_for(tmp_path):
        pass
    assert (tmp_path / ".dagster" / "history").is_dir()


def test_history_is_carried_over_to_its_file_once_and_not_at_each_event(tmp_path: Path) -> None:
    keep_open()
    with instance_for(tmp_path) as instance:
        run = instance.create_run_for_job(_job)
        instance.report_engine_event("something happened", run)
        history = tmp_path / ".dagster" / "history" / "runs"
        assert (history / f"{run.run_id}.db-wal").stat().st_size > 0
        assert [record.message for record in instance.all_logs(run.run_id)] == ["something happened"]


def test_a_process_that_looks_at_many_runs_holds_few_of_their_files(tmp_path: Path) -> None:
    keep_open()
    with instance_for(tmp_path) as instance:
        runs = [instance.create_run_for_job(_job) for _ in range(MOST_FILES + 4)]
        for run in runs:
            instance.report_engine_event("something happened", run)
        assert all(len(instance.all_logs(run.run_id)) == 1 for run in runs)
    opened = {entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
    held = [path for path in opened if path.suffix == ".db" and tmp_path in path.parents]
    assert 0 < len(held) <= MOST_FILES
