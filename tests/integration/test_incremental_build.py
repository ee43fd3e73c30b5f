"""A build of what changed leaves the marts that a build of everything leaves, also after a late row."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import changed_inputs, dbt_project
from warehouse.database import Warehouse
from warehouse.fingerprint import table_hash
from warehouse.home import Home

VARIABLES = {"as_of": "2999-12-31", "origin": "the bundled scenario", "code_version": "of this test"}
SAYS_THE_ORIGIN = "dim_origin"  # which the demo was built with, and this test need not know
LATE_ROW = """
    insert into raw.coinbase__spot_candle_1d
    select * replace (
        close_usd * 1.01 as close_usd, greatest(high_usd, close_usd * 1.01) as high_usd,
        (select max(known_at) from raw.coinbase__spot_candle_1d) + interval 1 second as known_at,
        'observed' as known_at_basis
    )
    from raw.coinbase__spot_candle_1d order by known_at desc, open_time desc limit 1
"""


@pytest.fixture
def home(scenario_home: Path, tmp_path: Path) -> Home:
    """A copy of the demo that says of itself that it is built from what it holds."""
    home = Home(tmp_path / "home")
    home.build.mkdir(parents=True)
    shutil.copy(Home(scenario_home).build_file, home.build_file)
    with Warehouse(home) as warehouse:
        inputs = changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES).inputs
        changed_inputs.remember(warehouse.connection, inputs)
    return home


def test_after_a_late_row_a_build_of_what_changed_equals_one_of_everything(home: Home) -> None:
    with Warehouse(home) as warehouse:
        assert changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES).nothing
        before = _marts(warehouse)
        warehouse.connection.execute(LATE_ROW)
        changed = changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES)
    assert changed.sources == ("staging.stg_coinbase__spot_candle_1d",)
    built = dbt_project.build(home.build_file, VARIABLES, select=changed.selection)
    assert list(built.failures) == []
    with Warehouse(home) as warehouse:
        incremental = _marts(warehouse)
    assert incremental["fct_price_daily"] != before["fct_price_daily"]
    assert incremental["fct_etf_flow_daily"] == before["fct_etf_flow_daily"]
    models = [node for node in _manifest()["nodes"].values() if node["resource_type"] == "model"]
    assert sum(event["info"]["name"] == "LogModelResult" for event in built.events) < len(models)
    dbt_project.build(home.build_file, VARIABLES)
    with Warehouse(home) as warehouse:
        assert _marts(warehouse) == incremental


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "update raw.dataset set period_s = period_s + 1 where dataset_id = 'binance.funding_rate'",
            ("raw.dataset",),
        ),
        (
            "insert into analytics.option_surface select * from analytics.option_surface limit 1",
            ("analytics.option_surface",),
        ),
        # As many rows as before, one of them another: an older answer that had the table derived again, a trading day
        # that was closed, a surface that was computed again.
        (
            "update raw.cboe__vix set known_at = known_at - interval 1 hour where trade_date = "
            "(select max(trade_date) from raw.cboe__vix)",
            ("staging.stg_cboe__vix",),
        ),
        (
            "update raw.calendar_day set is_us_trading_day = not is_us_trading_day where day = date '2026-02-06'",
            ("raw.calendar_day",),
        ),
        (
            "update analytics.option_surface set rr25 = rr25 + 1e-9 where snapshot_time = "
            "(select max(snapshot_time) from analytics.option_surface)",
            ("analytics.option_surface",),
        ),
        # A blocked load that a person accepted changes its line of the ledger, whether or not its rows were new.
        (
            "update raw.load_ledger set verdict = 'loaded', accepted_by = 'a person' where verdict <> 'loaded' or "
            "load_id = (select max(load_id) from raw.load_ledger)",
            ("raw.load_ledger",),
        ),
        ("delete from raw.cboe__vix", ("staging.stg_cboe__vix",)),
    ],
)
def test_each_kind_of_input_tells_that_it_changed(home: Home, change: str, says: tuple[str, ...]) -> None:
    with Warehouse(home) as warehouse:
        warehouse.connection.execute(change)
        changed = changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES)
    assert changed.sources == says
    assert not changed.nothing


def test_what_only_views_show_needs_no_build_but_is_tested_with_the_next(home: Home) -> None:
    with Warehouse(home) as warehouse:
        warehouse.connection.execute("insert into raw.attempt select * from raw.attempt limit 1")
        changed = changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES)
    assert changed.sources == ("raw.attempt",)
    assert changed.nothing
    assert changed.selection == ["source:raw.attempt+"]


def test_another_rule_code_or_instant_builds_everything(home: Home) -> None:
    with Warehouse(home) as warehouse:
        for name in VARIABLES:
            changed = changed_inputs.changes(warehouse.connection, _manifest(), {**VARIABLES, name: "2026-02-07"})
            assert changed.everything
            assert not changed.nothing
        changed_inputs.forget(warehouse.connection)
        assert changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES).everything


def test_another_version_of_an_engine_builds_everything(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = changed_inputs.version
    # Another version cannot be installed beside this one, so it is only said.
    monkeypatch.setattr(changed_inputs, "version", lambda name: f"{installed(name)}.1" if name == "duckdb" else "")
    with Warehouse(home) as warehouse:
        assert changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES).everything


def test_a_source_that_is_new_or_gone_builds_everything(home: Home) -> None:
    manifest = _manifest()
    del manifest["sources"]["source.leadline.staging.stg_cboe__vix"]
    with Warehouse(home) as warehouse:
        assert changed_inputs.changes(warehouse.connection, manifest, VARIABLES).everything


@pytest.mark.parametrize("taken_away", ["marts.fct_price_daily", "intermediate.int_rules__inputs", "reference.levels"])
def test_a_table_that_somebody_took_away_is_built(home: Home, taken_away: str) -> None:
    with Warehouse(home) as warehouse:
        warehouse.connection.execute(f"drop table {taken_away}")
        assert changed_inputs.changes(warehouse.connection, _manifest(), VARIABLES).everything


def _manifest() -> dict:
    return json.loads(dbt_project.prepare().read_bytes())


def _marts(warehouse: Warehouse) -> dict[str, str]:
    names = [
        name
        for (name,) in warehouse.connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
    ]
    return {name: table_hash(warehouse.connection, f"marts.{name}") for name in names if name != SAYS_THE_ORIGIN}
