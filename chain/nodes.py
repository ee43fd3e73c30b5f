"""The sources of blocks that are followed one block at a time, each as a `Node`."""

from collections.abc import Collection

from chain.blocks import Contribution, contribution
from chain.cells import LOST_COINBASE_HEIGHTS
from sources.bitcoin_core import BitcoinCore
from sources.esplora import Esplora


class CoreNode:
    """A Bitcoin Core node: one request for each block, whose inputs say value and creation height of spent coins."""

    way = "bitcoin_core"
    readers = 3  # blocks of up to 20 MB as JSON in memory

    def __init__(self, core: BitcoinCore, *, lost_coinbases: Collection[int] = LOST_COINBASE_HEIGHTS) -> None:
        self._core = core
        self._lost_coinbases = lost_coinbases

    def network(self) -> str:
        """Which network the node follows: `main` is the real one."""
        return self._core.network()

    def tip_height(self) -> int:
        """Height of the newest block."""
        return self._core.tip_height()

    def hash_at(self, height: int) -> str:
        """Hash of the block at a height."""
        return self._core.hash_at(height)

    def times_s(self, first: int, last: int) -> dict[int, int]:
        """Time stamps of the blocks from one height to another."""
        return self._core.times_s(first, last)

    def contribution(self, block_hash: str) -> Contribution:
        """What a block adds."""
        return contribution(self._core.block(block_hash), lost_coinbases=self._lost_coinbases)


class EsploraNode:
    """An Esplora server: many requests for each block, so use it for few blocks or with a server of your own."""

    way = "esplora"
    readers = 1

    def __init__(self, esplora: Esplora, *, lost_coinbases: Collection[int] = LOST_COINBASE_HEIGHTS) -> None:
        self._esplora = esplora
        self._lost_coinbases = lost_coinbases

    def tip_height(self) -> int:
        """Height of the newest block."""
        return self._esplora.tip_height()

    def hash_at(self, height: int) -> str:
        """Hash of the block at a height."""
        return self._esplora.hash_at(height)

    def times_s(self, first: int, last: int) -> dict[int, int]:
        """Empty: each block already says when the coins that it spends were created."""
        return {}

    def contribution(self, block_hash: str) -> Contribution:
        """What a block adds."""
        return contribution(self._esplora.block(block_hash), lost_coinbases=self._lost_coinbases)
