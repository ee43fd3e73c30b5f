"""Real history as the warehouse tells it: market tables, served by the stand-in, loaded and built the ordinary way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
from pydantic import SecretStr

from pipeline import analytics_tables, dbt_project, option_surface
from pipeline.ingest import ingest
from pipeline.origin import origin
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from sandbox.server_process import running_apart
from sources.core.dataset import Access, Dataset
from sources.registry import DATASETS, PROVIDERS
from warehouse.database import Warehouse
from warehouse.home import Home

KEYED = [provider.name for provider in PROVIDERS if provider.key_variable]
ANY_KEY = SecretStr("any-key-will-do")  # to the stand-in

# Datasets that answer for one instant only are asked at every scheduled instant, thousands of times over six years.
# They are asked from the first day on which the table that feeds them has a row.
FED_BY = {
    "farside.etf_flow": "etf_flow",
    "deribit.option_chain": "option_chain",
    "mempool.difficulty_adjustment": "onchain_1d",
    "bitview.urpd": "cost_basis",
    "okx.open_interest": "open_interest",
}


@dataclass(frozen=True)
class StudyHistory:
    """What the study looks at, one row a UTC day unless said otherwise. All labels are as known at the day's cut-off.

    `regimes` is `marts.fct_regime_daily`, `buckets` is `marts.fct_bucket_daily` (a row a day and bucket), `prices` has
    signal_date, low and close in USD (settled: for returns, never for labels), and `readings` counts, a row a signal,
    the days on which it was fresh.
    """

    build_file: Path
    regimes: pl.DataFrame
    buckets: pl.DataFrame
    prices: pl.DataFrame
    readings: pl.DataFrame

    @property
    def first(self) -> date:
        return self.regimes["signal_date"][0]

    @property
    def last(self) -> date:
        return self.regimes["signal_date"][-1]


def build(market: Path, home: Home, say: Callable[[str], None]) -> Path:
    """Load a folder of market tables into a home and build the marts. A second call asks only what is left to ask."""
    first, last = price_days(market)
    with running_apart(market) as upstream:
        settings = Settings(home=home.path, upstream=upstream, keys=dict.fromkeys(KEYED, ANY_KEY))
        home.claim_origin(origin(settings))
        for start, datasets in by_start(market, first).items():
            span = RunPeriod(midnight(start), cut_off(last), clocked=True, each_instant=True)
            for done in ingest(home, settings, datasets, span):
                rows = done.load.rows_new if done.load else 0
                say(f"  {done.dataset.id}: {rows:,} rows{f' ({done.trouble})' if done.trouble else ''}")
    with Warehouse(home) as warehouse:
        option_surface.compute(warehouse)
    build_marts(home, market, say)
    return home.build_file


def build_marts(home: Home, market: Path, say: Callable[[str], None]) -> None:
    """dbt on what is loaded, as of the last day's cut-off. Models and tests that fail are named.

    Datasets that were declared after the folder was loaded are empty tables then.
    """
    _, last = price_days(market)
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        analytics_tables.ensure_tables(warehouse.connection)
    variables = {
        "as_of": f"{cut_off(last):%Y-%m-%d %H:%M:%S}",
        "code_version": "study",
        "origin": "real history, by way of the stand-in",
    }
    for failure in dbt_project.build(home.build_file, variables).failures:
        say(f"  failed: {failure}")


def price_days(market: Path) -> tuple[date, date]:
    """The first and last day with a daily bar."""
    days = pl.read_parquet(market / "price_1d.parquet", columns=["open_time"])["open_time"].dt.date()
    return days.min(), days.max()


def by_start(market: Path, first: date) -> dict[date, list[Dataset]]:
    """Which datasets to ask from which day on; those that the folder cannot answer are left out."""
    plan: dict[date, list[Dataset]] = {}
    for dataset in DATASETS:
        start = first
        if dataset.access is Access.NOW:
            table = market / f"{FED_BY[dataset.id]}.parquet" if dataset.id in FED_BY else None
            if table is None or not table.exists():
                continue
            rows = pl.read_parquet(table)
            if "venue" in rows.columns and dataset.provider.name not in rows["venue"].unique():
                continue
            days = rows.select(pl.col(pl.Datetime, pl.Date).first().cast(pl.Date)).to_series()
            start = max(first, days.min() - timedelta(days=1))
        plan.setdefault(start, []).append(dataset)
    return plan


def read(build_file: Path) -> StudyHistory:
    """The frames of the study from a built warehouse that nothing else has open."""
    with duckdb.connect(str(build_file), read_only=True) as connection:
        return StudyHistory(
            build_file,
            connection.sql("from marts.fct_regime_daily order by signal_date").pl(),
            connection.sql("from marts.fct_bucket_daily order by signal_date, bucket").pl(),
            connection.sql(
                """
                select
                    signal_date,
                    max(value) filter (where signal_id = 'btc_low_usd') as low,
                    max(value) filter (where signal_id = 'btc_close_usd') as close
                from marts.fct_signal_daily
                where signal_id in ('btc_low_usd', 'btc_close_usd') and value is not null
                group by signal_date
                order by signal_date
                """
            ).pl(),
            connection.sql(
                """
                select
                    signal_id,
                    any_value(dim_signal.name_en) as name,
                    min(signal_date) filter (where is_fresh) as first_date,
                    max(signal_date) filter (where is_fresh) as last_date,
                    count(*) filter (where is_fresh) as days
                from marts.fct_signal_daily
                join marts.dim_signal using (signal_id)
                group by signal_id
                """
            ).pl(),
        )
