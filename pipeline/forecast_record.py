"""What forecasts were worth: outcomes and losses of the days whose horizon has ended, then skill and reliability."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl

from analytics.forecast import METHOD, Forecaster
from analytics.forecast_scores import BINS, bins_of, compare, coverage
from analytics.outlook import CLOSE, VARIABLES
from analytics.track_record import TrackRecord
from pipeline import option_odds
from pipeline.forecast_candidates import candidates, gates, outcome_rows
from pipeline.forecast_inputs import Era, History, histories
from warehouse.database import Warehouse

RECENT: Final = {"730d": 730, "365d": 365}


@dataclass(frozen=True)
class Recorded:
    """What one call found: forecasts whose horizon has ended since, and rows of skill."""

    ended: int
    scores: int


def record(warehouse: Warehouse) -> Recorded:
    """Bring outcomes, skill and reliability up to the newest prices. What is settled is not settled again."""
    connection = warehouse.connection
    ended = 0
    with warehouse.transaction():
        known = candidates(connection)
        for history in histories(connection):
            ended += _settle(connection, history)
            for rows in (*outcome_rows(connection, history, known), *option_odds.outcome_rows(connection, history)):
                _insert(connection, "forecast_outcome", rows)
                ended += rows.height
        scores = _scores(connection) if ended or not _any(connection) else None
        if scores is not None:
            _replace(connection, "forecast_score", scores)
            _replace(connection, "forecast_reliability", _reliability(connection))
            _replace(connection, "forecast_candidate", gates(connection, known))
    return Recorded(ended, 0 if scores is None else scores.height)


def _settle(connection: duckdb.DuckDBPyConnection, history: History) -> int:
    due = connection.execute(
        """
        select forecast_date, horizon_days, origin
        from raw.forecast_log as said
        anti join analytics.forecast_outcome as known
            on known.forecast_date = said.forecast_date and known.horizon_days = said.horizon_days
            and known.method = said.method
        where said.method = ? and price_source = ? and target_date <= ?
        """,
        [METHOD, history.source, history.last],
    ).fetchall()
    if not due:
        return 0
    origins = {(day, horizon): origin for day, horizon, origin in due}
    settled = history.settled()
    outcomes, said = [], []
    for era in history.eras(sorted({day for day, _, _ in due})):
        record = TrackRecord(Forecaster(era.prices), settled)
        for horizon in sorted({horizon for _, horizon, _ in due}):
            days = [day for day in era.dates if (day, horizon) in origins]
            if days:
                of_days = [origins[day, horizon] for day in days]
                outcomes += list(_outcome_rows(record, era, horizon, days, of_days))
                said.append(_said_rows(record, era, horizon, days, of_days))
    _insert(connection, "forecast_outcome", pl.concat(outcomes))
    _insert(connection, "forecast_said", pl.concat(said))
    return len(due)


def _outcome_rows(
    record: TrackRecord, era: Era, horizon: int, days: Sequence[date], origins: Sequence[str]
) -> Iterator[pl.DataFrame]:
    places = np.array([era.prices.place(day) for day in days])
    came, fallen = record.outcomes(horizon, places), record.pits(horizon, places)
    for forecaster, losses in record.losses(horizon, places).items():
        pits = fallen if forecaster == METHOD else np.full_like(fallen, np.nan)
        yield pl.DataFrame(
            {
                "forecast_date": days,
                "horizon_days": horizon,
                "method": METHOD,
                "origin": origins,
                "forecaster": forecaster,
                **{f"{name}_move": came[n] for n, name in enumerate(VARIABLES)},
                **{f"pit_{name}": pits[n] for n, name in enumerate(VARIABLES)},
                **losses,
            }
        )


def _said_rows(
    record: TrackRecord, era: Era, horizon: int, days: Sequence[date], origins: Sequence[str]
) -> pl.DataFrame:
    places = np.array([era.prices.place(day) for day in days])
    parts = []
    for part, event, said, happened in record.said(horizon, places):
        day = np.repeat(part, said.shape[1])
        parts.append(
            pl.DataFrame(
                {
                    "day": day,
                    "event": event,
                    "bin": bins_of(said).ravel(),
                    "said": said.ravel(),
                    "happened": happened.ravel(),
                }
            )
        )
    summed = (
        pl.concat(parts)
        .group_by("day", "event", "bin")
        .agg(pl.len().alias("answers"), pl.col("said").sum(), pl.col("happened").sum())
        .sort("day", "event", "bin")
    )
    at = summed["day"].to_list()
    return summed.select(
        pl.Series("forecast_date", [days[n] for n in at]),
        pl.lit(horizon).alias("horizon_days"),
        pl.lit(METHOD).alias("method"),
        pl.Series("origin", [origins[n] for n in at]),
        "event",
        "bin",
        "answers",
        "said",
        "happened",
    )


def _scores(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    outcomes = connection.sql("select * from analytics.forecast_outcome order by forecast_date").pl()
    rows: list[dict[str, Any]] = []
    if not outcomes.is_empty():
        as_of = outcomes.select((pl.col("forecast_date") + pl.duration(days=pl.col("horizon_days"))).max()).item()
        for (method, origin, horizon), group in outcomes.group_by(
            "method", "origin", "horizon_days", maintain_order=True
        ):
            key = {"as_of_date": as_of, "horizon_days": horizon, "method": method, "origin": origin}
            rows += [{**key, **row} for row in _skill_rows(group, str(method), int(str(horizon)))]
    return pl.DataFrame(rows, schema=_schema(connection, "forecast_score"), orient="row")


def _skill_rows(outcomes: pl.DataFrame, method: str, horizon: int) -> Iterator[dict[str, Any]]:
    ends = outcomes.select(first=pl.col("forecast_date").min(), last=pl.col("forecast_date").max())
    calendar = ends.select(forecast_date=pl.date_ranges("first", "last")).explode("forecast_date")
    by_forecaster = {
        str(name): calendar.join(frame, on="forecast_date", how="left", maintain_order="left")
        for (name,), frame in outcomes.group_by("forecaster", maintain_order=True)
    }
    losses = [name for name in outcomes.columns if name.partition("_")[0] in ("crps", "brier", "log")]
    values = {
        name: {loss: frame[loss].cast(pl.Float64).fill_null(np.nan).to_numpy() for loss in losses}
        for name, frame in by_forecaster.items()
    }
    pit = by_forecaster[method][f"pit_{VARIABLES[CLOSE]}"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    for period, chosen in _periods(calendar["forecast_date"]):
        part = {name: {loss: series[chosen] for loss, series in of.items()} for name, of in values.items()}
        half, most = coverage(pit[chosen], 0.5, horizon), coverage(pit[chosen], 0.9, horizon)
        judged = [found.verdict for found in (most, half) if found is not None and found.verdict is not None]
        found = compare(part.pop(method), part, horizon)
        for (loss, baseline), skill in found.items():
            score, _, event = loss.partition("_")
            yield {
                "event": event,
                "score": score,
                "period": period,
                "baseline": baseline,
                "ours": skill.ours,
                "theirs": skill.theirs,
                "skill_pct": 100 * skill.skill,
                "lo90_pct": 100 * skill.low,
                "hi90_pct": 100 * skill.high,
                "t_windows": skill.t,
                "days": skill.days,
                "independent_windows": skill.independent,
                "coverage50": half.share if half else None,
                "coverage90": most.share if most else None,
                "coverage_verdict": judged[0] if judged else None,
                "verdict": skill.verdict,
            }


def _periods(dates: pl.Series) -> Iterator[tuple[str, slice]]:
    yield "all", slice(None)
    for name, days in RECENT.items():
        yield name, slice(-days, None)
    years = dates.dt.year()
    for year in years.unique().sort():
        places = np.flatnonzero((years == year).to_numpy())
        yield str(year), slice(int(places[0]), int(places[-1]) + 1)


def _reliability(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    rows = connection.execute(
        """
        select horizon_days, method, origin, event, bin, sum(said) / sum(answers), sum(happened) / sum(answers),
            count(distinct forecast_date)
        from analytics.forecast_said
        where not isnan(said)
        group by all
        order by all
        """
    ).fetchall()
    return pl.DataFrame(
        [
            (horizon, method, origin, event, BINS[bin_], BINS[bin_ + 1], said, happened, days, days / horizon)
            for horizon, method, origin, event, bin_, said, happened, days in rows
        ],
        schema=_schema(connection, "forecast_reliability"),
        orient="row",
    )


def _any(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute("select 1 from analytics.forecast_score limit 1").fetchone() is not None


def _schema(connection: duckdb.DuckDBPyConnection, table: str) -> Mapping[str, Any]:
    return connection.sql(f"select * from analytics.{table} limit 0").pl().schema


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    # A column that rows do not have stays null: a candidate is scored on one event alone.
    connection.register("recorded", rows.fill_nan(None).to_arrow())
    connection.execute(f"insert into analytics.{table} by name select * from recorded")
    connection.unregister("recorded")


def _replace(connection: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    connection.execute(f"delete from analytics.{table}")
    if not rows.is_empty():
        _insert(connection, table, rows)
