"""What Dagster sees: names, schedules and checks that others rely on, and definitions that touch nothing."""

import json
import subprocess
import sys
from datetime import timedelta

from dagster_dbt.asset_utils import default_asset_key_fn

from orchestration.dbt_assets import dbt_models
from orchestration.definitions import defs
from orchestration.raw_assets import ANSWERED, BY_KEY, COMPLETE, CONTRACT, FRESH, freshness_policy, raw_assets
from orchestration.schedules import SCHEDULES, etf_job, snapshot_job
from pipeline import analytics_tables, dbt_project
from sources.core.dataset import Access, Cadence
from sources.registry import DATASETS
from warehouse.metadata_tables import METADATA_TABLES

# A changed time is a changed reading: the day's option chain is what was quoted at these instants.
CRONS = {
    "refresh_schedule": ["20 0 * * *"],
    "snapshot_schedule": ["50 5 * * *", "50 11 * * *", "50 17 * * *", "50 23 * * *"],
    "etf_schedule": ["40 4 * * *", "30 10 * * *"],
    "probe_schedule": "10 3 * * 0",
}
WATCH = """
import sys
seen = []
def hook(event, arguments):
    if event == "socket.connect" or (event == "open" and str(arguments[0]).endswith((".duckdb", ".db"))):
        seen.append((event, str(arguments)))
sys.addaudithook(hook)
import duckdb
connect = duckdb.connect
duckdb.connect = lambda *a, **k: seen.append(("duckdb", str(a))) or connect(*a, **k)
import orchestration.definitions
print("seen:", seen)
"""


def test_importing_the_definitions_opens_no_socket_and_no_database() -> None:
    dbt_project.prepare()
    answer = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, check=True)
    assert answer.stdout.strip().endswith("seen: []")


def test_schedules_run_when_they_are_said_to() -> None:
    assert {schedule.name: schedule.cron_schedule for schedule in SCHEDULES} == CRONS
    assert {schedule.execution_timezone for schedule in SCHEDULES} == {"UTC"}


def test_every_dataset_is_an_asset_with_four_checks() -> None:
    assert {f"raw/{dataset.table}" for dataset in DATASETS} == {key.to_user_string() for key in BY_KEY}
    checks = {(key.asset_key, key.name) for key in raw_assets.check_keys}
    assert checks == {(key, name) for key in BY_KEY for name in (ANSWERED, CONTRACT, COMPLETE, FRESH)}


def test_no_check_of_a_source_blocks_the_build() -> None:
    assert not any(spec.blocking for spec in raw_assets.check_specs)


def test_dbt_reads_raw_tables_that_exist_and_leaves_none_out() -> None:
    manifest = json.loads(dbt_project.prepare().read_bytes())
    read = {"/".join(default_asset_key_fn(source).path) for source in manifest["sources"].values()}
    declared = {f"raw/{dataset.table}" for dataset in DATASETS}
    computed = {f"analytics/{name}" for name in analytics_tables.TABLES}
    assert read == declared | computed | {f"raw/{name}" for name in METADATA_TABLES}


def test_the_two_graphs_join_by_name() -> None:
    graph = defs.resolve_asset_graph()
    chain = next(key for key in BY_KEY if key.path[-1] == "deribit__option_chain")
    children = {key.to_user_string() for key in graph.get(chain).child_keys}
    assert "analytics/option_surface" in children
    assert "intermediate/int_options__daily_snapshots" in children


def test_the_snapshot_job_asks_only_what_cannot_be_had_later() -> None:
    keys = defs.resolve_job_def(snapshot_job.name).asset_layer.selected_asset_keys
    assert {BY_KEY[key].id for key in keys} == {
        dataset.id for dataset in DATASETS if dataset.cadence is Cadence.SNAPSHOT and dataset.access is Access.NOW
    }


def test_the_etf_job_asks_who_prints_flows_and_publishes() -> None:
    keys = {key.to_user_string() for key in defs.resolve_job_def(etf_job.name).asset_layer.selected_asset_keys}
    printed = {"raw/farside__etf_flow", "raw/sosovalue__etf_flow", "raw/coinglass__etf_flow"}
    assert {key for key in keys if key.startswith("raw/")} == printed
    assert "published/warehouse" in keys


def test_every_job_resolves() -> None:
    for name in ("refresh", "backfill", "build", "publish", "snapshot", "etf"):
        assert defs.resolve_job_def(name).name == name


def test_an_asset_turns_amber_after_a_missed_time_and_red_after_two() -> None:
    windows = {
        cadence: (policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta())
        for cadence in Cadence
        if (policy := freshness_policy(cadence))
    }
    assert windows == {
        Cadence.DAILY: (timedelta(hours=25), timedelta(hours=49)),
        Cadence.SNAPSHOT: (timedelta(hours=7), timedelta(hours=13)),
        # 04:40 and 10:30: the longest wait is 18 h 10 min, and two times are a day apart.
        Cadence.ETF: (timedelta(hours=19, minutes=10), timedelta(hours=25)),
    }


def test_every_dbt_test_is_a_check_of_an_asset() -> None:
    # One over several models says whose check it is: {{ config(meta={"dagster": {"ref": {"name": MODEL}}}) }}
    manifest = json.loads(dbt_project.prepare().read_bytes())
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert tests == {key.name for key in dbt_models.check_keys}
