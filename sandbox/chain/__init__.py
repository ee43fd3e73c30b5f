"""A synthetic chain: blocks that spend what earlier blocks created, with the true sums known from how it was made.

`mine` makes a `SyntheticLedger` from a `Plan`, the same one each time. It is written down as answers of a Bitcoin Core
node (`rpc_block`) or as the public Parquet copy (`write_parquet`), and `true_cells` says what every way in must arrive
at. None of its transactions is signed, and no hash in it has work behind it.
"""

from sandbox.chain.ground_truth import TrueCells, true_cells
from sandbox.chain.ledger import Branch, Plan, SyntheticLedger, mine
from sandbox.chain.parquet import write_parquet
from sandbox.chain.rpc import block_hash, chain_ending_at, rpc_block, tips

__all__ = [
    "Branch",
    "Plan",
    "SyntheticLedger",
    "TrueCells",
    "block_hash",
    "chain_ending_at",
    "mine",
    "rpc_block",
    "tips",
    "true_cells",
    "write_parquet",
]
