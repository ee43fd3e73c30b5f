"""Bucket states reckoned a second time, in plain Python, from published rows, to hold the SQL of the rules against."""

import operator
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

COMPARES = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
YEAR = timedelta(days=365)


class Reckoning:
    """The published rules and readings of every day. `values` has the as-known reading by day and signal."""

    def __init__(self, published: Path) -> None:
        with duckdb.connect(str(published), read_only=True) as connection:
            signals = connection.execute(
                "select signal_date, signal_id, value_as_known, observed_date, provider from marts.fct_signal_daily "
                "where value_as_known is not null order by signal_date"
            ).fetchall()
            rules = connection.execute(
                "select daily.*, rule.* exclude (rule_id, scope, target_id, direction, signal_id) "
                "from marts.fct_rule_daily as daily join marts.dim_rule as rule on rule.rule_id = daily.rule_id "
                "and daily.signal_date between rule.valid_from and rule.valid_to "
                "where daily.scope = 'bucket' order by daily.signal_date"
            ).pl()
            self._units = {
                name: (unit, decimals)
                for name, unit, decimals in connection.execute(
                    "select signal_id, unit, decimals from marts.dim_signal"
                ).fetchall()
            }
        self.values: dict[tuple[date, str], float] = {}
        self._sources: dict[tuple[date, str], tuple[date, str]] = {}
        self._appeared: dict[tuple[str, str], dict[date, tuple[date, float]]] = defaultdict(dict)
        for day, signal, value, observed, provider in signals:
            self.values[day, signal] = value
            self._sources[day, signal] = (observed, provider)
            self._appeared[signal, provider].setdefault(observed, (day, value))
        self._rules: dict[tuple[date, str], list[dict[str, Any]]] = defaultdict(list)
        before: dict[str, dict[str, Any]] = {}  # the rule's last row of an earlier reading
        last: dict[str, dict[str, Any]] = {}
        for row in rules.to_dicts():
            rule = row["rule_id"]
            if rule in last and last[rule]["hole_date"] != row["hole_date"] and row["value"] is not None:
                last.pop(rule)  # a hole ends what was counted
                before.pop(rule, None)
            if rule in last and last[rule]["observed_date"] != row["observed_date"]:
                before[rule] = last[rule]
            # A rule has no row on days on which an alternative counted, but its own count went on unseen. What it was
            # is told by today's row: a reading that is met follows one fewer, and after a "yes" would be a "yes".
            if row["readings_met"]:
                row["met_before"] = row["readings_met"] - 1
            else:
                row["met_before"] = (before[rule]["readings_met"] or 0) if rule in before else 0
            was_no = row["holds"] is False and row["readings_met"]
            row["held_before"] = last[rule]["holds"] if rule in last and not was_no else None
            self._rules[row["signal_date"], row["target_id"]].append(row)
            if row["value"] is not None:
                last[rule] = row

    def step(self, signal: str, distance: float) -> float:
        """The smallest difference that is printed of a distance."""
        unit, decimals = self._units[signal]
        if unit == "USD" and abs(distance) >= 1e6:
            return 1e7 if abs(distance) >= 1e9 else 1e5
        return 10.0**-decimals

    def state(self, day: date, bucket: str, distances: Mapping[str, float], more_readings: int) -> str | None:
        """`bull` or `bear` if the rules make it so with these distances added to readings, else None."""
        groups: dict[tuple[str, str], list[bool | None]] = defaultdict(list)
        for rule in self._rules[day, bucket]:
            groups[rule["direction"], rule["rule_group"]].append(self._holds(day, rule, distances, more_readings))
        continuing = [holds for (side, _), holds in groups.items() if side == "continues"]
        if any(all(each is True for each in group) for group in continuing):
            return "bear"
        if any(False not in group for group in continuing):
            return None  # a group with a missing member may hold
        confirming = [holds for (side, _), holds in groups.items() if side == "confirms"]
        return "bull" if all(each is True for group in confirming for each in group) else None

    def _holds(self, day: date, rule: dict[str, Any], distances: Mapping[str, float], more: int) -> bool | None:
        if rule["holds"] is None:
            return None
        value = rule["value"]
        if rule["signal_id"] in distances:
            distance = distances[rule["signal_id"]]
            is_rank = rule["measure"] == "percentile_365d"
            value = self._rank(day, rule["signal_id"], distance) if is_rank else value + distance
        if not COMPARES[rule["operator"]](value, rule["enter_threshold"]):
            return False
        return rule["met_before"] + 1 + more >= rule["readings"] or rule["held_before"] is True

    def _rank(self, day: date, signal: str, distance: float) -> float:
        """The percentile of a moved reading among those of the year before it."""
        observed, provider = self._sources[day, signal]
        history = self._appeared[signal, provider]
        own, _ = history[observed]
        year = sorted(value for appeared, value in history.values() if own - YEAR <= appeared < own)
        moved = self.values[day, signal] + distance
        smaller, larger = bisect_left(year, moved), len(year) - bisect_right(year, moved)
        return 50 * (len(year) + smaller - larger) / len(year)
