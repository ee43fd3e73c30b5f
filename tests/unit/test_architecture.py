"""The rooms of the house and the direction of imports between them."""

import ast
import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = sorted({package.partition(".")[0] for package in PROJECT["tool"]["setuptools"]["packages"]})


def test_imports_go_one_way(monkeypatch, capsys):
    monkeypatch.chdir(REPOSITORY)
    kept = lint_imports(config_filename="pyproject.toml", no_cache=True) == 0
    assert kept, capsys.readouterr().out


def test_every_room_has_its_rule():
    linter = PROJECT["tool"]["importlinter"]
    assert sorted(linter["root_packages"]) == ROOMS
    ruled = {room for contract in linter["contracts"] for room in contract.get("source_modules", ())}
    assert set(ROOMS) <= ruled


def test_no_two_classes_share_a_name():
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        for module in sorted((REPOSITORY / room).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(str(module.relative_to(REPOSITORY)))
    assert len(found) > 100
    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}
