"""What the rules say when readings are taken away: never more than before, and never the opposite.

An answer may differ only where a stand-in counts instead, which the rules name; an answer that is unknown stays so
whatever else is missing.
"""

import random
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipeline.rule_engine import RuleEngine

ANSWERS = ("int_buckets__daily", "int_framework__daily", "int_buckets__rules", "int_framework__rules")
DAYS = (date(2025, 9, 10), date(2025, 12, 20), date(2026, 2, 6))
TRIES = 6  # a day: a run of the rules takes a second
REMOVED = 3  # readings a step


class Said:
    """What the rules say of one day: states of buckets and conditions, and the ranks of alternatives that count."""

    def __init__(self, rows: dict[str, list[dict[str, object]]]) -> None:
        self.states = {str(row["bucket"]): row["state"] for row in rows["int_buckets__daily"]}
        self.holds = {str(row["condition_id"]): row["holds"] for row in rows["int_framework__daily"]}
        self.lacks = {str(row["bucket"]): row["waiting_for"] for row in rows["int_buckets__daily"]}
        self.ranks = {
            str(row["target_id"]): sorted(
                (str(other["rule_id"]), other["alternative_rank"])
                for name in ("int_buckets__rules", "int_framework__rules")
                for other in rows[name]
                if other["target_id"] == row["target_id"] and other["alternative_group"] is not None
            )
            for name in ("int_buckets__rules", "int_framework__rules")
            for row in rows[name]
        }

    def stands_in_anew(self, before: "Said", target: str) -> bool:
        return self.ranks.get(target) != before.ranks.get(target)


def signals_of_rules(published: Path) -> list[str]:
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            "select distinct signal_id from marts.dim_rule where scope in ('bucket', 'framework') "
            "and switched_off_because is null and signal_id in (select signal_id from marts.dim_signal) order by all"
        ).fetchall()
    return [signal for (signal,) in rows]


@pytest.mark.parametrize("day", DAYS)
def test_taking_readings_away_never_makes_an_answer_surer_or_turns_it_round(day: date, scenario_home: Path) -> None:
    published = scenario_home / "leadline.duckdb"
    signals = signals_of_rules(published)
    choose = random.Random(day.toordinal())
    unknown = 0
    with RuleEngine(published, day, ANSWERS) as engine:
        whole = Said(engine.run())
        for _ in range(TRIES):
            gone: list[str] = []
            before = whole
            for _ in range(2):
                gone += choose.sample([signal for signal in signals if signal not in gone], REMOVED)
                after = Said(engine.run(missing=gone))
                for bucket, state in before.states.items():
                    if state == "unknown":
                        assert after.states[bucket] == "unknown", (bucket, gone)
                    elif after.states[bucket] not in (state, "unknown"):
                        assert after.stands_in_anew(before, bucket) or "stands in" in (after.lacks[bucket] or ""), (
                            bucket,
                            gone,
                        )
                    if after.states[bucket] == "unknown":
                        unknown += 1
                        assert after.lacks[bucket], f"{bucket} is unknown and does not say what it lacks"
                for condition, holds in before.holds.items():
                    if holds is None:
                        assert after.holds[condition] is None or _rests_on_change(condition, before, after), gone
                    elif after.holds[condition] not in (holds, None):
                        assert after.stands_in_anew(before, condition) or _rests_on_change(condition, before, after)
                before = after
    assert unknown > 10


def _rests_on_change(condition: str, before: Said, after: Said) -> bool:
    """Whether the bucket that a condition asks about is of another state by a stand-in."""
    bucket = {"H1": "macro", "S1": "macro", "H3": "mining"}.get(condition)
    return bucket is not None and after.stands_in_anew(before, bucket)


def test_a_condition_that_asks_for_a_state_is_unknown_where_the_state_could_still_be_it(scenario_home: Path) -> None:
    published = scenario_home / "leadline.duckdb"
    with duckdb.connect(str(published), read_only=True) as connection:
        row = connection.execute(
            "select max(signal_date) from marts.fct_bucket_daily where bucket = 'macro' and state = 'bull'"
        ).fetchone()
    assert row is not None
    with RuleEngine(published, row[0], ANSWERS) as engine:
        said = Said(engine.run(missing=["dxy_return_5d_pct", "dxy_ecb_return_5d_pct"]))
        assert (said.states["macro"], said.holds["H1"], said.holds["S1"]) == ("unknown", None, None)
        assert "at best bull" in str(said.lacks["macro"])
        assert "Dollar index" in str(said.lacks["macro"])
        fallen = Said(engine.run({"spx_return_5d_pct": -0.5}, missing=["dxy_return_5d_pct", "dxy_ecb_return_5d_pct"]))
        assert (fallen.states["macro"] == "bull", fallen.holds["H1"]) == (False, False)
