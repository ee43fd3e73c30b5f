"""Hashrates whose size tells their unit: recorded ones are believed, a thousandth of them never is."""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sources.core.plausibility import hashrate_ehs


def test_every_recorded_hashrate_is_believed_and_a_thousandth_of_it_is_not(real: Path) -> None:
    with (real / "fixtures/coinmetrics/community_daily_2025.csv").open() as file:
        days = [(date.fromisoformat(line["time"]), float(line["HashRate"])) for line in csv.DictReader(file)]
    assert len(days) == 365
    for day, terahashes in days:
        assert hashrate_ehs(terahashes, 1e6, day) == pytest.approx(terahashes / 1e6)
        assert isinstance(hashrate_ehs(terahashes / 1e3, 1e6, day), str)


def test_hashrates_since_2020_are_believed_and_a_thousandth_of_them_is_not(real: Path) -> None:
    days = pl.read_parquet(real / "market/onchain_1d.parquet").select("date", "hashrate_ehs").drop_nulls()
    assert len(days) > 2000
    for day, rate in days.iter_rows():
        assert hashrate_ehs(rate * 1e18, 1e18, day) == pytest.approx(rate)
        assert isinstance(hashrate_ehs(rate * 1e15, 1e18, day), str)


@pytest.mark.parametrize("value", [None, True, "much", [1.0], {}])
def test_what_is_no_number_is_left_for_the_reader_to_refuse(value: object) -> None:
    assert hashrate_ehs(value, 1e18, date(2026, 1, 1)) is value


def test_text_is_a_number_and_a_day_that_is_none_has_no_floor() -> None:
    assert hashrate_ehs("1e21", 1e18, date(2026, 1, 1)) == 1000.0
    assert hashrate_ehs(1e18, 1e18, "2026-01-01") == 1.0
