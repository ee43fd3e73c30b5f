"""Candidates in the shadow: their losses beside the published method's, and how each stands before the gate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl

from analytics.black76 import Floats
from analytics.candidates import Answers, by_blend, by_feature, by_venn_abers, gate
from analytics.forecast import METHOD, Forecaster
from analytics.forecast_scores import brier, log_score
from analytics.track_record import TrackRecord
from pipeline.forecast_inputs import Era, History
from pipeline.option_odds import option_odds
from warehouse.table_definition import TableDefinition

CANDIDATE_TABLES: Final[Mapping[str, TableDefinition]] = {
    "forecast_candidate": TableDefinition(
        "One row a candidate: how it stands before the gate, on days after it was named.",
        {
            "candidate": ("VARCHAR", "Its name; see the seed forecast_candidates."),
            "horizon_days": ("INTEGER", "Days ahead [days]."),
            "event": ("VARCHAR", "The event that it was named for."),
            "named_on": ("DATE", "Day on which it was named; only later days count."),
            "windows": ("DOUBLE", "Independent windows that have ended since [count]."),
            "first_gain_pct": ("DOUBLE", "Gain of the log score in the first of two periods [percent]."),
            "second_gain_pct": ("DOUBLE", "The same in the second [percent]."),
            "status": ("VARCHAR", "not_run, too_few, failed or passed; none moves the number before it has passed."),
        },
    )
}
TOGETHER_DAYS: Final = 7
FEATURES: Final[Mapping[str, str]] = {
    "seven_states": """
        select signal_date, count(*) filter (where state = 'bull') - count(*) filter (where state = 'bear') as feature
        from marts.fct_bucket_daily group by signal_date
    """,
    "h_minus_r": """
        select
            signal_date,
            count(*) filter (where condition_id like 'H%' and holds)
            - count(*) filter (where condition_id like 'R%' and holds) as feature
        from marts.fct_condition_daily group by signal_date
    """,
}


@dataclass(frozen=True)
class Candidate:
    """A row of the seed."""

    candidate: str
    kind: str
    horizon_days: int
    event: str
    named_on: date
    runs: bool


def candidates(connection: duckdb.DuckDBPyConnection) -> list[Candidate]:
    """Those of the seed; none where it was not built."""
    columns = ", ".join(Candidate.__dataclass_fields__)
    try:
        rows = connection.execute(f"select {columns} from reference.forecast_candidates order by candidate").fetchall()
    except duckdb.CatalogException:
        return []
    return [Candidate(*row) for row in rows]


def outcome_rows(
    connection: duckdb.DuckDBPyConnection, history: History, settled_by: Sequence[Candidate]
) -> list[pl.DataFrame]:
    """Rows for `forecast_outcome` of the ended days that a candidate has none of: its own losses and the method's.

    A week of days together: a candidate learns from the whole past, which costs the same for one day as for seven.
    """
    return [
        rows
        for one in settled_by
        if one.runs
        for rows in _rows_of(connection, history, one, _due(connection, history, one))
    ]


def _due(connection: duckdb.DuckDBPyConnection, history: History, one: Candidate) -> dict[date, str]:
    rows = connection.execute(
        """
        select forecast_date, origin from raw.forecast_log as said
        where method = ? and horizon_days = ? and price_source = ? and target_date <= ?
            and forecast_date not in (
                select forecast_date from analytics.forecast_outcome where method = ? and horizon_days = ?
            )
        """,
        [METHOD, one.horizon_days, history.source, history.last, one.candidate, one.horizon_days],
    ).fetchall()
    return dict(rows)


def _rows_of(
    connection: duckdb.DuckDBPyConnection, history: History, one: Candidate, due: Mapping[date, str]
) -> list[pl.DataFrame]:
    if len(due) < TOGETHER_DAYS:
        return []
    every = connection.execute(
        "select forecast_date from raw.forecast_log where method = ? and horizon_days = ? and price_source = ? "
        "and target_date <= ? order by forecast_date",
        [METHOD, one.horizon_days, history.source, history.last],
    ).fetchall()
    settled, found = history.settled(), []
    for era in history.eras([day for (day,) in every]):
        if any(day in due for day in era.dates):
            record = TrackRecord(Forecaster(era.prices), settled)
            found += _of_era(connection, one, era, record, due)
    return found


def _of_era(
    connection: duckdb.DuckDBPyConnection, one: Candidate, era: Era, record: TrackRecord, due: Mapping[date, str]
) -> list[pl.DataFrame]:
    days = np.array([era.prices.place(day) for day in era.dates])
    nothing = np.full((len(days), 1), np.nan)
    said, happened = record.on_grid(one.horizon_days, days).get(one.event, (nothing, nothing))
    wanted = np.array([day in due for day in era.dates])
    published = Answers(said, happened, era.prices.dates[days], one.horizon_days, wanted)
    moved = _moved(connection, one, published, era.dates, record, days)
    here = [n for n, day in enumerate(era.dates) if day in due]
    frames = []
    for forecaster, probabilities in ((one.candidate, moved), (METHOD, said)):
        frames.append(
            pl.DataFrame(
                {
                    "forecast_date": [era.dates[n] for n in here],
                    "horizon_days": one.horizon_days,
                    "method": one.candidate,
                    "origin": [due[era.dates[n]] for n in here],
                    "forecaster": forecaster,
                    f"brier_{one.event}": brier(probabilities, happened).mean(axis=1)[here],
                    f"log_{one.event}": log_score(probabilities, happened).mean(axis=1)[here],
                }
            )
        )
    return frames


def _moved(
    connection: duckdb.DuckDBPyConnection,
    one: Candidate,
    published: Answers,
    dates: Sequence[date],
    record: TrackRecord,
    days: np.ndarray[Any, Any],
) -> Floats:
    if one.candidate in FEATURES:
        known = dict(connection.execute(FEATURES[one.candidate]).fetchall())
        return by_feature(published, np.array([float(known.get(day, np.nan)) for day in dates]))
    if one.candidate == "smile_blend":
        flat, _ = record.on_grid(one.horizon_days, days, "options").get(one.event, (published.said, None))
        close = record.forecaster.prices.close[days]
        smile = option_odds(connection, one.horizon_days, dict(zip(dates, close, strict=True)))[one.event]
        return by_blend(published, np.where(np.isfinite(smile), smile, flat))
    if one.candidate == "venn_abers":
        return by_venn_abers(published)
    raise ValueError(f"the candidate {one.candidate} has no code; set runs to false in seeds/forecast_candidates.csv")


def gates(connection: duckdb.DuckDBPyConnection, known: Sequence[Candidate]) -> pl.DataFrame:
    """How each candidate stands on the days since it was named."""
    rows = []
    for one in known:
        status: dict[str, Any] = {"windows": 0.0, "first_gain_pct": None, "second_gain_pct": None, "status": "not_run"}
        if one.runs:
            losses = connection.execute(
                f"""
                select
                    max(log_{one.event}) filter (where forecaster = $method) as ours,
                    max(log_{one.event}) filter (where forecaster = $candidate) as theirs
                from analytics.forecast_outcome
                where method = $candidate and forecast_date >= $named
                group by forecast_date order by forecast_date
                """,
                {"method": METHOD, "candidate": one.candidate, "named": one.named_on},
            ).pl()
            ours, theirs = (losses[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("ours", "theirs"))
            found = gate(ours, theirs, one.horizon_days)
            status = {
                "windows": found.windows,
                "first_gain_pct": None if found.first_gain is None else 100 * found.first_gain,
                "second_gain_pct": None if found.second_gain is None else 100 * found.second_gain,
                "status": found.status,
            }
        key = {"candidate": one.candidate, "horizon_days": one.horizon_days, "event": one.event}
        rows.append({**key, "named_on": one.named_on, **status})
    schema = connection.sql("select * from analytics.forecast_candidate limit 0").pl().schema
    return pl.DataFrame(rows, schema=schema, orient="row")
