"""The stand-in's Treasury: the recorded form, and a refusal of what it does not have."""

from datetime import UTC, date, datetime
from pathlib import Path

from sandbox.market import Market
from sandbox.provider_request import ProviderRequest
from sandbox.treasury import encode, rates
from sources.core.payload import Payload
from sources.treasury import read_yield
from tests.unit.market_folder import macro_rows, write_table


def test_round_trip_is_the_recorded_file(real: Path) -> None:
    recorded = (real / "fixtures" / "treasury" / "daily-treasury-rates_2022-10.csv").read_bytes()
    fetched_at = datetime(2022, 11, 1, tzinfo=UTC)
    rows = read_yield(Payload("https://home.treasury.gov", {}, 200, {}, recorded, fetched_at)).rows
    units = {"m": "Mo", "y": "Yr"}
    labels = {tenor: f"{tenor[:-1]} {units[tenor[-1]]}" for tenor in rows["tenor"].unique(maintain_order=True)}
    days: dict[date, dict[str, float | None]] = {}
    for day, tenor, rate in rows.iter_rows():
        days.setdefault(day, {})[labels[tenor]] = rate
    assert encode(tuple(labels.values()), days) == recorded.decode()


def test_unknown_curve_is_not_found(tmp_path: Path) -> None:
    write_table(tmp_path, "macro_1d", macro_rows("ust10y", {date(2026, 1, 5): 4.0}))
    question = ProviderRequest(
        Market(tmp_path), datetime(2026, 1, 6), {"type": "daily_treasury_bill_rates"}, {"year": "2026"}
    )
    assert rates(question).status_code == 404
