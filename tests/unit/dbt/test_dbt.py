"""The dbt project on an empty warehouse: it builds, formulas give the numbers worked by hand, columns are described."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline import analytics_tables, dbt_project
from sources.core.dataset import Bucket
from sources.registry import DATASETS
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.tables import columns_of


@dataclass(frozen=True)
class Empty:
    """A warehouse into which nothing was ever loaded, built once with every data test and unit test."""

    home: Home
    nodes: frozenset[str]  # models, seeds and tests that were run
    failures: tuple[str, ...]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Empty:
    home = Home(tmp_path_factory.mktemp("dbt") / "home")
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        analytics_tables.ensure_tables(warehouse.connection)
    nodes = set[str]()
    built = dbt_project.build(
        home.build_file,
        {"as_of": "2026-02-11 01:00:00"},
        unit_tests=True,
        on_node=lambda node, done, total: nodes.add(node),
    )
    return Empty(home, frozenset(nodes), tuple(built.failures))


@pytest.fixture(scope="module")
def manifest(empty: Empty) -> dict[str, Any]:
    return json.loads(dbt_project.MANIFEST.read_text())


def _models(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def test_everything_builds_before_the_first_row_came_and_formulas_give_the_numbers_worked_by_hand(empty: Empty) -> None:
    assert empty.failures == ()


def test_the_buckets_of_dbt_are_those_of_the_declarations(empty: Empty) -> None:
    with Warehouse(empty.home) as warehouse:
        built = warehouse.connection.sql("select bucket from marts.dim_bucket order by position").fetchall()
    assert [bucket for (bucket,) in built] == [bucket.value for bucket in Bucket if bucket is not Bucket.PRICE]


def test_each_signal_says_what_it_is_for(empty: Empty) -> None:
    with Warehouse(empty.home) as warehouse:
        used_for = dict(warehouse.connection.sql("select signal_id, used_for from marts.dim_signal").fetchall())
        primaries = warehouse.connection.sql("select signal_id from reference.bucket_primaries").fetchall()
        ruled = warehouse.connection.sql("select distinct signal_id from reference.rules").fetchall()
    assert {used_for[signal] for (signal,) in primaries} == {"primary"}
    assert {used_for[signal] for (signal,) in ruled if signal in used_for} == {"primary", "rule"}
    assert used_for["drawdown_from_90d_high_pct"] == "rule"  # read by a regime, though no row of the seed names it
    assert "context" in used_for.values()


def test_every_mart_has_the_declared_columns_and_types(empty: Empty, manifest: dict[str, Any]) -> None:
    marts = [model for model in _models(manifest) if model["schema"] == "marts"]
    assert len(marts) > 30
    with Warehouse(empty.home) as warehouse:
        for mart in marts:
            stored = columns_of(warehouse.connection, "marts", mart["name"])
            declared = {name: column["data_type"] for name, column in mart["columns"].items()}
            assert declared == {name: kind.lower() for name, (kind, _) in stored.items()}, mart["name"]


def test_every_unit_test_is_run(empty: Empty, manifest: dict[str, Any]) -> None:
    unit_tests = {test["name"] for test in manifest["unit_tests"].values()}
    assert len(unit_tests) >= 25
    assert unit_tests <= empty.nodes


def test_every_public_column_is_described_in_the_warehouse(empty: Empty, manifest: dict[str, Any]) -> None:
    with Warehouse(empty.home) as warehouse:
        silent = [
            f"{model['name']}.{column}"
            for model in _models(manifest)
            if model["schema"] == "marts"
            for column, (_, comment) in columns_of(warehouse.connection, "marts", model["name"]).items()
            if not comment
        ]
    assert silent == []


def test_yml_describes_no_column_that_is_gone(empty: Empty, manifest: dict[str, Any]) -> None:
    with Warehouse(empty.home) as warehouse:
        gone = [
            f"{model['name']}.{column}"
            for model in _models(manifest)
            for column in model["columns"]
            if column not in columns_of(warehouse.connection, model["schema"], model["name"])
        ]
    assert gone == []


def test_every_model_is_described_and_held_by_a_test(empty: Empty, manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    tests += manifest["unit_tests"].values()
    held = {parent for test in tests for parent in test["depends_on"]["nodes"]}
    models = list(_models(manifest))
    assert [model["name"] for model in models if not model["description"]] == []
    # A union or a renaming is held by the tests of what reads it.
    readers = {parent for model in models if model["unique_id"] in held for parent in model["depends_on"]["nodes"]}
    assert sorted(model["name"] for model in models if model["unique_id"] not in held | readers) == []


def test_only_a_warning_says_that_a_source_is_missing(manifest: dict[str, Any]) -> None:
    warnings = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["config"]["severity"].lower() == "warn"
    }
    assert warnings == {"every_bucket_is_known", "hashprice_agrees_with_miners", "spot_venues_agree"}
