"""Follows the chain: finds the last block that our store and the node have in common, then takes in later blocks.

Blocks are read ahead in threads, because reading is waiting, and taken in a batch at a time, each batch one
transaction. Whatever is killed in between goes on from the last batch.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from chain.blocks import Contribution
from chain.errors import BlockError, ReorganisationError
from chain.store import BlockStore

BATCH_BLOCKS = 24
HEADERS_AT_ONCE = 1_000
ATTEMPTS = 5  # a reorganisation while we follow is rare; five in a row have another cause


class Node(Protocol):
    """Where blocks come from."""

    @property
    def way(self) -> str:
        """The name of this source of blocks."""

    @property
    def readers(self) -> int:
        """How many threads may ask for blocks at the same time."""

    def tip_height(self) -> int:
        """Height of the newest block."""

    def hash_at(self, height: int) -> str:
        """Hash of the block at a height of the node's chain."""

    def times_s(self, first: int, last: int) -> dict[int, int]:
        """Time stamps of the blocks from one height to another, both included; empty when blocks bring them along."""

    def contribution(self, block_hash: str) -> Contribution:
        """What a block adds."""


@dataclass(frozen=True)
class FollowResult:
    """The result of following: numbers of blocks added and removed, and the newest block."""

    blocks: int
    orphaned: int
    height: int
    hash: str


def follow(
    store: BlockStore,
    node: Node,
    *,
    first_height: int = 0,
    last_height: int | None = None,
    confirmations: int = 0,
    taken: Callable[[int, int], None] = lambda height, last: None,
) -> FollowResult:
    """Take in every block that the node has and the store has not, up to `last_height` if one is given.

    An empty store begins at `first_height`. `confirmations` leaves that many of the newest blocks for later. `taken`
    hears of each batch: the height reached and the one aimed at. Raises ChainError and SourceError; what was taken in
    before stays.
    """
    if store.first_height is None:
        store.begin_at(first_height, node.way)
    blocks = orphaned = 0
    for attempt in range(ATTEMPTS):
        last = node.tip_height() - confirmations
        if last_height is not None:
            last = min(last, last_height)
        fork = _fork(store, node)
        above = store.next_height() - 1
        orphaned += max(above - fork, 0)
        try:
            for height in _take_in(store, node, fork, last, above):
                blocks += 1
                taken(height, last)
        except BlockError:
            # The node's chain changed while it was read. If that repeats, something else is wrong.
            if attempt == ATTEMPTS - 1 or _fork(store, node) == store.next_height() - 1:
                raise
            continue
        break
    tip = store.tip()
    return FollowResult(blocks, orphaned, tip.height if tip else store.next_height() - 1, tip.hash if tip else "")


def _fork(store: BlockStore, node: Node) -> int:
    """Height of the newest block that store and node agree on; one below the first when there is none to compare."""
    height, tip = store.next_height() - 1, node.tip_height()
    while (known := store.hash_at(height)) is not None:
        if height <= tip and node.hash_at(height) == known:
            return height
        height -= 1
    if height == store.next_height() - 1 or height == (store.first_height or 0) - 1:
        return height  # nothing was taken in yet, or all of it is orphaned
    raise ReorganisationError(
        f"None of the blocks kept one by one, from height {height + 1} on, is on the node's chain. Is it a node of "
        f"another network? Otherwise move {store.root / 'blocks.duckdb'} away and follow again."
    )


def _take_in(store: BlockStore, node: Node, fork: int, last: int, above: int) -> Iterator[int]:
    """Take in the blocks after `fork`; yields each height once it is safe."""
    orphaned_above = fork if fork < above else None
    _learn_times(store, node, fork)
    with ThreadPoolExecutor(node.readers, thread_name_prefix="block") as pool:
        try:
            heights = range(fork + 1, last + 1)
            read = _read_ahead(pool, node.readers, lambda height: node.contribution(node.hash_at(height)), heights)
            while batch := list(islice(read, BATCH_BLOCKS)):
                store.take_in(batch, orphaned_above=orphaned_above)
                orphaned_above = None
                yield from (block.height for block in batch)
        finally:
            pool.shutdown(cancel_futures=True)


def _read_ahead(
    pool: ThreadPoolExecutor, ahead: int, read: Callable[[int], Contribution], heights: Sequence[int]
) -> Iterator[Contribution]:
    """Blocks in order of height, some of them being read already while the first is used."""
    waiting = iter(heights)
    reading = [pool.submit(read, height) for height in islice(waiting, ahead)]
    while reading:
        block = reading.pop(0).result()
        reading += [pool.submit(read, height) for height in islice(waiting, 1)]
        yield block


def _learn_times(store: BlockStore, node: Node, last: int) -> None:
    """Time stamps of all blocks up to a height: a coin's day of creation is that of its block."""
    first = store.times_known_to()
    while first <= last:
        until = min(first + HEADERS_AT_ONCE - 1, last)
        times = node.times_s(first, until)
        if not times:
            return
        store.add_times(times)
        first = until + 1
