"""The scenario continued: inputs that confirm walk the path to a recovery, inputs that refute to a bear market."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cli.demo import demo_settings
from cli.errors import EXIT_PUBLISHED
from cli.request import RunRequest
from cli.run import run_and_tell
from pipeline.settings import environment
from sandbox.scenario import Ending, generate
from sandbox.server_process import running_apart
from sources.core.dataset import Access
from sources.registry import DATASETS

FIRST_DAY, LAST_DAY = date(2025, 10, 1), date(2026, 4, 30)
# Second sources of what another dataset brings here too, and the ones that are asked most often.
SPARED = {"okx.open_interest", "glassnode.urpd", "fred.observation", "cboe.vix"}

Row = tuple[date, str, str | None, bool, bool | None, bool | None, bool | None]


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Ending], list[Row]]:
    """Regime, next condition, fully_confirmed and S1-S3 of every date from the golden day on."""

    def run(ending: Ending) -> list[Row]:
        home: Path = tmp_path_factory.mktemp(ending.name.lower())
        generate(home / "market", ending=ending)
        asked = [dataset.id for dataset in DATASETS if dataset.access is not Access.ARCHIVE]
        selected = tuple(name for name in asked if name not in SPARED)
        with running_apart(home / "market") as upstream, environment(**demo_settings(home, upstream)):
            request = RunRequest("backfill", FIRST_DAY, LAST_DAY, selected, keeps_history=False)
            assert run_and_tell(request) == EXIT_PUBLISHED
        with duckdb.connect(str(home / "leadline.duckdb"), read_only=True) as published:
            return published.execute(
                "select signal_date, regime, next_condition, fully_confirmed, s1, s2, s3 from marts.fct_regime_daily "
                "where signal_date >= '2026-02-06' order by signal_date"
            ).fetchall()

    return run


@pytest.mark.slow
def test_confirming_inputs_walk_the_path_to_a_confirmed_recovery(continued: Callable[[Ending], list[Row]]) -> None:
    rows = continued(Ending.CONFIRMING)
    assert rows[0][1:3] == ("relief_rally", "S1")
    first_true = [next(row[0] for row in rows if all(row[4 : 5 + step])) for step in range(3)]
    assert first_true == sorted(first_true), "S1, S1 and S2, then all three"
    recovered = next(row[0] for row in rows if row[1] == "confirmed_recovery")
    confirmed = next(row[0] for row in rows if row[3])
    assert first_true[0] <= recovered < confirmed
    assert {row[1] for row in rows if row[0] > confirmed} <= {"confirmed_recovery", "expansion"}
    assert rows[-1][2] is None


@pytest.mark.slow
def test_refuting_inputs_lead_to_a_bear_continuation(continued: Callable[[Ending], list[Row]]) -> None:
    rows = continued(Ending.REFUTING)
    bear = next(row[0] for row in rows if row[1] == "bear_continuation")
    assert (bear - date(2026, 2, 6)).days <= 14
    # A falling market may see another forced sale, of two days, and goes on after it.
    after = [row[1] for row in rows if row[0] > bear]
    assert set(after) <= {"bear_continuation", "capitulation"}
    assert after.count("capitulation") <= 2
    assert after[-1] == "bear_continuation"
    assert not any(row[3] for row in rows)
    assert all(row[2] == "S1" for row in rows if row[0] > bear)
