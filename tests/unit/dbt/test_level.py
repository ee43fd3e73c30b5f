"""The level on real bars: the one of an independent reference, on every date, and the same from less history."""

import importlib.util
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType

import duckdb
import polars as pl
import pytest

from pipeline import analytics_tables, dbt_project
from sources.registry import DATASETS
from warehouse.database import Warehouse
from warehouse.home import Home

RAW = {  # where a bar of the market tables goes, as if its provider had answered
    ("binance", "spot"): ("binance__spot_candle_1d", "BTCUSDT"),
    ("bitstamp", "spot"): ("bitstamp__spot_candle_1d", "btcusd"),
    ("okx", "perp"): ("okx__perp_candle_1d", "BTC-USDT-SWAP"),
}
BAR = ("symbol", "open_time", "open_usd", "high_usd", "low_usd", "close_usd", "volume_btc")
KNOWN = ("known_at", "known_at_basis", "load_id")
LAST_DATE = date(2026, 7, 10)
AGREES = 1e-9  # relative: sums of whole units here, of doubles there


@pytest.fixture(scope="module")
def reference(real: Path) -> ModuleType:
    """The published reference of the level, in numpy."""
    path = real / "design" / "reference" / "level_reference.py"
    specification = importlib.util.spec_from_file_location("level_reference", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bars(real: Path) -> pl.DataFrame:
    return pl.read_parquet(real / "market" / "price_1d.parquet").with_columns(date=pl.col("open_time").dt.date())


@pytest.fixture(scope="module")
def supply(bars: pl.DataFrame) -> pl.DataFrame:
    """A made-up distribution of supply by price for some weeks, lumpy as a real one, in bands of 500 dollars."""
    lumps = random.Random(7)
    weights = [lumps.lognormvariate(0, 0.3) for _ in range(300)]
    days = [date(2025, 6, 1) + timedelta(days=day) for day in range(90)]
    rows = [
        (day, low, low + 500.0, 1e4 * weights[int(low) // 500] * (1.0 + lumps.random() / 20))
        for day in days
        for low in range(10_000, 150_000, 500)
    ]
    return pl.DataFrame(rows, schema=["date", "price_low_usd", "price_high_usd", "supply_btc"], orient="row")


def levels(home: Home, bars: pl.DataFrame, supply: pl.DataFrame | None = None) -> pl.DataFrame:
    """What the models make of bars and supply, one row a date."""
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        analytics_tables.ensure_tables(warehouse.connection)
        for (venue, market), (table, symbol) in RAW.items():
            told = bars.filter(pl.col("venue") == venue, pl.col("market") == market).select(
                pl.lit(symbol).alias("symbol"),
                pl.col("open_time").dt.replace_time_zone(None),
                *(pl.col(name).alias(f"{name}_usd") for name in ("open", "high", "low", "close")),
                "volume_btc",
                (pl.col("open_time").dt.replace_time_zone(None) + timedelta(days=1)).alias("known_at"),
                pl.lit("assumed").alias("known_at_basis"),
                pl.lit("test").alias("load_id"),
            )
            _insert(warehouse.connection, table, told, (*BAR, *KNOWN))
        if supply is not None:
            told = supply.select(
                pl.col("date").alias("urpd_date"),
                *("price_low_usd", "price_high_usd", "supply_btc"),
                pl.col("date").cast(pl.Datetime("us")).dt.offset_by("1d").alias("known_at"),
                pl.lit("assumed").alias("known_at_basis"),
                pl.lit("test").alias("load_id"),
            )
            _insert(warehouse.connection, "glassnode__urpd", told, told.columns)
        warehouse.connection.execute("checkpoint")
    as_of = f"{LAST_DATE + timedelta(days=1)} 01:00:00"
    built = dbt_project.build(home.build_file, {"as_of": as_of}, select=["+int_level__in_use"])
    # Data tests that need other models as well fail here; they are run elsewhere, on the whole.
    assert [failure for failure in built.failures if failure.startswith(("stg_", "int_", "levels"))] == []
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        return connection.sql("from intermediate.int_level__in_use order by signal_date").pl()


def _insert(connection: duckdb.DuckDBPyConnection, table: str, told: pl.DataFrame, columns: Sequence[str]) -> None:
    connection.register("told", told)
    connection.execute(f"insert into raw.{table} ({', '.join(columns)}) select {', '.join(columns)} from told")
    connection.unregister("told")


def expected(reference: ModuleType, bars: pl.DataFrame, supply: pl.DataFrame | None = None) -> pl.DataFrame:
    venue = pl.when(pl.col("market") == "spot").then("venue").otherwise("fallback:" + pl.col("venue"))
    told = bars.with_columns(venue.alias("venue"), pl.col("volume_btc").alias("volume"))
    return reference.levels(told.select("venue", "date", "open", "high", "low", "close", "volume"), supply)


def against(ours: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Both side by side, without the dates of an analyst, whom the reference does not know."""
    both = ours.join(other, on="signal_date", how="inner", suffix="_other")
    return both.filter(pl.col("cluster_source") != "analyst")


def differing(both: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    apart = pl.lit(False)
    for name in columns:
        one, other = pl.col(name), pl.col(f"{name}_other")
        gap = (one / other - 1).abs() > AGREES if both[name].dtype == pl.Float64 else one != other
        apart = apart | gap.fill_null(False) | (one.is_null() != other.is_null())
    return both.filter(apart)


@pytest.fixture(scope="module")
def whole(bars: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return levels(Home(tmp_path_factory.mktemp("level") / "whole"), bars)


def test_the_level_is_the_one_of_the_reference_on_every_date_of_six_years(
    whole: pl.DataFrame, bars: pl.DataFrame, reference: ModuleType
) -> None:
    both = against(whole, expected(reference, bars))
    columns = ["level_usd", "cluster_low_usd", "peak_usd", "share_of_profile", "level_seen_date", "close_to_cluster"]
    columns += ["floor_low_usd", "floor_high_usd", "ceiling_low_usd", "ceiling_high_usd", "cluster_source"]
    assert both["level_usd"].count() > 1_400
    assert differing(both, columns).is_empty()


def test_a_home_with_less_history_has_the_same_level_or_none(
    whole: pl.DataFrame, bars: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = date(2023, 2, 10)
    later = bars.filter(pl.col("date") >= first)
    short = levels(Home(tmp_path_factory.mktemp("level") / "short"), later)
    both = against(short, whole).filter(pl.col("level_usd").is_not_null())
    assert both["signal_date"].min() == first + timedelta(days=819)
    assert both.height > 350
    for name in ("level_usd", "cluster_low_usd", "peak_usd", "share_of_profile", "level_seen_date"):
        assert both.filter(pl.col(name) != pl.col(f"{name}_other")).is_empty(), name  # to the last bit
    why = short.filter(pl.col("level_usd").is_null())["none_because"].to_list()
    assert why[411] == "411 of 819 days before it loaded"
    assert None not in why


def test_a_cost_basis_comes_before_volume_and_both_agree_with_the_reference(
    bars: pl.DataFrame, supply: pl.DataFrame, reference: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    some = bars.filter(pl.col("date").is_between(date(2023, 1, 1), date(2025, 12, 31)))
    ours = levels(Home(tmp_path_factory.mktemp("level") / "supply"), some, supply)
    both = against(ours, expected(reference, some, supply)).filter(pl.col("signal_date") >= date(2025, 4, 1))
    assert set(both["cluster_source"]) == {"cost_basis", "volume_at_price"}
    assert differing(both, ["level_usd", "cluster_low_usd", "peak_usd", "level_seen_date", "cluster_source"]).is_empty()


def test_no_level_jumps_to_where_price_was_not(whole: pl.DataFrame, bars: pl.DataFrame) -> None:
    ranges = (
        bars.group_by("date")
        .agg(pl.col("high").max(), pl.col("low").min())
        .sort("date")
        .with_columns(pl.col("high").rolling_max(3), pl.col("low").rolling_min(3))
    )
    moved = whole.join(ranges, left_on="signal_date", right_on="date").filter(
        pl.col("moved_because").is_in(["price_closed_through", "price_reached", "node_formed", "redrawn"]),
        (pl.col("level_usd") / pl.col("moved_from_usd") - 1).abs() > 0.1,
    )
    assert moved.height >= 5
    elsewhere = (pl.col("high") < pl.col("cluster_low_usd")) | (pl.col("low") > pl.col("cluster_high_usd"))
    assert moved.filter(elsewhere).is_empty()
    assert whole.filter(pl.col("moved_from_usd").is_not_null(), pl.col("moved_because").is_null()).is_empty()
