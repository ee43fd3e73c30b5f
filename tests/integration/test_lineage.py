"""Lineage of columns, read from what dbt compiled for the demo."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import dbt_project
from pipeline.column_lineage import Lineage, read_lineage
from warehouse.home import Home


@pytest.fixture(scope="module")
def lineage(scenario_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Lineage:
    home, made = Home(tmp_path_factory.mktemp("lineage")), Home(scenario_home)
    shutil.copytree(made.build_file.parent / "dbt", home.build_file.parent / "dbt")
    shutil.copy(made.build_file, home.build_file)
    return read_lineage(json.loads(dbt_project.prepare().read_bytes()), home)


def test_columns_are_followed_to_the_models_and_sources_that_they_are_made_of(lineage: Lineage) -> None:
    signals = lineage["model.leadline.fct_signal_daily"]
    assert signals["value"] == [("model.leadline.int_signals__readings", "value")]
    assert signals["unit"] == [("seed.leadline.signals", "unit")]
    assert {parent for parent, _ in signals["signal_date"]} == {
        *("model.leadline.int_signals__as_known", "model.leadline.int_signals__readings")
    }
    macro = lineage["model.leadline.int_observations__macro"]
    assert ("source.leadline.staging.stg_cboe__vix", "known_at") in macro["known_at"]


def test_nearly_every_column_of_a_mart_is_followed(lineage: Lineage) -> None:
    marts = {
        name: columns
        for name, columns in lineage.items()
        if name.startswith(("model.leadline.fct_", "model.leadline.dim_"))
    }
    followed = sum(len(columns) for columns in marts.values())
    made_of_something = sum(bool(parents) for columns in marts.values() for parents in columns.values())
    assert followed > 150
    assert made_of_something / followed > 0.9
