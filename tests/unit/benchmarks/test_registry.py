"""`make bench`: every line of the registry leads to a benchmark, and a claim knows its side of the limit."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.claim import Bound, Claim
from benchmarks.registry import BENCHMARKS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_line_of_the_registry_names_a_module_with_a_run_of_one_size(name):
    found = find_spec(BENCHMARKS[name])
    assert found is not None
    assert found.origin is not None
    functions = {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse(Path(found.origin).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert functions.get("run") == ["size"]


@pytest.mark.parametrize(
    ("bound", "measured", "holds"),
    [
        (Bound.AT_MOST, 20, True),
        (Bound.AT_MOST, 20.1, False),
        (Bound.AT_LEAST, 20, True),
        (Bound.AT_LEAST, 19.9, False),
    ],
)
def test_a_claim_holds_on_its_side_of_the_limit(bound, measured, holds):
    assert Claim("rebuild", measured, bound, 20, "s").holds is holds


def test_an_unknown_benchmark_is_refused_with_the_names_of_those_there_are():
    answer = CliRunner().invoke(main, ["nothing-of-the-kind"])
    assert answer.exit_code == 2
    assert all(name in answer.output for name in BENCHMARKS)
