"""The list of benchmarks. A module is imported only when it runs, so that none needs the packages of another.

A benchmark is a module with `run(size: Size) -> Iterator[Claim]`, which measures and yields one claim after another.
"""

from collections.abc import Callable, Iterator
from importlib import import_module

from benchmarks.claim import Claim, Size

BENCHMARKS = {
    "bulk": "benchmarks.bulk",
    "refresh": "benchmarks.refresh",
    "marts": "benchmarks.marts",
    "report": "benchmarks.report",
    "chain_follow": "benchmarks.chain_follow",
    "chain_value": "benchmarks.chain_value",
    "chain_join": "benchmarks.chain_join",
    "chain_cells": "benchmarks.chain_cells",
}

# Run only when named: gigabytes of disk, and the better part of an hour. `make bench-chain` names them.
LONG = frozenset({"chain_join", "chain_cells"})


def benchmark(name: str) -> Callable[[Size], Iterator[Claim]]:
    """The `run` of a benchmark by its name."""
    found: Callable[[Size], Iterator[Claim]] = import_module(BENCHMARKS[name]).run
    return found
