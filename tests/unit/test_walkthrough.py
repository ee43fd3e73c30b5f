"""The walkthrough names functions, models and tables that exist, each function once."""

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "walkthrough.md").read_text(encoding="utf-8")
ROOMS = "sources|warehouse|pipeline|orchestration|reporting|analytics|cli"
NAMED = re.findall(rf"`((?:{ROOMS})(?:\.\w+)+)`", PAGE)


def test_each_function_is_named_once() -> None:
    assert len(NAMED) >= 20
    assert sorted(set(NAMED)) == sorted(NAMED)


@pytest.mark.parametrize("name", sorted(set(NAMED)))
def test_what_is_named_exists(name: str) -> None:
    parts = name.split(".")
    depth = max(n for n in range(1, len(parts)) if (REPOSITORY.joinpath(*parts[:n]).with_suffix(".py")).exists())
    assert callable(reduce(getattr, parts[depth:], import_module(".".join(parts[:depth]))))


@pytest.mark.parametrize("model", sorted(set(re.findall(r"`((?:int|fct|dim)_\w+)`", PAGE))))
def test_named_models_exist(model: str) -> None:
    assert list((REPOSITORY / "dbt_project" / "models").rglob(f"{model}.sql"))


def test_the_citation_has_the_version_of_the_project() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'version = "{citation["version"]}"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
