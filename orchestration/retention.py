"""Dagster's history kept bounded: old runs are forgotten, the newest stay."""

from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES

KEPT_RUNS = 500  # some three months of schedules
AT_ONCE = 50  # so that a history that grew for long does not hold up one run


def forget_old_runs(instance: dg.DagsterInstance, history: Path, kept: int = KEPT_RUNS) -> int:
    """Delete finished runs and their events beyond the newest so many. Returns how many were deleted."""
    newest = instance.get_run_records(limit=kept)
    if len(newest) < kept:
        return 0
    old = instance.get_run_records(
        dg.RunsFilter(statuses=FINISHED_STATUSES), cursor=newest[-1].dagster_run.run_id, limit=AT_ONCE
    )
    for record in old:
        run_id = record.dagster_run.run_id
        instance.delete_run(run_id)
        # Dagster empties the file of a run's events and leaves it there.
        for file in (history / "history" / "runs").glob(f"{run_id}.db*"):
            file.unlink(missing_ok=True)
    return len(old)
