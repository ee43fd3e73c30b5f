"""Forecasts in a published file of the readers' tests: the marts as the log's own definitions declare them."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.forecast_tables import FORECAST_TABLES
from warehouse.forecast_log_tables import FORECAST_LOG_TABLES

METHOD: Final = "a-method"
SOURCE: Final = "bitstamp.spot_history_1d"
PERCENTS: Final = {f"{percent:02}": percent for percent in (5, 25, 50, 75, 95)}
MARTS: Final = {
    "fct_forecast_log": FORECAST_LOG_TABLES["forecast_log"],
    "fct_forecast_strike_daily": FORECAST_LOG_TABLES["forecast_strike_log"],
    "fct_forecast_head": FORECAST_LOG_TABLES["forecast_head"],
    "fct_forecast_score": FORECAST_TABLES["forecast_score"],
}


def say(published: Path, chances: dict[date, float], *, level_usd: float = 70_000, horizon_days: int = 21) -> None:
    """Log for each date the chance (fraction) of a close below the level."""
    with duckdb.connect(str(published)) as connection:
        for name, table in MARTS.items():
            connection.execute(f"create table if not exists marts.{name} ({table.body})")
        connection.execute("create table if not exists marts.dim_forecast_method (method varchar, role varchar)")
        connection.execute("insert into marts.dim_forecast_method values (?, 'published')", [METHOD])
        for day, chance in chances.items():
            key = {
                "forecast_date": day,
                "horizon_days": horizon_days,
                "method": METHOD,
                "issued_at": day + timedelta(days=1),
                "origin": "live",
            }
            bounds = {f"p{at}_usd": level_usd * (0.5 + percent / 100) for at, percent in PERCENTS.items()}
            target = day + timedelta(days=horizon_days)
            _insert(connection, "fct_forecast_log", {**key, "target_date": target, "price_source": SOURCE, **bounds})
            said = {"prob_close_below": chance, "prob_touch": 0.93, "prob_holds": 0.03, "prob_stays_below": 0.01}
            level = {"strike_usd": level_usd, "role": "level", "side": "from_above"}
            _insert(connection, "fct_forecast_strike_daily", {**key, **level, **said})


def _insert(connection: duckdb.DuckDBPyConnection, mart: str, row: dict[str, Any]) -> None:
    values = ", ".join(f"${name}" for name in row)
    connection.execute(f"insert into marts.{mart} ({', '.join(row)}) values ({values})", row)
