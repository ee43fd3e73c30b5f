"""Raw assets through Dagster, against the stand-in: what a person sees of them, and what nobody may see."""

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from orchestration.instance import instance_for
from orchestration.raw_assets import asset_key, raw_assets
from orchestration.scope import Scope
from sources.registry import dataset

FUNDING = dataset("binance.funding_rate")
KEYED = dataset("coinglass.liquidation")
SECRET = "a-key-that-nobody-may-see"
SCOPE = Scope(first="2026-01-10", last="2026-01-12", each_instant=True)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    folder = tmp_path / "market"
    folder.mkdir()
    hours = pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 14), "1h", eager=True, time_unit="us")
    settled = hours.filter(hours.dt.hour() % 8 == 0)
    pl.DataFrame({"venue": "binance", "funding_time": settled, "rate": 0.0001, "interval_hours": 8}).cast(
        {"interval_hours": pl.Int32}
    ).write_parquet(folder / "funding.parquet")
    pl.DataFrame({"venue": "aggregate", "hour": hours, "long_usd": 1e6, "short_usd": 2e6}).write_parquet(
        folder / "liquidations_1h.parquet"
    )
    return folder


@pytest.fixture
def home(tmp_path: Path, market: Path, sandbox: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LEADLINE_UPSTREAM", sandbox(market))
    monkeypatch.setenv("LEADLINE_KEY_COINGLASS", SECRET)
    return tmp_path / "home"


def materialise(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [raw_assets],
        selection=[asset_key(FUNDING), asset_key(KEYED)],
        resources={"scope": SCOPE},
        instance=instance,
    )


def metadata(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, object]:
    [event] = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_an_asset_says_what_came_and_of_which_days(home: Path) -> None:
    said = metadata(materialise(dg.DagsterInstance.ephemeral()), asset_key(FUNDING))
    assert said["new rows"] == said["dagster/row_count"]
    assert said["dagster/row_count"] >= 3 * 3  # three settlements a day
    assert said["newest observation"] == "2026-01-13 00:00:00+00:00"
    assert said["window"] == "2026-01-10 00:00 to 2026-01-13 01:00 UTC"
    assert said["state"] == "answered"


def test_materialising_again_brings_nothing_new(home: Path) -> None:
    instance = dg.DagsterInstance.ephemeral()
    first = metadata(materialise(instance), asset_key(FUNDING))
    said = metadata(materialise(instance), asset_key(FUNDING))
    assert (said["new rows"], said["revised rows"]) == (0, 0)
    assert said["dagster/row_count"] == first["dagster/row_count"]


def test_every_asset_has_its_four_checks_evaluated(home: Path) -> None:
    result = materialise(dg.DagsterInstance.ephemeral())
    checks = {
        (check.asset_key.path[-1], check.check_name): check.passed for check in result.get_asset_check_evaluations()
    }
    assert checks == {
        (each.table, name): True for each in (FUNDING, KEYED) for name in ("answered", "contract", "complete", "fresh")
    }


def test_what_a_stand_in_has_nothing_for_is_not_asked_and_not_dead(home: Path) -> None:
    silent = dataset("hyperliquid.open_interest")
    result = dg.materialize([raw_assets], selection=[asset_key(silent)], resources={"scope": SCOPE})
    said = metadata(result, asset_key(silent))
    assert (said["state"], said["requests"], said["dagster/row_count"]) == ("not_asked", 0, 0)
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == {"answered": True, "contract": True, "complete": True, "fresh": True}


def test_a_key_is_in_no_file_that_a_run_leaves(home: Path) -> None:
    with instance_for(home) as instance:
        said = metadata(materialise(instance), asset_key(KEYED))
    assert said["state"] == "answered"
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".gz" for path in files)
    assert any(path.suffix == ".db" for path in files)
    for path in files:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert SECRET.encode() not in content, path
