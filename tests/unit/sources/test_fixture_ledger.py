"""The books of the real recordings: each file is decoded or refused by a test that names it, or a reason says why not.

A test names a file by its path under `fixtures/`, whole or as its last part with or without the suffix; the folder's
name stands in the same module. What nobody reads stands in `fixture_reasons.toml` with the reason.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

HERE = Path(__file__)
TESTS = HERE.parents[2]
LEDGER = HERE.with_name("fixture_reasons.toml")
SHORTEST_REASON = 20  # characters: "n/a" is no reason


def strings_of(module: str) -> Iterator[str]:
    """The string literals of the code: what stands in comments and docstrings names nothing."""
    tree = ast.parse(module)
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def names(strings: list[str], file: str) -> bool:
    """Whether these literals of one module name the recording `folder/name.suffix`."""
    folder, _, name = file.rpartition("/")
    stem = name.rpartition(".")[0]
    has_name = any(re.search(rf"(?<![\w-]){re.escape(stem)}(?![\w-])", text) for text in strings)
    return has_name and any(folder in re.split(r"[^\w-]", text) for text in strings)


@pytest.fixture(scope="module")
def recordings(real: Path) -> list[str]:
    root = real / "fixtures"
    files = (file for file in root.rglob("*") if file.is_file() and file.parent != root)
    return sorted(file.relative_to(root).as_posix() for file in files)


@pytest.fixture(scope="module")
def modules() -> Mapping[str, list[str]]:
    found = (file for file in TESTS.rglob("test_*.py") if file != HERE)
    return {file.name: list(strings_of(file.read_text(encoding="utf-8"))) for file in found}


@pytest.fixture(scope="module")
def reasons() -> Mapping[str, str]:
    return tomllib.loads(LEDGER.read_text(encoding="utf-8"))["reasons"]


def test_every_recording_is_read_by_a_test_or_has_a_reason(
    recordings: list[str], modules: Mapping[str, list[str]], reasons: Mapping[str, str]
) -> None:
    assert len(recordings) > 100
    named = {file for file in recordings if any(names(strings, file) for strings in modules.values())}
    assert set(recordings) - named - set(reasons) == set()


def test_a_reason_is_a_reason_and_its_file_is_there_and_read_by_nobody(
    recordings: list[str], modules: Mapping[str, list[str]], reasons: Mapping[str, str]
) -> None:
    assert set(reasons) <= set(recordings)
    assert [file for file, why in reasons.items() if len(why) < SHORTEST_REASON] == []
    assert [file for file in reasons if any(names(strings, file) for strings in modules.values())] == []


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ('read(real / "fixtures/bybit/market_tickers.json")', True),
        ('recorded(real / "fixtures" / "bybit", "market_tickers")', True),
        ('recorded(real / "fixtures" / "bybit", "market_tickers_old")', False),
        ('recorded(real / "fixtures" / "okx", "market_tickers")', False),
        ('"""Not yet bybit/market_tickers.json."""', False),
        ('# bybit/market_tickers.json\nx = "bybit"', False),
    ],
)
def test_what_names_a_recording(module: str, expected: bool) -> None:
    assert names(list(strings_of(module)), "bybit/market_tickers.json") is expected
