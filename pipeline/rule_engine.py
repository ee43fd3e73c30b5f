"""The rule engine apart from a run: the models from readings to regime, on a copy of a published warehouse in memory.

Nothing is computed here a second time. The SQL is what dbt makes of the models, and it runs on the published readings,
rules and levels of the days up to one, with some readings moved.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline import dbt_project
from pipeline.dbt_project import PLACEHOLDER
from warehouse.tables import quoted, text

READINGS: Final = "int_signals__readings"
COMPARED: Final = "int_signals__as_known"  # readings with their changes and ranks
ANSWERS: Final = ("fct_bucket_daily", "fct_condition_daily", "fct_regime_daily")
DATABASE: Final = PLACEHOLDER.removesuffix(".duckdb")

LOOKS_BACK: Final = 365  # days, more than any rule asks for

Row = dict[str, Any]

# What the engine's models read that a run makes before them, as the published warehouse has it.
INPUTS: Final[Mapping[str, str]] = {
    READINGS: """
        select
            'as_known' as knowledge, signal_date, signal_id, value_as_known as value, provider, observed_date, age_days,
            is_fresh, source_count, method_note, known_at, known_at_basis, is_final, publishable
        from published.marts.fct_signal_daily
        where value_as_known is not null
    """,
    "int_calendar__signal_dates": "select signal_date from published.marts.fct_regime_daily",
    "int_level__in_use": """
        select
            signal_date, cluster_source, level_usd, cluster_low_usd, cluster_high_usd, close_to_cluster,
            cluster_share_of_profile_pct / 100 as share_of_profile, level_seen_date, level_since, level_before_usd,
            level_before_low_usd, level_before_source, level_moved_because, level_closed_through_date,
            level_redrawn_from_usd as redrawn_from_usd, level_none_because as none_because, floor_low_usd,
            floor_high_usd, ceiling_low_usd, ceiling_high_usd
        from published.marts.fct_regime_daily
    """,
}

# The closes that each date looks back on, from the readings as they are in the engine.
PATH: Final = "int_level__path"
CLOSES: Final = f"""
    select dates.signal_date, closes.signal_date as observed_date, closes.value as close_usd
    from intermediate.int_calendar__signal_dates as dates
    join intermediate.{COMPARED} as closes
        on closes.signal_date between dates.signal_date - {LOOKS_BACK} and dates.signal_date
    where closes.signal_id = 'btc_close_usd' and closes.age_days = 0
"""


class WhatIfError(Exception):
    """The engine cannot be run as asked; the message says why and what to do."""


@dataclass(frozen=True)
class Step:
    """One model of the engine: where it lies, and the query that makes it."""

    schema: str
    name: str
    sql: str


@cache
def steps(answers: tuple[str, ...] = ANSWERS) -> tuple[Step, ...]:
    """The models from the inputs to the answers, in the order in which they build on each other.

    Raises WhatIfError when an answer rests on a model that the published warehouse cannot give.
    """
    manifest = json.loads(dbt_project.prepare().read_bytes())
    nodes: Mapping[str, Any] = manifest["nodes"]
    ids = {node["name"]: unique_id for unique_id, node in nodes.items()}
    ordered: dict[str, None] = {}

    def visit(unique_id: str) -> None:
        if unique_id not in nodes:
            raise WhatIfError(f"The rules rest on {unique_id}, which no published table gives: see INPUTS.")
        node = nodes[unique_id]
        if unique_id in ordered or node["name"] in {*INPUTS, PATH} or node["resource_type"] == "seed":
            return
        for parent in manifest["parent_map"][unique_id]:
            visit(parent)
        ordered[unique_id] = None

    for answer in answers:
        visit(ids[answer])
    names = [nodes[unique_id]["name"] for unique_id in ordered]
    queries = dbt_project.compiled(names)
    return tuple(Step(nodes[ids[name]]["schema"], name, queries[name]) for name in names)


class RuleEngine:
    """A copy of the published inputs up to `last`, on which the engine can be run as often as wanted."""

    def __init__(self, published: Path, last: date, answers: tuple[str, ...] = ANSWERS) -> None:
        self.last = last
        self._answers = answers
        # A name in a query is a table of the database, never a variable of this module.
        self._connection = duckdb.connect(config={"python_enable_replacements": False})
        self._connection.execute(f"attach ':memory:' as {quoted(DATABASE)}")
        self._connection.execute(f"attach {text(str(published))} as published (read_only)")
        self._connection.execute(f"use {quoted(DATABASE)}")
        try:
            self._copy_inputs()
        except duckdb.CatalogException as error:
            raise WhatIfError(
                f"{published} was published by another version of Leadline ({str(error).splitlines()[0]}). "
                "Run `leadline build` to build and publish it anew."
            ) from error
        finally:
            self._connection.execute("detach published")

    def __enter__(self) -> "RuleEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _copy_inputs(self) -> None:
        for schema in ("as_published", "intermediate", "marts", "reference"):
            self._connection.execute(f"create schema {schema}")
        for name, query in INPUTS.items():
            self._connection.execute(
                f"create table as_published.{name} as from ({query}) where signal_date <= $last", {"last": self.last}
            )
        seeds = self._connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'reference'"
        ).fetchall()
        for (name,) in seeds:
            self._connection.execute(
                f"create table reference.{quoted(name)} as from published.reference.{quoted(name)}"
            )

    def reading(self, signal_id: str) -> float | None:
        """How a signal reads on the last day; None where it has no reading."""
        row = self._connection.execute(
            f"select value from as_published.{READINGS} where signal_id = ? and signal_date = ?", [signal_id, self.last]
        ).fetchone()
        return row[0] if row else None

    def siblings(self, signal_ids: Collection[str]) -> list[str]:
        """Other signals that rules read and that are computed from the same series as one of these."""
        rows = self._connection.execute(
            """
            with inputs as (
                select signal_id, trim(unnest(string_split(inputs, ';'))) as series_id from reference.signals
            )
            select distinct other.signal_id
            from inputs as own
            join inputs as other using (series_id)
            where list_contains($signals, own.signal_id) and not list_contains($signals, other.signal_id)
                and other.signal_id in (select signal_id from reference.rules)
            order by all
            """,
            {"signals": list(signal_ids)},
        ).fetchall()
        return [signal_id for (signal_id,) in rows]

    def run(
        self, moved: Mapping[str, float] | None = None, more_days: int = 0, *, missing: Collection[str] = ()
    ) -> dict[str, list[Row]]:
        """Run every model with the last day's readings replaced by `moved`; return the rows of that day by answer.

        With `more_days`, as many days that read like the last one come after it, and the rows are of the last of them.
        Of signals in `missing` the last day has no reading.
        """
        connection = self._connection
        connection.execute(f"create or replace table intermediate.{READINGS} as from as_published.{READINGS}")
        for signal_id, value in (moved or {}).items():
            connection.execute(
                f"update intermediate.{READINGS} set value = ? where signal_id = ? and signal_date = ?",
                [value, signal_id, self.last],
            )
        connection.execute(
            f"delete from intermediate.{READINGS} where signal_date = ? and list_contains(?, signal_id)",
            [self.last, list(missing)],
        )
        for name in INPUTS.keys() - {READINGS}:
            connection.execute(f"create or replace table intermediate.{name} as from as_published.{name}")
            self._repeat(name, more_days)
        for step in steps(self._answers):
            connection.execute(f"create or replace table {step.schema}.{step.name} as {step.sql}")
            if step.name == COMPARED:
                self._repeat(step.name, more_days)
                connection.execute(f"create or replace table intermediate.{PATH} as {CLOSES}")
        return {answer: self._rows(answer, more_days) for answer in self._answers}

    def _repeat(self, table: str, more_days: int) -> None:
        """Add copies of the last day's rows for the days after it."""
        columns = [name for name, *_ in self._connection.execute(f"describe intermediate.{table}").fetchall()]
        shifted = ", ".join(f"{name} + days as {name}" for name in ("signal_date", "observed_date") if name in columns)
        self._connection.execute(
            f"insert into intermediate.{table} select own.* replace ({shifted}) from intermediate.{table} as own "
            "cross join (select unnest(range(1, $more_days + 1))::integer as days) where signal_date = $last",
            {"more_days": more_days, "last": self.last},
        )

    def _rows(self, answer: str, more_days: int) -> list[Row]:
        schema = next(step.schema for step in steps(self._answers) if step.name == answer)
        cursor = self._connection.execute(
            f"from {schema}.{answer} where signal_date = ? order by all", [self.last + timedelta(days=more_days)]
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
