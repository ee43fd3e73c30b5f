"""The rooms of the house and the direction of imports between them."""

import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

REPOSITORY = Path(__file__).resolve().parents[2]


def test_imports_go_one_way(monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    kept = lint_imports(config_filename="pyproject.toml", no_cache=True) == 0
    assert kept, capsys.readouterr().out


def test_every_room_has_its_rule():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    rooms = {package for package in project["tool"]["setuptools"]["packages"] if "." not in package}
    assert set(project["tool"]["importlinter"]["root_packages"]) == rooms
    ruled = {room for contract in project["tool"]["importlinter"]["contracts"] for room in contract["source_modules"]}
    assert rooms <= ruled
