"""The chain's cells valued in the warehouse: figures counted coin by coin, versions, what was known when."""

import json
import shutil
from collections import Counter
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from chain.blocks import contribution
from chain.cells import day_of
from chain.published import current
from chain.store import BlockStore
from cli.main import main
from pipeline.chain import migrations
from pipeline.chain_valuation import CoinMigration, ValuationOptions, value
from sources.core.blocks import read_core_block
from sources.registry import DATASETS
from tests.unit.chain.mining import extend, mined
from warehouse.database import Warehouse
from warehouse.home import Home

RAW = ValuationOptions()
NOW = datetime(2022, 9, 1, tzinfo=UTC)
FIRST = date(2022, 6, 9)
DAYS = [FIRST + timedelta(days=n) for n in range(12)]
PRICES = [
    30_000.0,
    29_000.5,
    31_000.25,
    20_000.0,
    20_000.0,
    41_000.0,
    35_500.0,
    33_000.0,
    28_000.0,
    30_100.0,
    31_000.0,
    32_000.0,
]


def midnight(day):
    return datetime(day.year, day.month, day.day)


def contributions(chain, first=0):
    return [contribution(read_core_block(orjson.dumps({"result": block}))) for block in chain.blocks[first:]]


def cells_of(chain, root, first_height=0):
    with BlockStore(root) as store:
        if store.first_height is None:
            store.begin_at(first_height, "bitcoin_core")
            store.add_times({block["height"]: block["time"] for block in chain.blocks[:first_height]})
        store.take_in(contributions(chain, store.next_height()))
        return store.publish()


class ValuedHome:
    """A warehouse with prices, and what the chain is worth in it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        with Warehouse(self.home) as warehouse:
            warehouse.ensure_tables(DATASETS)

    def price(self, *prices: tuple[date, float], known_at: datetime | None = None) -> None:
        with Warehouse(self.home) as warehouse:
            warehouse.connection.executemany(
                "insert into raw.coinmetrics__asset_metric (metric_date, price_usd, known_at, known_at_basis) "
                "values (?, ?, ?, 'assumed')",
                [(day, price, known_at or midnight(day) + timedelta(days=1, hours=6)) for day, price in prices],
            )

    def prices(self) -> None:
        self.price(*zip(DAYS, PRICES, strict=True))

    def value(self, cells, options=RAW, now=NOW):
        with Warehouse(self.home) as warehouse:
            return value(warehouse, cells, options, now)

    def rows(self, table="chain_day"):
        with Warehouse(self.home) as warehouse:
            found = warehouse.connection.execute(f"select * from analytics.{table}").pl()
            return found.drop("cells_hash", strict=False).sort("day", "known_at", maintain_order=True).to_dicts()


@pytest.fixture
def world(tmp_path):
    return ValuedHome(tmp_path)


@pytest.fixture(scope="module")
def chain():
    return mined(20, 125, transactions=3)


def test_a_day_is_worth_what_counting_coin_by_coin_gives(world, chain, tmp_path):
    world.prices()
    valued = world.value(cells_of(chain, tmp_path))
    rows = world.rows()
    price = dict(zip(DAYS, PRICES, strict=True))
    assert (valued.new, valued.again, valued.waiting) == (len(rows), 0, 0)
    assert [row["day"] for row in rows] == DAYS[: len(rows)]
    assert len(rows) >= 8
    assert min(row["realized_loss_usd"] for row in rows[3:5]) > 0  # the fall of the fourth day
    for row in rows:
        day = row["day"]
        gone = [c for c in chain.coins if c.spent_day and max(c.spent_day, c.created_day) == day]
        gains = [c.satoshi / 1e8 * (price[day] - price[c.created_day]) for c in gone]
        assert row["realized_profit_usd"] == pytest.approx(sum(gain for gain in gains if gain > 0))
        assert row["realized_loss_usd"] == pytest.approx(-sum(gain for gain in gains if gain < 0))
        cost = sum(c.satoshi / 1e8 * price[c.created_day] for c in gone)
        assert row["sopr"] == pytest.approx(sum(c.satoshi / 1e8 for c in gone) * price[day] / cost)
        left = [c for c in chain.coins if c.created_day <= day and not (c.spent_day and c.spent_day <= day)]
        supply = sum(c.satoshi for c in left) / 1e8
        cap = sum(c.satoshi / 1e8 * price[c.created_day] for c in left)
        assert row["supply_btc"] == pytest.approx(supply)
        assert (row["realized_cap_usd"], row["realized_price_usd"]) == (pytest.approx(cap), pytest.approx(cap / supply))
        assert row["mvrv"] == pytest.approx(supply * price[day] / cap)
        above = sum(c.satoshi / 1e8 for c in left if price[c.created_day] > price[day])
        assert row["supply_in_loss_pct"] == pytest.approx(100 * above / supply)
        assert row["known_at"] == midnight(day) + timedelta(days=1, hours=6)
    for before, row in pairwise(rows):
        moved = row["issuance_usd"] + row["realized_profit_usd"] - row["realized_loss_usd"]
        assert row["realized_cap_usd"] - before["realized_cap_usd"] == pytest.approx(moved)
    for table in ("chain_cost_basis", "chain_age"):
        for row in rows:
            parts = [part["supply_btc"] for part in world.rows(table) if part["day"] == row["day"]]
            assert sum(parts) == pytest.approx(row["supply_btc"])


def test_valuing_again_adds_nothing(world, chain, tmp_path):
    world.prices()
    world.value(cells_of(chain, tmp_path))
    before = world.rows()
    assert world.value(current(tmp_path)).new == 0
    assert world.rows() == before


def test_a_later_price_makes_a_further_version_and_leaves_the_first(world, chain, tmp_path):
    world.prices()
    world.value(cells_of(chain, tmp_path))
    before = world.rows()
    revised_at = datetime(2022, 8, 1)
    world.price((DAYS[4], 25_000.0), known_at=revised_at)
    assert world.value(current(tmp_path)).again == 1  # the day itself; other days keep what was said of them
    after = world.rows()
    assert [row for row in after if row in before] == before
    [added] = [row for row in after if row not in before]
    assert (added["day"], added["price_usd"], added["known_at"]) == (DAYS[4], 25_000.0, revised_at)


def test_a_first_version_does_not_depend_on_when_it_is_computed(world, chain, tmp_path):
    # A revision of the second day's price becomes known on the fifth: days before keep valuing with the old one.
    late = ValuedHome(tmp_path / "late")
    prices = dict(zip(DAYS, PRICES, strict=True))
    revision, revised_at = (DAYS[1], 24_000.0), datetime(2022, 6, 13, 12)
    with BlockStore(tmp_path / "daily") as store:
        store.begin_at(0, "bitcoin_core")
        for day in DAYS[:9]:
            later = contributions(chain, store.next_height())
            store.take_in(list(takewhile(lambda block: day_of(block.time_s) <= day, later)))  # noqa: B023 - used at once
            world.price((day, prices[day]))
            if day == DAYS[4]:
                world.price(revision, known_at=revised_at)
            if (cells := store.publish()) is not None:
                world.value(cells)
    late.prices()
    late.price(revision, known_at=revised_at)
    late.value(cells)
    first = {row["day"]: row for row in reversed(world.rows())}
    second = [row for row in world.rows() if row["day"] == DAYS[1]][1:]
    assert [row["known_at"] for row in second] == [revised_at]
    assert [first[row["day"]] for row in late.rows()] == late.rows()
    differs = [row["day"] for row in late.rows() if row["day"] >= DAYS[4]]
    assert differs  # both sides of the revision are there


def test_a_reorganisation_of_closed_days_makes_a_further_version(world, tmp_path):
    trunk = mined(21, 60, transactions=3)
    orphaned, kept = deepcopy(trunk), deepcopy(trunk)
    extend(orphaned, 40, salt="orphaned")
    extend(kept, 40, salt="kept")
    world.prices()
    world.value(cells_of(orphaned, tmp_path))
    before = world.rows()
    with BlockStore(tmp_path) as store:
        store.take_in(contributions(kept, 60), orphaned_above=59)
        cells = store.publish()
    valued = world.value(cells)
    after = world.rows()
    assert valued.again > 0
    assert [row for row in after if row in before] == before
    added = {row["day"]: row for row in after if row not in before}
    assert min(added) >= day_of(trunk.blocks[-1]["time"])
    assert {row["known_at"] for row in added.values()} == {NOW.replace(tzinfo=None)}
    undisturbed = ValuedHome(tmp_path / "undisturbed")
    undisturbed.prices()
    undisturbed.value(cells)
    for row in undisturbed.rows():
        latest = added.get(row["day"], row)
        assert {**latest, "known_at": None, "known_at_basis": None} == {**row, "known_at": None, "known_at_basis": None}


def test_a_day_without_a_price_waits_and_says_for_what(world, chain, tmp_path):
    world.price(*zip(DAYS[1:], PRICES[1:], strict=True))
    valued = world.value(cells_of(chain, tmp_path))
    assert (valued.new, world.rows()) == (0, [])
    assert valued.waiting > 0
    assert "backfill --select coinmetrics --from 2022-06-09 --to 2022-06-09" in valued.reason


def test_a_chain_joined_in_the_middle_has_flows_and_no_stocks(world, chain, tmp_path):
    world.prices()
    whole = ValuedHome(tmp_path / "whole")
    whole.prices()
    whole.value(cells_of(chain, tmp_path / "whole"))
    world.value(cells_of(chain, tmp_path / "part", first_height=50))
    flows = ("day", "realized_profit_usd", "realized_loss_usd", "sopr", "coin_days_destroyed")
    rows = [tuple(row[name] for name in flows) for row in world.rows()]
    assert rows
    assert rows == [tuple(row[name] for name in flows) for row in whole.rows()][-len(rows) :]
    assert {row["supply_btc"] for row in world.rows()} == {row["mvrv"] for row in world.rows()} == {None}
    assert world.rows("chain_cost_basis") == []


def test_self_transfers_are_left_out_of_flows_only_when_asked(world, chain, tmp_path):
    world.prices()
    cells = cells_of(chain, tmp_path)
    world.value(cells)
    raw = world.rows()
    filtered = ValuedHome(tmp_path / "filtered")
    filtered.prices()
    filtered.value(cells, ValuationOptions(leave_out_own=True))
    rows = filtered.rows()
    assert {row["counted"] for row in raw} == {"raw"}
    assert {row["counted"] for row in rows} == {"without self-transfers"}
    assert sum(row["spent_btc"] for row in rows) < sum(row["spent_btc"] for row in raw)
    assert [row["realized_cap_usd"] for row in rows] == [row["realized_cap_usd"] for row in raw]
    assert [row["issuance_usd"] for row in rows] == [row["issuance_usd"] for row in raw]


def test_a_migration_of_unknown_coins_leaves_its_day_without_a_reading(world, chain, tmp_path):
    world.prices()
    move = CoinMigration(DAYS[3], None, None)
    world.value(cells_of(chain, tmp_path), ValuationOptions(migrations=(move,)))
    rows = {row["day"]: row for row in world.rows()}
    assert (rows[DAYS[3]]["realized_loss_usd"], rows[DAYS[3]]["sopr"]) == (None, None)
    assert rows[DAYS[3]]["realized_cap_usd"] is not None
    assert rows[DAYS[4]]["sopr"] is not None
    assert CoinMigration(date(2025, 11, 22), None, None) in migrations()


def test_a_migration_of_known_coins_leaves_only_those_out(world, chain, tmp_path):
    world.prices()
    move = CoinMigration(DAYS[5], DAYS[0], DAYS[2])
    world.value(cells_of(chain, tmp_path), ValuationOptions(migrations=(move,)))
    [row] = [row for row in world.rows() if row["day"] == DAYS[5]]
    gone = [c for c in chain.coins if c.spent_day == DAYS[5] and c.created_day > DAYS[2]]
    assert row["spent_btc"] == pytest.approx(sum(c.satoshi for c in gone) / 1e8)


@pytest.fixture
def asked(world, chain, monkeypatch):
    """`asked(…)`: what `leadline chain show …` answers in a home with these coins and prices."""
    world.prices()
    cells_of(chain, world.home.path / "chain")
    shutil.copyfile(world.home.build_file, world.home.published)
    monkeypatch.setenv("LEADLINE_HOME", str(world.home.path))
    return lambda *arguments: CliRunner().invoke(main, ["chain", "show", *map(str, arguments)])


def test_a_day_is_shown_in_price_bins_and_age_bands_of_ones_own(asked, chain):
    day, price = DAYS[7], dict(zip(DAYS, PRICES, strict=True))
    result = asked(day, "--bin", 7_000, "--ages", "1,3", "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.output)
    left = [c for c in chain.coins if c.created_day <= day and not (c.spent_day and c.spent_day <= day)]
    bins, bands = Counter(), Counter()
    for coin in left:
        bins[price[coin.created_day] // 7_000 * 7_000] += coin.satoshi
        age = (day - coin.created_day).days
        bands[(0, 1) if age < 1 else (1, 3) if age < 3 else (3, None)] += coin.satoshi
    assert {row["price_low_usd"]: row["supply_btc"] for row in shown["chain_cost_basis"]} == pytest.approx(
        {low: satoshi / 1e8 for low, satoshi in bins.items()}
    )
    assert {row["price_high_usd"] - row["price_low_usd"] for row in shown["chain_cost_basis"]} == {7_000}
    assert len(bins) > 2
    found = {(row["age_from_days"], row["age_until_days"]): row["supply_btc"] for row in shown["chain_age"]}
    assert found == pytest.approx({band: satoshi / 1e8 for band, satoshi in bands.items()})
    assert len(bands) == 3
    [row] = shown["chain_day"]
    gone = [c for c in chain.coins if c.spent_day and max(c.spent_day, c.created_day) == day]
    destroyed = sum(c.satoshi / 1e8 * max((c.spent_day - c.created_day).days, 0) for c in gone)
    assert row["coin_days_destroyed"] == pytest.approx(destroyed)
    assert destroyed > 0
    below = sum(c.satoshi for c in left if price[c.created_day] < price[day])
    assert row["supply_in_profit_pct"] == pytest.approx(100 * below / sum(c.satoshi for c in left))


def test_the_newest_closed_day_is_shown_as_it_is_stored(asked, world, chain):
    stored = world.value(current(world.home.path / "chain"))
    row = world.rows()[-1]
    result = asked()
    assert (result.exit_code, stored.new > 0) == (0, True)
    assert f"{row['day']}, from blocks by way of bitcoin_core; flows: raw" in result.output
    assert f"{row['coin_days_destroyed']:,.0f} BTC days" in result.output
    ages = [part for part in world.rows("chain_age") if part["day"] == row["day"]]
    assert all(f"{part['supply_btc']:,.2f}" in result.output for part in ages)


def test_what_cannot_be_shown_says_why(asked, world):
    beyond = asked(DAYS[-1] + timedelta(days=30))
    assert (beyond.exit_code, "The cells know the days from 2022-06-09 to" in beyond.output) == (1, True)
    assert asked("--ages", "30,old").exit_code == 2
    shutil.rmtree(world.home.path / "chain")
    assert "There are no cells yet; not configured: set LEADLINE_BITCOIN_RPC" in asked().output


def test_a_rebuild_says_how_the_figures_come_back_and_they_do(asked, world):
    cells = current(world.home.path / "chain")
    world.value(cells)
    before = world.rows()
    result = CliRunner().invoke(main, ["rebuild"])
    assert result.exit_code == 0, result.output
    assert "It values the newest 800 days of the chain anew from the cells" in result.output
    assert world.rows() == []
    world.prices()  # landed ones come back by themselves; these were not
    world.value(cells)
    assert len(before) > 8
    assert world.rows() == [{**row, "known_at_basis": "assumed"} for row in before]
