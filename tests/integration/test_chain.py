"""The chain in the warehouse, end to end: a node, its blocks, the daily build, and who is shown for which day.

Slow, for it builds the whole warehouse once more: `make test-chain`.
"""

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner

from chain.errors import ChainError
from cli.main import main
from cli.request import RunRequest
from cli.run import execute
from pipeline.chain import follow_configured
from pipeline.settings import Settings, environment
from sandbox.bitcoin_core import NodeStandIn, serving_node
from tests.unit.chain.mining import mined

pytestmark = pytest.mark.slow

FIRST = date(2025, 12, 20)
LAST = date(2026, 2, 10)
BLOCKS_A_DAY = 12


@pytest.fixture(scope="module")
def chain():
    """A chain that begins in the scenario: twelve blocks a day, a day more than the scenario has, to close its last."""
    first_s = int(datetime.combine(FIRST, time(), UTC).timestamp()) + 43_200
    days = (LAST - FIRST).days + 2
    return mined(41, days * BLOCKS_A_DAY, first_s=first_s, every_s=86_400 // BLOCKS_A_DAY, transactions=2)


@pytest.fixture(scope="module")
def published(scenario_home: Path, chain, tmp_path_factory) -> Path:
    """The scenario's warehouse built anew after its home followed a node."""
    home = Path(shutil.copytree(scenario_home, tmp_path_factory.mktemp("chain") / "home", symlinks=True))
    with serving_node(NodeStandIn(chain.blocks)) as address:
        # A simulated home takes a simulated node only; who else answers is not asked in this test.
        simulated = Settings(
            home=home,
            upstream="http://127.0.0.1:1",
            bitcoin_rpc=address,
            bitcoin_user="__cookie__",
            bitcoin_password="stand-in",
        )
        with pytest.raises(ChainError, match="never mixed"):
            follow_configured(simulated.model_copy(update={"upstream": None}))
        followed = follow_configured(simulated)
    assert followed is not None
    assert followed.height == len(chain.blocks) - 1
    with environment(LEADLINE_HOME=str(home)):
        outcome = execute(RunRequest("build"))
    assert (outcome.succeeded, outcome.published, outcome.failures) == (True, True, [])
    return home / "leadline.duckdb"


@pytest.fixture(scope="module")
def prices(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        rows = connection.execute(
            "select metric_date, max_by(price_usd, known_at) from raw.coinmetrics__asset_metric group by all"
        )
        return {day: round(price * 100) for day, price in rows.fetchall() if price is not None}


def readings(published, signal):
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.execute(
            "select signal_date, value, value_as_known, observed_date, provider, method_note "
            "from marts.fct_signal_daily where signal_id = ? order by signal_date",
            [signal],
        ).pl()


def test_realised_figures_are_counted_from_the_blocks_and_say_so(published, chain, prices):
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]
    losses = {row["signal_date"]: row for row in readings(published, "realized_loss_usd").to_dicts()}
    ratios = {row["signal_date"]: row for row in readings(published, "mvrv").to_dicts()}
    for day in days:
        gone = [coin for coin in chain.coins if coin.spent_day and max(coin.spent_day, coin.created_day) == day]
        lost = sum(coin.satoshi * max(prices[coin.created_day] - prices[day], 0) for coin in gone) / 1e10
        assert losses[day]["value"] == pytest.approx(lost)
        left = [c for c in chain.coins if c.created_day <= day and not (c.spent_day and c.spent_day <= day)]
        supply = sum(coin.satoshi for coin in left)
        assert ratios[day]["value"] == pytest.approx(
            supply * prices[day] / sum(coin.satoshi * prices[coin.created_day] for coin in left)
        )
        for row in (losses[day], ratios[day]):
            # `provider` is that of the as-known reading, which is a vendor's until the first day is out.
            assert (row["provider"] == "chain") is (day != FIRST)
            # The note is of the same reading as the provider: the vendor's own until then.
            own = "raw, not entity-adjusted; from blocks by way of bitcoin_core"
            assert (row["method_note"] == own) is (day != FIRST)


def test_vendors_stay_in_use_before_the_chain_begins_and_a_week_is_of_one_provider(published):
    losses = readings(published, "realized_loss_usd")
    before = losses.filter((pl.col("signal_date") < FIRST) & pl.col("value").is_not_null())
    assert before.height > 30
    assert "chain" not in set(before["provider"])
    weeks = {row["signal_date"]: row["value"] for row in readings(published, "realized_loss_7d_usd").to_dicts()}
    # The first six days have no week of the chain's own, and none is patched together with a vendor's.
    assert all(weeks.get(FIRST + timedelta(days=n)) is None for n in range(6))
    assert weeks[FIRST - timedelta(days=1)] is not None
    by_day = {row["signal_date"]: row["value"] for row in losses.to_dicts()}
    day = FIRST + timedelta(days=20)
    assert weeks[day] == pytest.approx(sum(by_day[day - timedelta(days=n)] for n in range(7)) / 7)


def test_a_date_does_not_see_what_was_known_after_its_cut_off(published):
    rows = {row["signal_date"]: row for row in readings(published, "mvrv").to_dicts()}
    values = {day: row["value"] for day, row in rows.items()}
    for day in (FIRST + timedelta(days=n) for n in range(10, 40)):
        # The price of a day is out at 06:00 of the next, after the cut-off: a date knows the day before.
        assert rows[day]["value_as_known"] == values[day - timedelta(days=1)]


def test_the_cost_basis_is_the_chains_and_the_cluster_lies_in_it(published, chain):
    day = LAST - timedelta(days=3)
    with duckdb.connect(str(published), read_only=True) as connection:
        bands = connection.execute(
            "select price_low_usd, price_high_usd, supply_btc, provider from marts.fct_cost_basis_daily "
            "where signal_date = ?",
            [day],
        ).pl()
        [[low, high]] = connection.execute(
            "select max(value) filter (where signal_id = 'cost_basis_cluster_low_usd'), "
            "max(value) filter (where signal_id = 'cost_basis_cluster_high_usd') "
            "from marts.fct_signal_daily where signal_date = ? and provider = 'chain'",
            [day],
        ).fetchall()
    left = [c for c in chain.coins if c.created_day <= day and not (c.spent_day and c.spent_day <= day)]
    assert set(bands["provider"]) == {"chain"}
    assert bands["supply_btc"].sum() == pytest.approx(sum(coin.satoshi for coin in left) / 1e8)
    assert bands["price_low_usd"].min() <= low < high <= bands["price_high_usd"].max()


def test_the_computed_dataset_is_listed_among_the_sources(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        assert connection.execute(
            "select provider, may_republish from marts.dim_source where dataset_id = 'chain.cells'"
        ).fetchall() == [("chain", True)]


def test_status_says_how_far_the_chain_reaches(published):
    with environment(LEADLINE_HOME=str(published.parent)):
        status = CliRunner().invoke(main, ["status"])
        chain_status = CliRunner().invoke(main, ["chain", "status"])
    assert (status.exit_code, "chain.cells" in status.output) == (0, True)
    # The price of the scenario's last day is not out yet.
    assert f"from {FIRST} to {LAST - timedelta(days=1)}" in " ".join(chain_status.output.split())
