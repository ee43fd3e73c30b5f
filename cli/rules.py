"""`leadline rules`: every rule in force on a day, with the distance to its flip."""

from datetime import date

from rich.table import Table

from cli import terminal
from cli.errors import RequestError
from cli.published import PLAIN, cell, published_file
from reporting.published import open_published

_HOLDS = {True: "✓", False: "✗", None: "unknown"}


def show_rules(day: date | None) -> None:
    """Every rule in force on a day: whether it holds, on which reading, and the distance to its flip."""
    with open_published(published_file()) as warehouse:
        rows = warehouse.rows(
            """
            select
                rule.scope, rule.target_id, rule.direction, daily.rule_id, daily.holds, daily.value, rule.signal_id,
                rule.measure, rule.operator, rule.enter_threshold, rule.unit, daily.readings_met, rule.readings,
                daily.flip_distance, daily.observed_date
            from marts.fct_rule_daily as daily
            join marts.dim_rule as rule
                on rule.rule_id = daily.rule_id and daily.signal_date between rule.valid_from and rule.valid_to
            where daily.signal_date = coalesce($day, (select max(signal_date) from marts.fct_rule_daily))
            order by rule.scope, rule.target_id, rule.direction, daily.rule_id
            """,
            day=day,
        )
    if not rows:
        raise RequestError(f"No rule was evaluated on {day}. `leadline show` names the days that there are.")
    table = Table("rule", "says", "holds", "reading", "rule holds when", "readings", "to flip", "observed", **PLAIN)
    for row in rows:
        measure = row["signal_id"] + ("" if row["measure"] == "value" else f", {row['measure']}")
        condition = f"{measure} {row['operator']} {_number(row['enter_threshold'])}"
        table.add_row(
            row["rule_id"],
            f"{row['target_id']} {row['direction']}",
            _HOLDS[row["holds"]],
            f"{_number(row['value'])} {row['unit'] or ''}",
            condition,
            f"{row['readings_met'] or 0} of {row['readings']}",
            _number(row["flip_distance"]),
            cell(row["observed_date"]),
        )
    terminal.console().print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
