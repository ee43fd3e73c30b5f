"""The smile's own odds on a real build file: read as known at the cut-off, by side, and scored on what it knows."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.forecast import METHOD
from analytics.forecast_scores import grid
from pipeline import forecast as step
from pipeline.forecast_record import record
from pipeline.option_odds import OPTION_SMILE, option_odds
from tests.unit.pipeline.forecast_home import FIRST, home_with, midnight
from warehouse.database import Warehouse
from warehouse.home import Home

DAYS = 1500
LAST = FIRST + timedelta(days=DAYS - 1)
ASKED = LAST - timedelta(days=60)
HORIZON = 21
EVENING = datetime(ASKED.year, ASKED.month, ASKED.day, 23, 50)


def chain(home: Home, at: datetime, known_at: datetime, odds: pl.DataFrame, forwards: tuple[float, float]) -> None:
    """The probabilities (percent) of one snapshot, with the forwards of the expiries next to the horizon."""
    rows = odds.with_columns(
        snapshot_time=pl.lit(at), horizon_days=HORIZON, known_at=pl.lit(known_at), venue=pl.lit("deribit")
    )
    smiles = pl.DataFrame({"days_to_expiry": [14.0, 28.0], "forward_usd": list(forwards)}).with_columns(
        snapshot_time=pl.lit(at), known_at=pl.lit(known_at), venue=pl.lit("deribit")
    )
    with Warehouse(home) as warehouse:
        for name, frame in (("implied_probability", rows), ("option_smile", smiles)):
            warehouse.connection.register("frame", frame.to_arrow())
            warehouse.connection.execute(f"insert into analytics.{name} by name select * from frame")
            warehouse.connection.unregister("frame")


def straight(low: float, high: float, shift: float = 0.0) -> pl.DataFrame:
    """Probabilities that rise on a straight line from 0 at `low` to 100 at `high`."""
    strikes = np.linspace(low, high, 21)
    below = np.clip(100 * (strikes - low) / (high - low) + shift, 0, 100)
    return pl.DataFrame(
        {
            "strike_usd": strikes,
            "prob_below_pct": below,
            "prob_touch_pct": np.minimum(1.5 * np.minimum(below, 100 - below), 100),
            "prob_holds_pct": np.maximum(100 - 1.2 * below, 0),
        }
    )


def asked(home: Home, close: float) -> dict[str, np.ndarray]:
    with Warehouse(home) as warehouse:
        return {event: odds[0] for event, odds in option_odds(warehouse.connection, HORIZON, {ASKED: close}).items()}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with(tmp_path, DAYS, implied_days=100)


def test_odds_are_read_between_strikes_and_nothing_beyond_the_last(home: Home) -> None:
    chain(home, EVENING, EVENING, straight(900, 1100), (1000, 1000))
    said = asked(home, 1000.0)["close_below"]
    prices = 1000 * np.exp(grid(HORIZON))
    inside = (prices >= 900) & (prices <= 1100)
    assert said[inside] == pytest.approx((prices[inside] - 900) / 200)
    assert np.isnan(said[~inside]).all()
    assert inside.any()
    assert not inside.all()


def test_a_touch_is_read_on_its_own_side_of_the_forward_only(home: Home) -> None:
    chain(home, EVENING, EVENING, straight(600, 1400), (940, 960))
    said = asked(home, 1000.0)
    prices = 1000 * np.exp(grid(HORIZON))
    from_above = prices[:5]
    known = from_above < 920  # both strikes around it lie under both forwards
    assert said["touch_from_above"][known] == pytest.approx(1.5 * (from_above[known] - 600) / 800)
    assert np.isnan(said["touch_from_above"][from_above > 940]).all()
    assert not np.isnan(said["touch_from_below"]).any()


def test_a_chain_that_came_after_the_cut_off_is_not_read(home: Home) -> None:
    chain(home, EVENING - timedelta(hours=12), EVENING, straight(600, 1400), (1000, 1000))
    chain(home, EVENING, EVENING + timedelta(hours=2), straight(600, 1400, shift=20.0), (1000, 1000))
    assert asked(home, 1000.0)["close_below"][5] == pytest.approx(0.5)


def test_method_and_smile_are_scored_on_the_same_prices_and_once(home: Home) -> None:
    with Warehouse(home) as warehouse:
        step.forecast(warehouse, code_version="test", issued_at=midnight(LAST) + timedelta(days=1, minutes=30))
        close, ahead = (
            warehouse.connection.execute(
                "select close_usd from raw.bitstamp__spot_history_1d where cast(open_time as date) = ?", [day]
            ).fetchone()
            for day in (ASKED, ASKED + timedelta(days=HORIZON))
        )
    assert close is not None
    assert ahead is not None
    low, high = 0.9 * close[0], 1.1 * close[0]
    chain(home, EVENING, EVENING, straight(low, high), (close[0], close[0]))
    with Warehouse(home) as warehouse:
        record(warehouse)
        assert record(warehouse).ended == 0
        rows = warehouse.connection.execute(
            "select forecaster, forecast_date, brier_close_below, crps_close from analytics.forecast_outcome "
            "where method = ?",
            [OPTION_SMILE],
        ).fetchall()
        judged = warehouse.connection.execute(
            "select distinct baseline, days, verdict from analytics.forecast_score where method = ?", [OPTION_SMILE]
        ).fetchall()
    found = {forecaster: (day, loss, crps) for forecaster, day, loss, crps in rows}
    assert set(found) == {OPTION_SMILE, METHOD, "options"}
    assert {day for day, _, _ in found.values()} == {date(ASKED.year, ASKED.month, ASKED.day)}
    prices = close[0] * np.exp(grid(HORIZON))
    prices = prices[(prices >= low) & (prices <= high)]
    by_hand = np.mean(((prices - low) / (high - low) - (ahead[0] <= prices)) ** 2)
    assert found[OPTION_SMILE][1:] == (pytest.approx(by_hand, rel=1e-5), None)
    assert set(judged) == {(METHOD, 1, "too_few"), ("options", 1, "too_few")}
