"""The dbt project's layers: every raw table is read, marts read no raw data, every model begins with its grain."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline import analytics_tables
from sources import DATASETS
from warehouse.metadata_tables import METADATA_TABLES

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MODELS = sorted(path for ending in ("sql", "py") for path in (PROJECT / "models").rglob(f"*.{ending}"))
READS = re.compile(r"\{\{\s*(?P<kind>ref|source)\(\s*'(?P<first>\w+)'(?:,\s*'(?P<second>\w+)')?\s*\)")
VERSIONS = re.compile(r"\{\{\s*versions\(\s*'(?P<table>\w+)'")

# What marts and intermediate models may read beside models and seeds: books of the warehouse, no observations.
BOOKS_THAT_MODELS_READ = {
    "dataset": "declarations: terms, freshness and licence of what a signal is made of",
    "calendar_day": "the trading calendar",
    "load_ledger": "how far the newest answer reaches, and coverage",
    "attempt": "how the last attempt to fetch a dataset went",
    "quarantine": "how much was not believed",
    "regime_log": "what was published, which no model can recompute",
}


def _layer(model: Path) -> str:
    return model.relative_to(PROJECT / "models").parts[0]


def _of_layer(layer: str) -> list[Path]:
    return [model for model in MODELS if _layer(model) == layer]


def _raw_tables(model: Path) -> set[str]:
    reads = READS.finditer(model.read_text())
    return {read["second"] for read in reads if read["kind"] == "source" and read["first"] == "raw"}


def _declared_sources() -> dict[str, set[str]]:
    declared = yaml.safe_load((PROJECT / "models" / "staging" / "_sources.yml").read_text())
    return {source["name"]: {table["name"] for table in source["tables"]} for source in declared["sources"]}


def test_every_raw_table_is_a_source_and_the_reverse() -> None:
    assert _declared_sources() == {
        "raw": {dataset.table for dataset in DATASETS} | set(BOOKS_THAT_MODELS_READ),
        "analytics": set(analytics_tables.TABLES),
    }
    assert set(BOOKS_THAT_MODELS_READ) <= set(METADATA_TABLES)


def test_every_dataset_has_one_staging_model() -> None:
    assert [model.stem for model in _of_layer("staging")] == sorted(f"stg_{dataset.table}" for dataset in DATASETS)


@pytest.mark.parametrize("model", _of_layer("staging"), ids=lambda model: model.stem)
def test_staging_reads_its_own_raw_table_and_joins_nothing(model: Path) -> None:
    text = model.read_text()
    assert [read["table"] for read in VERSIONS.finditer(text)] == [model.stem.removeprefix("stg_")]
    assert not READS.search(text)
    assert not re.search(r"\bjoin\b", text)


@pytest.mark.parametrize("model", _of_layer("intermediate") + _of_layer("marts"), ids=lambda model: model.stem)
def test_models_read_models_and_no_raw_data(model: Path) -> None:
    assert _raw_tables(model) <= set(BOOKS_THAT_MODELS_READ)
    assert not VERSIONS.search(model.read_text())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_a_model_is_named_after_its_layer_and_begins_with_its_grain(model: Path) -> None:
    prefixes = {"staging": ("stg_",), "intermediate": ("int_",), "marts": ("fct_", "dim_")}
    assert model.stem.startswith(prefixes[_layer(model)])
    assert re.match(r'(-- |""")(One row|Two rows|Every)\b', model.read_text())
