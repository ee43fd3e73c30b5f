"""What must not matter does not, and what is missing is said: properties of the whole way from raw rows to regimes.

Each test builds all models on a changed copy of the same loaded rows and compares what comes out.
"""

import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from sources.registry import DATASETS
from tests.asof.equality import differences, same_as_known, same_marts
from tests.asof.models import compiled_models
from tests.asof.world import World, dataset, datasets_of, series_of, signal_inputs, signal_names
from warehouse.database import Warehouse
from warehouse.fingerprint import table_hash
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader

PARTS = 3
LATER = datetime(2026, 1, 20, 12)  # UTC
BEFORE_LATER = date(2026, 1, 19)  # the last date whose cut-off came before

# One of each kind; `make test-asof` removes every one.
REMOVED = (
    "binance.funding_rate",  # one of four venues
    "coinbase.spot_candle_1d",  # one of three venues
    "coinglass.open_interest",  # our own venues take over
    "coinmetrics.asset_metric",  # behind several buckets
    "deribit.option_chain",  # another index stands in
    "farside.etf_flow",  # the only one
)
# What is read against something else changes with that too: dollars of open interest and what they weigh against the
# price, the level against prices and cost basis, supply in loss against the close.
IN_DOLLARS = {
    *("futures_oi_usd", "oi_to_market_cap_pct", "futures_oi_change_30d_usd"),
    *("futures_oi_change_3d_usd_pct", "futures_oi_change_7d_usd_pct"),
}
WEIGHTED = {signal for signal in signal_inputs() if signal.startswith("funding_")}
AGAINST_LEVEL = {signal for signal in signal_inputs() if "level" in signal}
AGAINST_CLOSE = {"supply_in_loss_pct", "cost_basis_cluster_low_usd", "cost_basis_cluster_high_usd"}


@pytest.fixture(scope="module")
def world(scenario_home: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Kept under `base`: the marts of the rows as they were loaded."""
    build_file = Home(scenario_home).build_file
    world = World(tmp_path_factory.mktemp("world"), build_file, compiled_models(build_file))
    world.build("base")
    return world


def test_the_order_of_rows_changes_nothing(world: World) -> None:
    world.build("shuffled", shuffle)
    assert same_marts(world.kept, "base", "shuffled") == []


@pytest.mark.parametrize(
    "dataset_id",
    ["farside.etf_flow", "coinmetrics.asset_metric", "yahoo.daily_bar", "deribit.dvol", "mempool.retarget"],
)
def test_answers_loaded_in_any_order_and_split_give_the_same_rows(
    scenario_home: Path, tmp_path: Path, dataset_id: str
) -> None:
    """The demo loaded each dataset at once; here its answers come in random order and in parts."""
    declared, home = dataset(dataset_id), Home(tmp_path)
    shutil.copytree(Home(scenario_home).landing / declared.table, home.landing / declared.table)
    files = Landing(home).files(dataset_id)
    random.Random(dataset_id).shuffle(files)
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        for part in (files[number::PARTS] for number in range(PARTS)):
            Loader(warehouse).load(declared, part)
        split = table_hash(warehouse.connection, f"raw.{declared.table}", without=["load_id"])
    with duckdb.connect(str(Home(scenario_home).build_file), read_only=True) as connection:
        assert split == table_hash(connection, f"raw.{declared.table}", without=["load_id"])


def test_revisions_known_later_change_nothing_at_earlier_cut_offs(world: World) -> None:
    world.build("revised", revise_every_dataset)
    assert same_as_known(world.kept, "base", "revised", BEFORE_LATER) == []
    changed = world.rows(
        f"""
        select distinct base.bucket
        from base.fct_signal_daily as base
        join revised.fct_signal_daily as revised using (signal_date, signal_id)
        where signal_date <= date '{BEFORE_LATER}' and base.value is distinct from revised.value
        """
    )
    buckets = {"price", "derivatives", "leverage", "flows", "onchain", "mining", "macro", "options"}
    assert set(changed["bucket"]) == buckets, "settled readings of every bucket follow a revision"


@pytest.mark.parametrize("dataset_id", REMOVED)
def test_without_one_source(world: World, dataset_id: str) -> None:
    check_without(world, dataset_id)


@pytest.mark.slow
@pytest.mark.parametrize("dataset_id", [declared.id for declared in DATASETS if declared.id not in REMOVED])
def test_without_any_one_source(world: World, dataset_id: str) -> None:
    check_without(world, dataset_id)


def test_a_source_that_falls_silent_leaves_older_readings_and_then_none(world: World) -> None:
    """Fund flows of every vendor stop on Monday 2 February, when Friday's were the last to be known."""

    def silence_all(connection: duckdb.DuckDBPyConnection) -> None:
        for vendor in ("farside.etf_flow", "coinglass.etf_flow", "sosovalue.etf_flow"):
            silence(connection, vendor, datetime(2026, 2, 2, 12))

    world.build("silent", silence_all)
    readings = world.rows(
        """
        select signal_date, state, observed_date, age_days, is_fresh, waiting_for
        from silent.fct_bucket_daily as bucket
        join silent.fct_signal_daily as signal using (signal_date, bucket)
        where bucket = 'flows' and signal_id = 'etf_net_flow_usd' and signal_date between '2026-02-01' and '2026-02-04'
        order by signal_date
        """
    )
    assert readings["observed_date"].to_list() == [date(2026, 1, 30)] * 4
    assert readings["age_days"].to_list() == [2, 3, 4, 5]
    assert readings["is_fresh"].to_list() == [True, True, False, False]
    assert (readings["state"] == "unknown").to_list() == [False, False, True, True]
    assert "2026-01-30" in readings["waiting_for"][-1]


def check_without(world: World, dataset_id: str) -> None:
    """Everything that must be true of a build without one dataset, against the build with all."""
    name = f"without {dataset_id}"
    world.build(name, lambda connection: remove(connection, dataset_id))
    touched = touched_by(dataset_id)
    assert only_these_changed(world, name, touched) == []
    assert pooled_readings_have_fewer_sources(world, name, dataset_id).is_empty()
    assert sole_readings_are_gone(world, name, dataset_id).is_empty()
    assert changed_states_without_a_changed_reading(world, name, touched).is_empty()
    assert known_without_a_fresh_primary(world, name).is_empty()
    assert unknown_without_a_reason(world, name).is_empty()
    assert skipped_and_not_named(world, name) == []


def only_these_changed(world: World, name: str, touched: set[str]) -> list[str]:
    """Signals beside these whose as-known rows are not what they are with all datasets."""
    others = ", ".join(f"'{signal}'" for signal in sorted(set(signal_inputs()) - touched))
    columns = "* exclude (value, is_final, known_at, known_at_basis, publishable)"
    readings = '(select {} from "{}".fct_signal_daily where signal_id in ({}) and value_as_known is not null)'
    pair = (readings.format(columns, schema, others) for schema in ("base", name))
    return differences(world.kept, [("fct_signal_daily", *pair)])


def pooled_readings_have_fewer_sources(world: World, name: str, dataset_id: str) -> pl.DataFrame:
    """Readings of the same day and provider that changed though as many sources stand behind them. None may."""
    direct = direct_signals(dataset_id)
    return world.rows(
        f"""
        select signal_date, signal_id, base.value_as_known, without.value_as_known, without.source_count
        from base.fct_signal_daily as base
        join "{name}".fct_signal_daily as without using (signal_date, signal_id, observed_date, provider)
        where list_contains({direct}, signal_id)
            and base.value_as_known <> without.value_as_known
            and without.source_count >= base.source_count
        """
    )


def sole_readings_are_gone(world: World, name: str, dataset_id: str) -> pl.DataFrame:
    """Readings that are still there though nothing is left that they could be made of. None may be."""
    gone = [
        signal
        for signal, inputs in signal_inputs().items()
        if any(datasets_of(series) == {dataset_id} for series in inputs)
    ]
    return world.rows(
        f'select signal_date, signal_id from "{name}".fct_signal_daily where list_contains({gone}, signal_id)'
    )


def changed_states_without_a_changed_reading(world: World, name: str, touched: set[str]) -> pl.DataFrame:
    """Buckets whose state changed though neither a rule nor a primary of theirs reads a touched signal. None may."""
    return world.rows(
        f"""
        select signal_date, bucket, base.state, without.state
        from base.fct_bucket_daily as base
        join "{name}".fct_bucket_daily as without using (signal_date, bucket)
        anti join (
            select target_id as bucket from base.dim_rule where list_contains({sorted(touched)}, signal_id)
            union all
            select bucket from base.dim_signal where is_primary and list_contains({sorted(touched)}, signal_id)
        ) as reading using (bucket)
        where base.state <> without.state
        """
    )


def known_without_a_fresh_primary(world: World, name: str) -> pl.DataFrame:
    """Buckets that are known without a fresh primary reading. None may be."""
    return world.rows(
        f"""
        select bucket.*
        from "{name}".fct_bucket_daily as bucket
        left join "{name}".fct_signal_daily as signal
            on signal.signal_date = bucket.signal_date and signal.signal_id = bucket.primary_signal_id
        where bucket.state <> 'unknown' and not coalesce(signal.is_fresh, false)
        """
    )


def unknown_without_a_reason(world: World, name: str) -> pl.DataFrame:
    """Buckets that are unknown though nothing that could change them is missing, or that do not say what is.

    With a fresh primary a missing rule has to be what keeps a bucket apart from another state, or the primary has no
    reading of its lag yet. None may be.
    """
    return world.rows(
        f"""
        select bucket.*
        from "{name}".fct_bucket_daily as bucket
        left join "{name}".fct_signal_daily as signal
            on signal.signal_date = bucket.signal_date and signal.signal_id = bucket.primary_signal_id
        left join (
            select signal_date, target_id as bucket, count(*) filter (where holds is null) as rules_missing
            from "{name}".fct_rule_daily where scope = 'bucket' group by all
        ) as rules on rules.signal_date = bucket.signal_date and rules.bucket = bucket.bucket
        where bucket.state = 'unknown' and (
            coalesce(bucket.waiting_for, '') = ''
            or (coalesce(signal.is_fresh, false) and bucket.state_at_best = bucket.state_at_worst)
            or (
                coalesce(signal.is_fresh, false)
                and coalesce(rules.rules_missing, 0) = 0
                and bucket.waiting_for not like '% as it was before'
            )
        )
        """
    )


def skipped_and_not_named(world: World, name: str) -> list[str]:
    """Rules without a reading whose signal the evidence does not name."""
    names = signal_names()
    skipped = world.rows(
        f"""
        select
            rule.signal_date,
            rule.target_id,
            rule.signal_id,
            coalesce(bucket.evidence, condition.evidence) as evidence
        from "{name}".fct_rule_daily as rule
        left join "{name}".fct_bucket_daily as bucket
            on bucket.signal_date = rule.signal_date and bucket.bucket = rule.target_id
        left join "{name}".fct_condition_daily as condition
            on condition.signal_date = rule.signal_date and condition.condition_id = rule.target_id
        where rule.holds is null and rule.direction <> 'refutes'
        """
    )
    return [
        f"{day} {target}: {signal}"
        for day, target, signal, evidence in skipped.iter_rows()
        if names.get(signal, signal) not in (evidence or "")
    ]


def touched_by(dataset_id: str) -> set[str]:
    """Signals that may change when a dataset goes: those made of it, and those read against what is made of it."""
    touched = {signal for signal, inputs in signal_inputs().items() if series_of(dataset_id).intersection(inputs)}
    _, _, table = dataset_id.partition(".")
    if "candle" in table:
        touched |= IN_DOLLARS | WEIGHTED | AGAINST_LEVEL | AGAINST_CLOSE
    if table in {"open_interest", "future_summary"}:
        touched |= WEIGHTED
    if table == "urpd":
        touched |= AGAINST_LEVEL
    return touched


def direct_signals(dataset_id: str) -> list[str]:
    """Signals whose principal series is made of a dataset, so that their `source_count` counts it."""
    return [signal for signal, (principal, *_) in signal_inputs().items() if principal in series_of(dataset_id)]


def shuffle(connection: duckdb.DuckDBPyConnection) -> None:
    """Every loaded table in another order."""
    connection.execute("select setseed(0.5)")
    for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
        if schema in {"raw", "analytics"}:
            relation = f'"{schema}"."{table}"'
            connection.execute(f"create or replace table {relation} as from {relation} order by random()")


def revise_every_dataset(connection: duckdb.DuckDBPyConnection) -> None:
    """A later version for a fifth of all keys: every number that is not part of the key three per cent higher."""
    for declared in DATASETS:
        key = ", ".join(declared.key)
        numbers = [
            name for name, column in declared.columns.items() if column.dtype == pl.Float64 and name not in declared.key
        ]
        revised = [f"1.03 * {name} as {name}" for name in numbers]
        version = f"timestamp '{LATER}' as known_at, 'observed' as known_at_basis, 'later' as load_id"
        connection.execute(
            f"""
            insert into raw.{declared.table} by name
            select * replace ({", ".join([*revised, version])})
            from raw.{declared.table}
            where hash({key}) % 5 = 0 and known_at < timestamp '{LATER - timedelta(days=2)}'
            qualify row_number() over (partition by {key} order by known_at desc) = 1
            """
        )


def remove(connection: duckdb.DuckDBPyConnection, dataset_id: str) -> None:
    """As if the dataset had never answered."""
    connection.execute(f"delete from raw.{dataset(dataset_id).table}")
    if dataset_id == "deribit.option_chain":
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'analytics'"
        ).fetchall():
            connection.execute(f"delete from analytics.{table}")


def silence(connection: duckdb.DuckDBPyConnection, dataset_id: str, since: datetime) -> None:
    """As if the dataset had not answered since an instant."""
    connection.execute(f"delete from raw.{dataset(dataset_id).table} where known_at >= timestamp '{since}'")
