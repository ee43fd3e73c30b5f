"""The forecast of a date as it was logged, and its record: rows of the published warehouse, nothing computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

LIVE: Final = "live"
JUDGED_BY: Final = ("random_walk", "options")  # baselines that a reader is told of
JUDGED_EVENT: Final = "low"  # the lowest low of the period: how far down it goes
PERIOD: Final = "730d"


class Published(Protocol):
    """What answers questions about the published warehouse."""

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """The rows of a query, as dictionaries."""


@dataclass(frozen=True)
class Chances:
    """What was said of one price: chances as fractions, None where the horizon carries no such answer."""

    strike_usd: float | None  # None where it may not be passed on
    role: str
    side: str
    prob_close_below: float
    prob_touch: float | None
    prob_holds: float | None
    prob_stays_below: float | None


@dataclass(frozen=True)
class PublishedSkill:
    """The record of a horizon against one baseline, percent with its 90 % interval, and the verdict in a word."""

    as_of_date: date
    origin: str
    baseline: str
    skill_pct: float
    lo90_pct: float | None
    hi90_pct: float | None
    independent_windows: float
    coverage50: float | None
    coverage90: float | None
    coverage_verdict: str | None
    verdict: str


@dataclass(frozen=True)
class Horizon:
    """The forecast of one horizon: intervals of the close in dollars, chances by price, record by baseline."""

    horizon_days: int
    target_date: date
    origin: str
    method: str
    price_source: str
    implied_used: str | None
    p05_usd: float | None
    p25_usd: float | None
    p50_usd: float | None
    p75_usd: float | None
    p95_usd: float | None
    chances: tuple[Chances, ...]
    record: tuple[PublishedSkill, ...]

    def at(self, role: str) -> Chances | None:
        """What was said of the price in a role, None where there is none."""
        return next((chance for chance in self.chances if chance.role == role), None)


@dataclass(frozen=True)
class PublishedForecast:
    """Every horizon of one date, the shortest first, and the head of the chain of publications."""

    forecast_date: date
    horizons: tuple[Horizon, ...]
    head: str | None

    def of(self, horizon_days: int) -> Horizon | None:
        """One horizon, None where history was too short for it."""
        return next((each for each in self.horizons if each.horizon_days == horizon_days), None)


def read_forecasts(warehouse: Published, days: Sequence[date]) -> dict[date, PublishedForecast]:
    """The published method's forecasts of some dates. A date without one is left out."""
    there = warehouse.rows(
        "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'fct_forecast_log' union all "
        "select 1 from duckdb_views() where schema_name = 'marts' and view_name = 'fct_forecast_log'"
    )
    if not there:
        return {}
    logged = warehouse.rows(
        """
        select log.* from marts.fct_forecast_log as log
        semi join (from marts.dim_forecast_method where role = 'published') as published using (method)
        where list_contains($days, forecast_date) order by forecast_date, horizon_days
        """,
        days=list(days),
    )
    asked = warehouse.rows(
        "select * from marts.fct_forecast_strike_daily where list_contains($days, forecast_date) "
        "order by forecast_date, horizon_days, strike_usd",
        days=list(days),
    )
    record = warehouse.rows(
        "select * from marts.fct_forecast_score where score = 'crps' and event = $event and period = $period",
        event=JUDGED_EVENT,
        period=PERIOD,
    )
    heads = warehouse.rows("select head from marts.fct_forecast_head order by sequence desc limit 1")
    head = heads[0]["head"] if heads else None
    found: dict[date, list[Horizon]] = {}
    for row in logged:
        key = (row["forecast_date"], row["horizon_days"], row["method"])
        chances = tuple(
            Chances(**{name: each[name] for name in Chances.__dataclass_fields__})
            for each in asked
            if (each["forecast_date"], each["horizon_days"], each["method"]) == key
        )
        own = {name: row[name] for name in Horizon.__dataclass_fields__ if name not in ("chances", "record")}
        judged = _record(record, row["horizon_days"], row["method"])
        found.setdefault(row["forecast_date"], []).append(Horizon(**own, chances=chances, record=judged))
    return {day: PublishedForecast(day, tuple(horizons), head) for day, horizons in found.items()}


def _record(rows: Sequence[dict[str, Any]], horizon_days: int, method: str) -> tuple[PublishedSkill, ...]:
    """Live where there is any, else of the back-test: the two are never mixed."""
    own = [row for row in rows if row["horizon_days"] == horizon_days and row["method"] == method]
    live = [row for row in own if row["origin"] == LIVE]
    return tuple(
        PublishedSkill(**{name: row[name] for name in PublishedSkill.__dataclass_fields__})
        for baseline in JUDGED_BY
        for row in (live or own)
        if row["baseline"] == baseline
    )
