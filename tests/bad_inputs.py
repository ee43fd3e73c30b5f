"""The page of bad inputs, made of `bad_inputs.toml`: `python -m tests.bad_inputs` writes `docs/bad-inputs.md`."""

import ast
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
CATALOGUE = REPOSITORY / "tests" / "bad_inputs.toml"
PAGE = REPOSITORY / "docs" / "bad-inputs.md"
# How many rows each family of the catalogue has. A row that is not in the catalogue is not shown by a test.
FAMILIES = {
    "T": ("Transport", 15),
    "B": ("Body that is not the data", 16),
    "D": ("Time", 13),
    "V": ("Values", 15),
    "S": ("Shape", 10),
    "H": ("Hostile content", 10),
    "M": ("Faults of the machine", 9),
}


def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Every row by its id."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def places() -> dict[str, list[str]]:
    """Name of each test -> the files that it is in."""
    found: dict[str, list[str]] = {}
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, []).append(str(path.relative_to(REPOSITORY)))
    return found


def page() -> str:
    """The page as Markdown."""
    rows, where = catalogue(), places()
    lines = [
        "# Bad inputs",
        "",
        "What providers and machines may do to a warehouse, what comes of it here, and the tests that show it.",
        "Made by `python -m tests.bad_inputs`.",
    ]
    for letter, (title, count) in FAMILIES.items():
        lines += ["", f"## {title}", "", "| id | input | outcome | tests |", "|---|---|---|---|"]
        shown = [(f"{letter}{number}", rows.get(f"{letter}{number}")) for number in range(1, count + 1)]
        for name, row in shown:
            if row:
                tests = "<br>".join(f"`{where[test][0]}::{test}`" for test in row["tests"])
                lines.append(f"| {name} | {row['input']} | {row['outcome']} | {tests} |")
        if missing := [name for name, row in shown if row is None]:
            lines += ["", f"Without a test of their own: {', '.join(missing)}."]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
