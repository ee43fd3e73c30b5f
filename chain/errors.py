"""The errors of counting blocks. Each message says what happened and what to do."""


class ChainError(Exception):
    """Says what happened and what to do about it."""


class BlockError(ChainError):
    """An answer that is no block, or a block whose amounts do not add up."""


class StoreError(ChainError):
    """The store of cells cannot be opened, or does not fit what it is asked to take in."""


class ReorganisationError(ChainError):
    """The chain was reorganised deeper than blocks are kept one by one."""


class CellsError(ChainError):
    """Tables that are no cells, or cells that do not fit together."""


class JoinError(ChainError):
    """The public copy of the chain cannot be joined, or what came out does not add up."""
