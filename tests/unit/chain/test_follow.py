"""Following a node: the cells of every block once, whatever the node's chain does meanwhile."""

from contextlib import ExitStack
from copy import deepcopy
from datetime import timedelta

import duckdb
import pytest

from chain.cells import day_of
from chain.errors import BlockError, ReorganisationError, StoreError
from chain.follow import follow
from chain.nodes import CoreNode
from chain.published import current
from chain.store import BlockStore
from sandbox.bitcoin_core import NodeStandIn, serving_node
from sources.bitcoin_core import BitcoinCore, Credentials
from sources.core.errors import SourceError
from tests.unit.chain.mining import NOON_S, extend, mined

WHO = Credentials(user="__cookie__", password="stand-in")


def tables(store):
    return {name: frame.rows() for name, frame in store.cells().items()}


def everything(root):
    """Every row of every table, but for when blocks were received."""
    with duckdb.connect(str(root / "blocks.duckdb"), read_only=True) as connection:
        return {
            table: connection.sql(
                f"select {'* exclude (received_at)' if table == 'block' else '*'} from {table} order by all"
            ).fetchall()
            for (table,) in connection.sql("select table_name from duckdb_tables()").fetchall()
        }


@pytest.fixture
def node():
    """`node(chain) -> (stand-in, node)`, on loopback until the test ends."""
    with ExitStack() as stack:

        def start(chain):
            stand_in = NodeStandIn(chain.blocks)
            core = BitcoinCore(stack.enter_context(serving_node(stand_in)), WHO, backoff_s=0)
            return stand_in, CoreNode(core)

        yield start


def test_cells_are_what_counting_coin_by_coin_gives(node, tmp_path):
    chain = mined(1, 90)
    _, core = node(chain)
    with BlockStore(tmp_path, kept_blocks=20) as store:
        followed = follow(store, core)
        found = tables(store)
        assert len(blocks_kept(store)) < 40  # the others are folded
    assert (followed.blocks, followed.orphaned, followed.height) == (90, 0, 89)
    assert found["spent"] == chain.spent()
    assert found["created"] == chain.created()
    assert any(created > spent for created, spent, *_ in found["spent"])  # stamps did go backwards over a midnight
    assert 0 < sum(row[3] for row in found["own"]) < sum(row[3] for row in found["spent"])


def blocks_kept(store):
    return store.connection.sql("select height from block").fetchall()


def test_following_goes_on_where_it_stopped(node, tmp_path):
    chain = mined(2, 60)
    stand_in, core = node(chain)
    for last in (20, 20, 41, None):
        with BlockStore(tmp_path) as store:
            follow(store, core, last_height=last)
    with BlockStore(tmp_path) as store:
        assert tables(store)["spent"] == chain.spent()
    assert stand_in.requests["getblock"] == 60


def test_a_reorganisation_of_three_leaves_the_tables_as_if_it_had_never_happened(node, tmp_path):
    trunk = mined(3, 40)
    orphaned, kept = deepcopy(trunk), deepcopy(trunk)
    extend(orphaned, 3, transactions=6, salt="orphaned")
    extend(kept, 5, transactions=6, salt="kept")
    stand_in, core = node(orphaned)
    with BlockStore(tmp_path / "reorganised") as store:
        follow(store, core)
        assert tables(store)["spent"] == orphaned.spent()
        stand_in.replace_chain(kept.blocks)
        followed = follow(store, core)
    assert (followed.blocks, followed.orphaned, followed.height) == (5, 3, 44)
    with BlockStore(tmp_path / "undisturbed") as store:
        follow(store, core)
    assert everything(tmp_path / "reorganised") == everything(tmp_path / "undisturbed")
    with BlockStore(tmp_path / "reorganised") as store:
        assert (tables(store)["spent"], tables(store)["created"]) == (kept.spent(), kept.created())


def test_a_shorter_branch_is_followed_as_well(node, tmp_path):
    trunk = mined(4, 30)
    longer, shorter = deepcopy(trunk), deepcopy(trunk)
    extend(longer, 3, salt="longer")
    extend(shorter, 1, salt="shorter")
    stand_in, core = node(longer)
    with BlockStore(tmp_path) as store:
        follow(store, core)
        stand_in.replace_chain(shorter.blocks)
        follow(store, core)
        assert store.tip().height == 30
        assert tables(store)["created"] == shorter.created()


def test_a_reorganisation_while_blocks_are_read_is_noticed(node, tmp_path):
    trunk = mined(5, 30)
    left, right = deepcopy(trunk), deepcopy(trunk)
    extend(left, 40, salt="left")
    extend(right, 45, salt="right")
    stand_in, core = node(left)
    with BlockStore(tmp_path) as store:
        # The second batch ends at height 47, inside the branch that is then replaced.
        followed = follow(store, core, taken=lambda height, last: height == 47 and stand_in.replace_chain(right.blocks))
        assert (followed.orphaned, followed.height) == (18, 74)
        assert tables(store)["spent"] == right.spent()


def test_a_kill_between_batches_loses_nothing_and_counts_nothing_twice(node, tmp_path):
    chain = mined(6, 70)
    _, core = node(chain)

    class KilledError(Exception):
        """Stands for the end of the process."""

    def die(height, last):
        if height == 30:
            raise KilledError

    with BlockStore(tmp_path) as store, pytest.raises(KilledError):
        follow(store, core, taken=die)
    with BlockStore(tmp_path) as store:
        follow(store, core)
        assert tables(store)["spent"] == chain.spent()


def test_a_reorganisation_deeper_than_blocks_are_kept_changes_nothing_and_says_so(node, tmp_path):
    stand_in, core = node(mined(7, 60))
    with BlockStore(tmp_path, kept_blocks=10) as store:
        follow(store, core)
    before = everything(tmp_path)
    stand_in.replace_chain(mined(8, 70).blocks)
    with BlockStore(tmp_path, kept_blocks=10) as store, pytest.raises(ReorganisationError, match="another network"):
        follow(store, core)
    assert everything(tmp_path) == before


def test_confirmations_leave_the_newest_blocks_for_later(node, tmp_path):
    _, core = node(mined(9, 30))
    with BlockStore(tmp_path) as store:
        assert follow(store, core, confirmations=6).height == 23


def test_a_day_is_published_once_no_block_can_be_stamped_with_it(node, tmp_path):
    chain = mined(10, 40)
    _, core = node(chain)
    for last in range(15, 40):
        with BlockStore(tmp_path) as store:
            follow(store, core, last_height=last)
            cells = store.publish()
        later = {day_of(block["time"]) for block in chain.blocks[last + 1 :]}
        assert all(day > cells.reach.last_day for day in later)
        newest = max(day_of(block["time"]) for block in chain.blocks[: last + 1])
        assert newest - cells.reach.last_day <= timedelta(days=2)
        assert current(tmp_path) == cells
    assert len(list((tmp_path / "cells").iterdir())) == 2  # older sets are removed


def test_history_made_another_way_is_continued(node, tmp_path):
    chain = mined(11, 80)
    _, core = node(chain)
    with BlockStore(tmp_path / "history") as store:
        follow(store, core, last_height=50)
        cells = store.publish()
    with BlockStore(tmp_path / "continued") as store:
        store.load_history(cells)
        followed = follow(store, core)
        assert (followed.blocks, followed.height) == (29, 79)
        assert tables(store)["spent"] == chain.spent()
        assert tables(store)["created"] == chain.created()


def test_a_chain_can_be_joined_in_the_middle_for_what_is_spent_from_then_on(node, tmp_path):
    chain = mined(12, 60)
    _, core = node(chain)
    with BlockStore(tmp_path) as store:
        follow(store, core, first_height=40)
        cells = store.publish()
        first_day = day_of(chain.blocks[40]["time"]) + timedelta(days=1)
        whole = {row for row in chain.spent() if row[1] > first_day}
        assert whole <= set(tables(store)["spent"])
    assert not cells.reach.is_whole
    with BlockStore(tmp_path) as store, pytest.raises(StoreError, match="begin at 3"):
        store.begin_at(3, "bitcoin_core")


def test_a_block_that_pays_out_more_than_it_takes_in_is_refused(node, tmp_path):
    chain = mined(13, 30)
    chain.blocks[20]["tx"][1]["vout"][0]["value"] += 1
    _, core = node(chain)
    with BlockStore(tmp_path) as store:
        with pytest.raises(BlockError, match="more than"):
            follow(store, core)
        assert store.tip() is None  # nothing of the batch that it is in


def test_coins_of_blocks_that_are_not_taken_in_are_dated_by_their_headers(tmp_path):
    chain = mined(14, 30)
    above = [{**block, "height": block["height"] + 2_500} for block in chain.blocks]  # spends heights 0 to 29
    below_s = {height: NOON_S - (2_500 - height) * 600 for height in range(2_500)}
    stand_in = NodeStandIn(above, below_s=below_s)
    with serving_node(stand_in) as address, BlockStore(tmp_path) as store:
        follow(store, CoreNode(BitcoinCore(address, WHO, backoff_s=0)), first_height=2_500)
        assert {created for created, *_ in tables(store)["spent"]} == {day_of(below_s[height]) for height in range(30)}
    assert stand_in.requests["getblockheader"] == 2_500


@pytest.mark.parametrize("address", ["http://192.168.1.5:8332", "ftp://127.0.0.1", "127.0.0.1:8332", "https://"])
def test_a_node_is_asked_over_https_or_on_this_machine(address):
    with pytest.raises(SourceError, match="unsafe"):
        BitcoinCore(address, WHO)
