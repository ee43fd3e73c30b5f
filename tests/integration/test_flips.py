"""Every claimed distance to a flip, applied: the rules run with the readings moved have to say what was claimed."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.rule_engine import RuleEngine, WhatIfError
from pipeline.what_if import what_if
from tests.integration.reckoning import Reckoning

STATES = ("int_buckets__daily",)
EVERY = 60  # days: a run of the rules takes a second. The second reckoning tries every day.
SIXTH = date(2026, 2, 6)


def claims(published: Path) -> dict[date, list[dict[str, Any]]]:
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute("from marts.fct_bucket_daily order by signal_date, bucket").pl().to_dicts()
    days: dict[date, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault(row["signal_date"], []).append(row)
    return days


def moves(claim: dict[str, Any]) -> dict[str, float]:
    """The readings that a claim moves, and what to."""
    others = dict(part.split("=") for part in (claim["flip_also_needs"] or "").split())
    own = {claim["flip_signal_id"]: claim["flip_value"]} if claim["flip_distance"] else {}
    return own | {signal: float(value) for signal, value in others.items()}


def days_to_try(days: dict[date, list[dict[str, Any]]]) -> Sequence[date]:
    """Some of every stretch, and the first ones with each kind of claim."""
    chosen = set(list(days)[::EVERY])
    kinds: dict[tuple[str, bool, bool, bool], date] = {}
    for day, rows in days.items():
        for row in rows:
            if row["flip_signal_id"] is not None:
                kind = (row["bucket"], row["flip_also_needs"] is not None, row["flip_readings"] > 0)
                kinds.setdefault((*kind, row["flip_distance"] == 0), day)
    return sorted(chosen | set(kinds.values()))


def assert_the_rules_agree(published: Path) -> None:
    days = claims(published)
    tried = 0
    for day in days_to_try(days):
        with RuleEngine(published, day, STATES) as engine:
            actual = {row["bucket"]: row["state"] for row in engine.run()["int_buckets__daily"]}
            assert actual == {claim["bucket"]: claim["state"] for claim in days[day]}
            flips = [claim for claim in days[day] if claim["flip_signal_id"] is not None]
            # Buckets do not read each other's signals, so claims that ask for as many readings are tried at once.
            for more_days in {claim["flip_readings"] for claim in flips}:
                together = [claim for claim in flips if claim["flip_readings"] == more_days]
                moved = {signal: value for claim in together for signal, value in moves(claim).items()}
                found = {row["bucket"]: row["state"] for row in engine.run(moved, more_days)["int_buckets__daily"]}
                for claim in together:
                    assert found[claim["bucket"]] == claim["flip_to_state"], (day, claim)
                    tried += 1
    assert tried > 20


def assert_a_second_reckoning_agrees(published: Path) -> None:
    """Every claim of every day, from the published rows alone; and that two steps less would not do."""
    reckoning = Reckoning(published)
    tried = 0
    for day, rows in claims(published).items():
        for claim in rows:
            if claim["flip_signal_id"] is None:
                assert claim["flip_to_state"] is claim["flip_value"] is claim["flip_readings"] is None
                continue
            distances = {signal: value - reckoning.values[day, signal] for signal, value in moves(claim).items()}
            state = reckoning.state(day, claim["bucket"], distances, claim["flip_readings"])
            wanted = claim["flip_to_state"] if claim["flip_to_state"] in ("bull", "bear") else None
            assert state == wanted, (day, claim)
            assert claim["flip_to_state"] != claim["state"]
            if len(distances) == 1:
                [(signal, distance)] = distances.items()
                less = distance - 2 * reckoning.step(signal, distance) * (1 if distance > 0 else -1)
                if less * distance > 0:
                    still = reckoning.state(day, claim["bucket"], {signal: less}, claim["flip_readings"])
                    made = claim["state"] if claim["state"] in ("bull", "bear") else None
                    assert still == made, (day, claim, less)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize("check", [assert_the_rules_agree, assert_a_second_reckoning_agrees])
def test_every_distance_of_the_demo_flips_where_it_says(check: Callable[[Path], None], scenario_home: Path) -> None:
    check(scenario_home / "leadline.duckdb")


@pytest.mark.parametrize("check", [assert_the_rules_agree, assert_a_second_reckoning_agrees])
def test_every_distance_of_real_history_flips_where_it_says(check: Callable[[Path], None], real_home: Path) -> None:
    check(real_home / "leadline.duckdb")


def test_readings_that_stay_change_nothing(scenario_home: Path) -> None:
    published = scenario_home / "leadline.duckdb"
    with duckdb.connect(str(published), read_only=True) as connection:
        same = dict(
            connection.execute(
                "select signal_id, value_as_known from marts.fct_signal_daily where signal_date = ? "
                "and signal_id in ('funding_rate_8h_pct', 'rr25_30d', 'etf_net_flow_usd', 'spx_return_5d_pct')",
                [SIXTH],
            ).fetchall()
        )
    assert len(same) == 4
    assert what_if(published, SIXTH, same).changes == []


def test_what_if_says_what_else_changes_and_what_it_left_alone(scenario_home: Path) -> None:
    published = scenario_home / "leadline.duckdb"
    calm = {"rr25_30d": -4.0, "rr25_7d": -4.0, "iv_term_slope_7d_90d": 1.0, "funding_rate_8h_pct": 0.004}
    found = what_if(published, SIXTH, calm, more_days=2)
    changed = {change.what: (change.before, change.after) for change in found.changes}
    assert changed["options"] == ("bear", "bull")
    assert changed["R2"] == (True, False)
    assert changed["S3"] == (False, True)
    assert "macro" not in changed
    moved = what_if(published, SIXTH, {"etf_net_flow_5d_usd": 1e9})
    assert {change.what for change in moved.changes} == {"R3", "verdict_line"}
    assert "etf_net_flow_5d_bp" in moved.left_alone


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        ({"funding": 1.0}, "funding has no reading on 2026-02-06"),
        ({"rr25_30d": float("nan")}, "is no reading of rr25_30d"),
    ],
)
def test_what_cannot_be_moved_is_refused(readings: dict[str, float], reason: str, scenario_home: Path) -> None:
    with pytest.raises(WhatIfError, match=reason):
        what_if(scenario_home / "leadline.duckdb", SIXTH, readings)
