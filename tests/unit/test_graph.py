"""The dbt project's layers: every dataset is a source, models read staging, every model begins with its grain."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline import dbt_sources
from sources.registry import DATASETS

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "dbt_project"
REPORTING = REPOSITORY / "reporting"
MODELS = sorted(path for ending in ("sql", "py") for path in (PROJECT / "models").rglob(f"*.{ending}"))
READS = re.compile(r"\{\{\s*(?P<kind>ref|source)\(\s*'(?P<first>\w+)'(?:,\s*'(?P<second>\w+)')?\s*\)")

# What models may read beside models, seeds and staging: metadata tables of the warehouse, no observations.
METADATA_THAT_MODELS_READ = {
    "dataset": "declarations: terms, freshness and licence of what a signal is made of",
    "calendar_day": "the trading calendar",
    "load_ledger": "how far the newest answer reaches, and coverage",
    "attempt": "how the last attempt to fetch a dataset went",
    "quarantine": "how much was not believed",
    "regime_log": "what was published, which no model can recompute",
    "coverage": "what was asked for and is missing",
    "forecast_log": "forecasts as they were made",
    "forecast_strike_log": "what they said of each price",
    "forecast_head": "the chain of hashes of what was said",
}


def _layer(model: Path) -> str:
    return model.relative_to(PROJECT / "models").parts[0]


def _sources_read(model: Path, source: str) -> set[str]:
    reads = READS.finditer(model.read_text())
    return {read["second"] for read in reads if read["kind"] == "source" and read["first"] == source}


def test_sources_yml_is_what_the_declarations_say() -> None:
    assert dbt_sources.FILE.read_text() == dbt_sources.sources_yml(), "run `make sources`"


def test_every_dataset_is_a_source_with_all_its_columns_described_and_the_key_of_its_asset() -> None:
    declared = yaml.safe_load(dbt_sources.FILE.read_text())
    [staging] = [source for source in declared["sources"] if source["name"] == "staging"]
    tables = {table["name"]: table for table in staging["tables"]}
    assert set(tables) >= {f"stg_{dataset.table}" for dataset in DATASETS}
    for dataset in DATASETS:
        table = tables[f"stg_{dataset.table}"]
        described = {column["name"]: column["description"] for column in table["columns"]}
        assert table["description"] == dataset.description
        assert table["config"]["meta"]["dagster"]["asset_key"] == ["raw", dataset.table]
        assert table["config"]["meta"]["key"] == list(dataset.key)
        assert all(column.description in described[name] for name, column in dataset.columns.items())
        assert all(described.values())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_models_read_data_in_staging_and_of_raw_the_metadata_alone(model: Path) -> None:
    assert _sources_read(model, "raw") <= set(METADATA_THAT_MODELS_READ)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_a_model_is_named_after_its_layer_and_begins_with_its_grain(model: Path) -> None:
    prefixes = {"intermediate": ("int_",), "marts": ("fct_", "dim_")}
    assert model.stem.startswith(prefixes[_layer(model)])
    assert re.match(r'(-- |""")(One row|Two rows|Every)\b', model.read_text())


def _read_through(module: str) -> set[str]:
    """The marts that a module of reporting names, or one that it imports."""
    waiting, texts = [module], dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name not in texts:
            texts[name] = REPORTING.joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8")
            waiting += re.findall(r"^\s*from reporting\.([\w.]+) import", texts[name], re.MULTILINE)
    return {mart for text in texts.values() for mart in re.findall(r"marts\.((?:dim|fct)_\w+)", text)}


def test_exposures_say_which_marts_their_readers_read() -> None:
    declared = yaml.safe_load((PROJECT / "models" / "marts" / "_exposures.yml").read_text(encoding="utf-8"))
    exposures = {
        exposure["name"]: {re.fullmatch(r"ref\('(\w+)'\)", mart)[1] for mart in exposure["depends_on"]}  # type: ignore[index]
        for exposure in declared["exposures"]
    }
    every_mart = {model.stem for model in MODELS if _layer(model) == "marts"}
    assert exposures["alerts"] == _read_through("alerts")
    assert exposures["report"] == _read_through("page")
    assert exposures["site"] == _read_through("site.build")
    assert exposures["extracts"] == exposures["mcp_server"] == every_mart
