"""The daily forecast: every date that has none yet, into the log, between the models and the publication.

A forecast is `live` when it is made within a day of its close, else `backtest`; nothing already said is changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl

from analytics.baselines import Baseline, baselines
from analytics.forecast import FIRST_DAY, HORIZONS_DAYS, METHOD, Forecast, Forecaster, strikes
from analytics.outlook import CLOSE, EVENTS, VARIABLES
from pipeline.forecast_inputs import Era, History, histories
from pipeline.forecast_quantiles import write_pools
from pipeline.plan import cut_off, midnight
from warehouse import forecast_log
from warehouse.database import Warehouse
from warehouse.forecast_log_tables import BASELINES
from warehouse.incoming import naive

FIRST_FORECAST: Final = date(2018, 1, 1)  # the pool has 3¾ years by then
LIVE_WITHIN: Final = timedelta(days=1)
LOGGED_QUANTILES: Final = np.arange(1, 200) / 200
INTERVALS: Final = (5, 25, 50, 75, 95)  # percent
# At 90 days some fifty independent paths carry an interval and a close, and no shape.
HORIZONS_OF_CLOSE_ONLY: Final = frozenset({90})
LIVE, BACKTEST = "live", "backtest"


@dataclass(frozen=True)
class Level:
    """What a date asks about: the level and the cluster in use, and the rules in force."""

    level_usd: float | None = None
    cluster_low_usd: float | None = None
    cluster_high_usd: float | None = None
    rules_version: str | None = None


@dataclass(frozen=True)
class Made:
    """What one call added to the log: rows, and the chain's new head (None when nothing was added)."""

    live: int = 0
    backtest: int = 0
    head: str | None = None
    too_short: Sequence[int] = field(default_factory=tuple)  # horizons that the newest date has no forecast for


def forecast(warehouse: Warehouse, *, code_version: str, issued_at: datetime | None = None) -> Made:
    """Make every forecast that is not in the log yet, and append it. A second call appends nothing."""
    at = issued_at or datetime.now(UTC)
    connection = warehouse.connection
    forecast_log.catch_up(warehouse)
    levels = _levels(connection)
    if not levels:
        return Made()
    last = max(levels)
    missing = _missing(connection, last)
    making = _Making(levels, at, code_version)
    for history in histories(connection):
        dates = sorted({day for days in missing.values() for day in days if day <= history.last})
        for era in history.eras(dates):
            making.add(history, era, missing)
        missing = {horizon: days - making.done[horizon] for horizon, days in missing.items()}
    head = forecast_log.append(warehouse, making.forecasts(connection), making.strikes(connection), at)
    write_pools(warehouse.home, making.pools)
    return Made(
        live=sum(row["origin"] == LIVE for row in making.rows),
        backtest=sum(row["origin"] == BACKTEST for row in making.rows),
        head=head,
        too_short=tuple(horizon for horizon, days in missing.items() if last in days),
    )


class _Making:
    """Rows in the making."""

    def __init__(self, levels: Mapping[date, Level], at: datetime, code_version: str) -> None:
        self._levels, self._at, self._code_version = levels, at, code_version
        self.rows: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.pools: list[dict[str, Any]] = []
        self.done: dict[int, set[date]] = {horizon: set() for horizon in HORIZONS_DAYS}

    def add(self, history: History, era: Era, missing: Mapping[int, set[date]]) -> None:
        """Forecast the dates of an era that a horizon still misses."""
        forecaster = Forecaster(era.prices)
        beside = baselines(forecaster)
        fingerprints = era.fingerprints()
        for horizon, days in missing.items():
            pools = set()
            for day in era.dates:
                if day not in days or day not in fingerprints:
                    continue
                made = forecaster.forecast(era.prices.place(day), horizon)
                if made is None:
                    continue
                self.done[horizon].add(day)
                row = self._row(history, era, day, made, fingerprints[day])
                self.rows.append(row)
                self._ask(forecaster, beside, made, row)
                if row["origin"] == BACKTEST and made.pool.until not in pools:
                    pools.add(made.pool.until)
                    self.pools.append(_pool_row(history, made))

    def _row(self, history: History, era: Era, day: date, made: Forecast, fingerprint: str) -> dict[str, Any]:
        spot = float(era.prices.close[made.day])
        is_live = self._at - midnight(day + timedelta(days=1)) <= LIVE_WITHIN
        moves = made.outlook.quantiles(CLOSE, np.array(INTERVALS) / 100)[0]
        return {
            "forecast_date": day,
            "horizon_days": made.horizon_days,
            "method": METHOD,
            "issued_at": naive(self._at.astimezone(UTC)),
            "origin": LIVE if is_live else BACKTEST,
            "target_date": day + timedelta(days=made.horizon_days),
            "data_cut_off": naive(cut_off(day)),
            "price_source": history.source,
            "spot_usd": spot,
            "sigma_pct": 100 * made.sigma * 365**0.5,
            "implied_used": era.implied_from.get(day),
            "paths": made.pool.paths,
            "independent_paths": made.pool.independent_paths,
            "pool_until": made.pool.until,
            "rules_version": self._levels.get(day, Level()).rules_version,
            "code_version": self._code_version,
            "inputs_sha256": fingerprint,
            **{f"p{at:02}_usd": float(spot * np.exp(move)) for at, move in zip(INTERVALS, moves, strict=True)},
            **{
                f"{name}_moves": made.outlook.quantiles(n, LOGGED_QUANTILES)[0].tolist() if is_live else None
                for n, name in enumerate(VARIABLES)
            },
        }

    def _ask(
        self, forecaster: Forecaster, beside: Mapping[str, Baseline], made: Forecast, row: Mapping[str, Any]
    ) -> None:
        asked = list(_roles(self._levels.get(row["forecast_date"], Level())))
        if row["origin"] == LIVE:  # those of a back-test can be read off its quantiles
            asked += [("round", strike) for strike in strikes(row["spot_usd"], made.sigma, made.horizon_days)]
        if asked:
            key = {name: row[name] for name in ("forecast_date", "horizon_days", "method", "issued_at", "origin")}
            prices = np.array([price for _, price in asked])
            found = answers(forecaster, beside, made, prices)
            for n, (role, price) in enumerate(asked):
                side = "from_above" if price <= row["spot_usd"] else "from_below"
                said = {name: values[n] for name, values in found.items()}
                self.said.append({**key, "strike_usd": float(price), "role": role, "side": side, **said})

    def forecasts(self, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """Rows for the log, in its order."""
        return _frame(connection, forecast_log.LOG, self.rows, ["forecast_date", "horizon_days"])

    def strikes(self, connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """Rows for the log of prices, in its order."""
        return _frame(
            connection, forecast_log.STRIKES, self.said, ["forecast_date", "horizon_days", "strike_usd", "role"]
        )


def answers(
    forecaster: Forecaster, beside: Mapping[str, Baseline], made: Forecast, prices_usd: np.ndarray[Any, Any]
) -> dict[str, list[float | None]]:
    """The four probabilities at some prices, of the method (`prob_…`) and of each baseline.

    Where a horizon carries no shape, only the close is answered. None where a baseline lacks an input.
    """
    moves = np.log(prices_usd / forecaster.prices.close[made.day])[None, :]
    outlooks = {"prob": made.outlook}
    found: dict[str, list[float | None]] = {}
    for name in ("prob", *BASELINES):
        outlook = (
            outlooks.get(name) if name == "prob" else beside[name].outlook(made.horizon_days, np.array([made.day]))
        )
        known = outlook is not None and np.isfinite(outlook.scale[0]) and np.isfinite(outlook.shift).all()
        said = outlook.events(moves) if outlook is not None and known else {}
        for event in EVENTS:
            carries = event == "close_below" or made.horizon_days not in HORIZONS_OF_CLOSE_ONLY
            values = said.get(event) if carries else None
            found[f"{name}_{event}"] = [None] * len(prices_usd) if values is None else values[0].tolist()
    return found


def _roles(level: Level) -> Iterator[tuple[str, float]]:
    for role, price in (
        ("level", level.level_usd),
        ("cluster_low", level.cluster_low_usd),
        ("cluster_high", level.cluster_high_usd),
    ):
        if price is not None:
            yield role, price


def _pool_row(history: History, made: Forecast) -> dict[str, Any]:
    return {
        "method": METHOD,
        "price_source": history.source,
        "horizon_days": made.horizon_days,
        "pool_until": made.pool.until,
        **{
            f"{name}_quantiles": np.quantile(made.pool.sample.values[n], LOGGED_QUANTILES).tolist()
            for n, name in enumerate(VARIABLES)
        },
    }


def _levels(connection: duckdb.DuckDBPyConnection) -> dict[date, Level]:
    """Each date of the board. Empty where only a part of the models was built."""
    try:
        rows = connection.execute(
            "select signal_date, level_usd, cluster_low_usd, cluster_high_usd, rules_version "
            "from marts.fct_regime_daily"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return {day: Level(*rest) for day, *rest in rows}


def _missing(connection: duckdb.DuckDBPyConnection, last: date) -> dict[int, set[date]]:
    first = max(FIRST_DAY, FIRST_FORECAST)
    every = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    done: dict[int, set[date]] = {horizon: set() for horizon in HORIZONS_DAYS}
    for day, horizon in connection.execute(
        "select forecast_date, horizon_days from raw.forecast_log where method = ?", [METHOD]
    ).fetchall():
        done.setdefault(horizon, set()).add(day)
    return {horizon: every - done[horizon] for horizon in HORIZONS_DAYS}


def _frame(
    connection: duckdb.DuckDBPyConnection, book: str, rows: Sequence[Mapping[str, Any]], order: Sequence[str]
) -> pl.DataFrame:
    """Rows in the columns of a book, which stands in the build file, empty or not."""
    schema = connection.sql(f"select * from raw.{book} limit 0").pl().schema
    frame = pl.DataFrame([[row[name] for name in schema] for row in rows], schema=schema, orient="row")
    return frame.sort(order, maintain_order=True)
