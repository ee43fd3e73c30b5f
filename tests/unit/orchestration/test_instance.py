"""Dagster's history: one a home, and no place in the pool is lost to a run that was killed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher.base import WorkerStatus

from orchestration.event_store import MOST_FILES
from orchestration.instance import instance_for
from orchestration.liveness import history_of
from orchestration.retention import forget_old_runs
from orchestration.scope import POOL
from tests.conftest import REPOSITORY


@dg.job
def _job() -> None:
    """A run to hold a place with."""


def _started(home: Path) -> str:
    """A run that holds the pool's only place. Returns its run id."""
    with instance_for(home) as instance:
        run = instance.create_run_for_job(_job, status=dg.DagsterRunStatus.STARTED)
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        assert instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "a_step").is_claimed
    return run.run_id


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """A process that executes a run, as far as others can see."""
    started = []

    def start(run_id: str) -> subprocess.Popen[str]:
        code = (
            "import sys; from pathlib import Path; from orchestration.liveness import hold;"
            "hold(Path(sys.argv[1]), sys.argv[2]); print('holds', flush=True); sys.stdin.read()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(history_of(tmp_path)), run_id],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_place_of_a_killed_run_is_given_back(
    tmp_path: Path, worker: Callable[[str], subprocess.Popen[str]]
) -> None:
    run_id = _started(tmp_path)
    process = worker(run_id)
    process.kill()
    process.wait()
    with instance_for(tmp_path) as instance:
        assert instance.event_log_storage.get_concurrency_info(POOL).active_run_ids == set()
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.FAILURE


def test_the_place_of_a_living_run_is_left_to_it(
    tmp_path: Path, worker: Callable[[str], subprocess.Popen[str]]
) -> None:
    run_id = _started(tmp_path)
    worker(run_id)
    with instance_for(tmp_path) as instance:
        assert instance.event_log_storage.get_concurrency_info(POOL).active_run_ids == {run_id}


def test_the_launcher_sees_whether_a_worker_lives(
    tmp_path: Path, worker: Callable[[str], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path))
    monkeypatch.setattr("orchestration.instance.BEGINNING_S", -1)
    with as_dagster_makes_it(tmp_path) as instance:
        run = instance.create_run_for_job(_job, status=dg.DagsterRunStatus.STARTED)
        launcher = instance.run_launcher
        assert launcher.supports_check_run_worker_health
        process = worker(run.run_id)
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        process.kill()
        process.wait()
        assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED


@contextmanager
def as_dagster_makes_it(folder: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that the daemon, the web server and `dg` open: from `dagster.yaml`, without a word from us."""
    reference = InstanceRef.from_dir(str(folder / "elsewhere"), config_dir=str(REPOSITORY))
    with dg.DagsterInstance.from_ref(reference) as instance:
        yield instance


def test_command_line_and_daemon_have_one_instance_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("LEADLINE_HOME", str(home))
    run_id = _started(home)
    with as_dagster_makes_it(tmp_path) as instance:
        assert instance.get_run_by_id(run_id) is not None
        assert instance.event_log_storage.get_concurrency_info(POOL).active_run_ids == {run_id}
        other = instance.create_run_for_job(_job)
    with instance_for(home) as instance:
        assert instance.get_run_by_id(other.run_id) is not None
    assert not (tmp_path / "elsewhere" / "history").exists()


def test_slots_of_ended_runs_are_freed_and_dead_workers_are_seen_soon() -> None:
    settings = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"))
    assert settings["run_monitoring"]["free_slots_after_run_end_seconds"] <= 60
    assert settings["run_monitoring"]["poll_interval_seconds"] <= 60
    assert settings["run_retries"] == {"enabled": True, "max_retries": 1}


def test_the_history_of_a_home_lies_in_it(tmp_path: Path) -> None:
    with instance_for(tmp_path):
        pass
    assert (tmp_path / ".dagster" / "history").is_dir()


def test_history_is_carried_over_to_its_file_once_and_not_at_each_event(tmp_path: Path) -> None:
    with instance_for(tmp_path) as instance:
        run = instance.create_run_for_job(_job)
        instance.report_engine_event("something happened", run)
        history = tmp_path / ".dagster" / "history" / "runs"
        assert (history / f"{run.run_id}.db-wal").stat().st_size > 0
        assert [record.message for record in instance.all_logs(run.run_id)] == ["something happened"]


def test_a_process_that_looks_at_many_runs_holds_few_of_their_files(tmp_path: Path) -> None:
    with instance_for(tmp_path) as instance:
        runs = [instance.create_run_for_job(_job) for _ in range(MOST_FILES + 4)]
        for run in runs:
            instance.report_engine_event("something happened", run)
        assert all(len(instance.all_logs(run.run_id)) == 1 for run in runs)
        assert 0 < len(_held_in(tmp_path)) <= MOST_FILES
    assert not _held_in(tmp_path)


def _held_in(folder: Path) -> set[Path]:
    """The SQLite files of a folder that this process has open."""
    opened = {entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
    return {path for path in opened if path.suffix == ".db" and folder in path.parents}


def test_a_run_that_was_deleted_can_be_written_again(tmp_path: Path) -> None:
    with instance_for(tmp_path) as instance:
        run = instance.create_run_for_job(_job)
        instance.report_engine_event("before", run)
        (tmp_path / ".dagster" / "history" / "runs" / f"{run.run_id}.db").unlink()
        instance.report_engine_event("after", run)
        assert [record.message for record in instance.all_logs(run.run_id)] == ["after"]


def test_old_runs_are_forgotten_and_the_newest_and_unfinished_stay(tmp_path: Path) -> None:
    with instance_for(tmp_path) as instance:
        started = instance.create_run_for_job(_job, status=dg.DagsterRunStatus.STARTED)
        runs = [instance.create_run_for_job(_job, status=dg.DagsterRunStatus.SUCCESS) for _ in range(6)]
        instance.report_engine_event("something happened", runs[0])
        files = tmp_path / ".dagster" / "history" / "runs"
        assert (files / f"{runs[0].run_id}.db").exists()
        assert forget_old_runs(instance, history_of(tmp_path), kept=4) == 2
        left = {run.run_id for run in instance.get_runs()}
        assert left == {started.run_id, *(run.run_id for run in runs[2:])}
        assert not (files / f"{runs[0].run_id}.db").exists()
        assert forget_old_runs(instance, history_of(tmp_path), kept=10) == 0
