"""Ten readers ask in a loop while runs fetch, build and publish: nobody waits, nobody sees half of anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demo import demo_settings
from cli.errors import EXIT_PUBLISHED
from sandbox.server_process import running_apart
from tests.conftest import REPOSITORY
from tests.ui.conftest import own_copy
from tests.ui.runs import ROUND

READERS = 4 * ("python",) + 3 * ("command line",) + 3 * ("extracts",)


@pytest.mark.parametrize("rounds", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_ten_readers_hammer_while_two_refreshes_and_a_back_fill_run(
    scenario_home: Path, tmp_path: Path, rounds: int
) -> None:
    home, stop = own_copy(scenario_home, tmp_path / "home"), tmp_path / "stop"
    with running_apart(home / "market") as upstream:
        environment = {**os.environ, **demo_settings(home, upstream)}
        readers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.ui.reader", kind, str(home), str(stop)],
                cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
            )
            for kind in READERS
        ]  # fmt: skip
        try:
            runs = subprocess.run(
                [sys.executable, "-m", "tests.ui.runs", str(rounds)], cwd=REPOSITORY, env=environment, check=False
            )
        finally:
            stop.touch()
            answers = [json.loads(reader.communicate()[0]) for reader in readers]
    assert runs.returncode == EXIT_PUBLISHED
    assert [error for answer in answers for error in answer["errors"]] == []
    assert all(answer["answers"] >= 3 for answer in answers)
    # The file as it was, and each of the publications while the readers looked on; each of them by somebody.
    for kind in set(READERS):
        seen = {
            publication
            for reader, answer in zip(READERS, answers, strict=True)
            if reader == kind
            for publication in answer["publications"]
        }
        assert 1 < len(seen) <= 1 + rounds * len(ROUND), kind
    everything = {publication for answer in answers for publication in answer["publications"]}
    print(f"{sum(answer['answers'] for answer in answers)} answers of {len(everything)} publications")  # noqa: T201
