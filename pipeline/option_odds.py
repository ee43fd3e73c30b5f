"""The option market's own odds, read from the smile and scored like a forecast, beside the published method's.

They come from `analytics.implied_probability`: the last Deribit chain of the forecast date that was known at its
cut-off. Between two strikes they are read on a straight line; beyond the last known strike there is nothing. Method and
smile are scored on the same prices of the grid, those that the smile knows, so that neither gains by an easier price.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import duckdb
import numpy as np
import polars as pl

from analytics.black76 import Floats
from analytics.forecast import HORIZONS_DAYS, METHOD, Forecaster
from analytics.forecast_scores import EVENTS, brier, grid, log_score
from analytics.track_record import TrackRecord
from pipeline.forecast_inputs import Era, History

OPTION_SMILE: Final = "option_smile"
FLAT: Final = "options"
# A touch is one by side of the forward, which lies between those of the two expiries next to the horizon.
_ODDS: Final = """
    with chains as (
        select cast(snapshot_time as date) as date, max(snapshot_time) as snapshot_time
        from analytics.implied_probability
        where venue = 'deribit' and horizon_days = $horizon
            and known_at <= date_trunc('day', snapshot_time) + interval 25 hours
        group by 1
    ),
    forwards as (
        select
            snapshot_time,
            arg_max(forward_usd, days_to_expiry) filter (where days_to_expiry <= $horizon) as before_usd,
            arg_min(forward_usd, days_to_expiry) filter (where days_to_expiry >= $horizon) as after_usd
        from analytics.option_smile
        where venue = 'deribit'
        group by snapshot_time
    )
    select
        date,
        strike_usd,
        prob_below_pct / 100 as close_below,
        if(strike_usd < least(before_usd, after_usd), prob_touch_pct / 100, null) as touch_from_above,
        if(strike_usd > greatest(before_usd, after_usd), prob_touch_pct / 100, null) as touch_from_below,
        prob_holds_pct / 100 as holds
    from chains
    join analytics.implied_probability as odds using (snapshot_time)
    join forwards using (snapshot_time)
    where venue = 'deribit' and horizon_days = $horizon and list_contains($dates, date)
    order by date, strike_usd
"""


def option_odds(
    connection: duckdb.DuckDBPyConnection, horizon_days: int, closes: Mapping[date, float]
) -> dict[str, Floats]:
    """By event the smile's probabilities on the grid around each date's close (USD): dates × prices, NaN if unknown."""
    rows = connection.execute(_ODDS, {"horizon": horizon_days, "dates": list(closes)}).pl()
    chains = {day: chain for (day,), chain in rows.group_by("date", maintain_order=True)}
    found = {}
    for event, (_, _, part) in EVENTS.items():  # the query names its columns by event
        moves = grid(horizon_days)[part]
        found[event] = np.full((len(closes), len(moves)), np.nan)
        for n, (day, close) in enumerate(closes.items()):
            if (chain := chains.get(day)) is not None:
                strikes, odds = (chain[name].cast(pl.Float64).fill_null(np.nan) for name in ("strike_usd", event))
                asked = close * np.exp(moves)
                found[event][n] = np.interp(asked, strikes.to_numpy(), odds.to_numpy(), left=np.nan, right=np.nan)
    return found


def outcome_rows(connection: duckdb.DuckDBPyConnection, history: History) -> list[pl.DataFrame]:
    """Rows for `forecast_outcome` of the ended days that have a chain: the smile, the method and flat DVOL."""
    frames = []
    for horizon in HORIZONS_DAYS:
        due = _due(connection, history, horizon)
        settled = history.settled() if due else None
        for era in history.eras(sorted(due)):
            frames += _of_era(connection, horizon, era, TrackRecord(Forecaster(era.prices), settled), due)
    return frames


def _due(connection: duckdb.DuckDBPyConnection, history: History, horizon: int) -> dict[date, str]:
    rows = connection.execute(
        """
        select forecast_date, origin from raw.forecast_log as said
        semi join analytics.implied_probability as odds
            on odds.venue = 'deribit' and odds.horizon_days = said.horizon_days
            and cast(odds.snapshot_time as date) = said.forecast_date
            and odds.known_at <= said.forecast_date + interval 25 hours
        where method = $method and horizon_days = $horizon and price_source = $source and target_date <= $last
            and forecast_date not in (
                select forecast_date from analytics.forecast_outcome where method = $ours and horizon_days = $horizon
            )
        """,
        {
            "method": METHOD,
            "horizon": horizon,
            "source": history.source,
            "last": history.last,
            "ours": OPTION_SMILE,
        },
    ).fetchall()
    return dict(rows)


def _of_era(
    connection: duckdb.DuckDBPyConnection, horizon: int, era: Era, record: TrackRecord, due: Mapping[date, str]
) -> list[pl.DataFrame]:
    days = np.array([era.prices.place(day) for day in era.dates])
    odds = option_odds(connection, horizon, dict(zip(era.dates, era.prices.close[days], strict=True)))
    ours, flat = record.on_grid(horizon, days), record.on_grid(horizon, days, FLAT)
    losses: dict[str, dict[str, Floats]] = {OPTION_SMILE: {}, METHOD: {}, FLAT: {}}
    for event, (said, happened) in ours.items():
        common = np.isfinite(odds[event]) & np.isfinite(said)
        beside = flat[event][0] if event in flat else np.full_like(said, np.nan)
        for forecaster, answer in ((OPTION_SMILE, odds[event]), (METHOD, said), (FLAT, beside)):
            for name, loss in (("brier", brier), ("log", log_score)):
                losses[forecaster][f"{name}_{event}"] = _mean(loss(answer, happened), common)
    return [
        pl.DataFrame(
            {
                "forecast_date": era.dates,
                "horizon_days": horizon,
                "method": OPTION_SMILE,
                "origin": [due[day] for day in era.dates],
                "forecaster": forecaster,
                **of_events,
            }
        )
        for forecaster, of_events in losses.items()
    ]


def _mean(loss: Floats, common: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    """The mean over the common prices of each day, NaN on a day without one."""
    count = common.sum(axis=1)
    total = np.where(common, loss, 0).sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean
