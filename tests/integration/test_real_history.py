"""Real history through the stand-in, from wire formats to marts, checked against figures that do not come from us."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.integration.conftest import FIRST_BARS, LAST_DAY


@pytest.fixture(scope="module")
def marts(real_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(real_home / "leadline.duckdb"), read_only=True) as connection:
        connection.execute("set schema 'marts'")
        yield connection


def settled(marts: duckdb.DuckDBPyConnection, signal: str, day: date) -> float:
    row = marts.execute(
        "select value from fct_signal_daily where signal_id = ? and signal_date = ?", [signal, day]
    ).fetchone()
    assert row is not None, f"no row of {signal} on {day}"
    return row[0]


def test_the_flow_of_a_date_is_the_sum_over_the_funds_of_the_page(marts: duckdb.DuckDBPyConnection, real: Path) -> None:
    day = date(2026, 1, 30)
    table = pl.read_parquet(real / "market" / "etf_flow.parquet").filter(pl.col("date") == day)
    assert settled(marts, "etf_net_flow_usd", day) == pytest.approx(1e6 * table["flow_usd_m"].sum(), abs=1)
    assert settled(marts, "etf_net_flow_usd", day) == pytest.approx(-509.7e6, abs=0.05e6)


def test_hashprice_of_a_day_is_the_published_one(marts: duckdb.DuckDBPyConnection) -> None:
    # Coin Metrics' own revenue over its own hashrate, worked out apart from this project.
    assert settled(marts, "hashprice_usd_ph_day", date(2025, 12, 13)) == pytest.approx(38.47, abs=0.005)


def test_the_option_surface_of_real_chains_is_there_and_plausible(marts: duckdb.DuckDBPyConnection) -> None:
    days, lowest, highest = marts.execute(
        "select count(*), min(value), max(value) from fct_signal_daily "
        "where signal_id = 'atm_iv_30d' and value is not null and signal_date >= '2026-01-01'"
    ).fetchone() or (0, None, None)
    assert days >= 28
    assert 25 < lowest < highest < 90


def test_what_no_source_has_is_absent_and_the_bucket_says_what_it_waits_for(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert marts.execute("select count(*) from fct_signal_daily where signal_id = 'realized_loss_usd'").fetchone() == (
        0,
    )
    waiting = marts.execute(
        "select distinct waiting_for from fct_bucket_daily where bucket = 'onchain' and signal_date = ?", [LAST_DAY]
    ).fetchone()
    assert waiting is not None
    assert "Realised loss" in waiting[0]


def test_every_date_has_exactly_one_regime(marts: duckdb.DuckDBPyConnection) -> None:
    days, dates, first, last = marts.execute(
        "select count(*), count(distinct signal_date), min(signal_date), max(signal_date) from fct_regime_daily"
    ).fetchone() or (0, 0, None, None)
    assert days == dates == (last - first).days + 1
    assert (first, last) == (FIRST_BARS, LAST_DAY), "the dates begin with the oldest daily bar"
