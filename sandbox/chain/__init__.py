"""A synthetic chain: blocks that spend what earlier blocks created, with the true sums known from how it was made.

`mine` makes a `Ledger` from a `Plan`, the same one each time. It is written down as answers of a Bitcoin Core node
(`rpc_block`) or as the public Parquet copy (`write_parquet`), and `true_cells` says what every way in must arrive at.
None of its transactions is signed, and no hash in it has work behind it.
"""

from sandbox.chain.ground_truth import Cells, true_cells
from sandbox.chain.ledger import Branch, Ledger, Plan, mine
from sandbox.chain.parquet import write_parquet
from sandbox.chain.rpc import block_hash, chain_ending_at, rpc_block, tips

__all__ = [
    "Branch",
    "Cells",
    "Ledger",
    "Plan",
    "block_hash",
    "chain_ending_at",
    "mine",
    "rpc_block",
    "tips",
    "true_cells",
    "write_parquet",
]
