"""Hashes, transaction ids and scripts of a synthetic chain, computed from a counter.

The first eight bytes of two hashes of one kind are never equal, so no collision is made by accident.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from sandbox.chain.ledger import DATA, OVERSIZED, REPEATED_COINBASES, Integers, SyntheticLedger

Words = npt.NDArray[np.uint64]

_HASH_BYTES = 32
_KEY_HASH_BYTES = 20
_KIND_BITS = 3

# 20 002 hexadecimal digits: one byte more than a script may have.
OVERSIZED_SCRIPT = "51" * 10_001


class IdentifierKind(IntEnum):
    """What a hash names. Two kinds have no hash in common."""

    TRANSACTION = 0
    BLOCK = 1
    ORPHANED_BLOCK = 2
    ORPHANED_COINBASE = 3
    CONFLICTING_TRANSACTION = 4
    OWNER = 5
    DATA = 6


def hashes(kind: IdentifierKind, numbers: Integers, seed: int) -> pl.Series:
    """64 hexadecimal digits for each number."""
    return _hex(_words(kind, numbers, seed), _HASH_BYTES)


def one_hash(kind: IdentifierKind, number: int, seed: int) -> str:
    """64 hexadecimal digits for this number."""
    return str(hashes(kind, np.array([number], dtype=np.int64), seed)[0])


def transaction_ids(ledger: SyntheticLedger, first: int, last: int) -> pl.Series:
    """Ids of transactions `first` to `last` - 1. The coinbases that repeat an earlier one have its id."""
    return ids_of(ledger, np.arange(first, last, dtype=np.int64))


def ids_of(ledger: SyntheticLedger, transactions: Integers) -> pl.Series:
    """Ids of these transactions."""
    named = transactions.copy()
    for later, earlier in REPEATED_COINBASES.items():
        if ledger.first_height <= earlier and later <= ledger.tip_height:
            repeating = ledger.first_transaction[later - ledger.first_height]
            named[transactions == repeating] = ledger.first_transaction[earlier - ledger.first_height]
    return hashes(IdentifierKind.TRANSACTION, named, ledger.plan.seed)


def scripts(owners: Integers, seed: int) -> pl.DataFrame:
    """How these owners are paid: columns `hex`, `asm`, `type` as Bitcoin Core names it, and `address` (made up)."""
    payload = pl.DataFrame({"owner": owners}).with_columns(
        key=_hex(_words(IdentifierKind.OWNER, owners, seed), _KEY_HASH_BYTES),
        data=_hex(_words(IdentifierKind.DATA, np.arange(len(owners), dtype=np.int64), seed), _KEY_HASH_BYTES),
    )
    owner, key, data = pl.col("owner"), pl.col("key"), pl.col("data")
    return payload.select(
        hex=pl.when(owner == DATA)
        .then("6a14" + data)
        .when(owner == OVERSIZED)
        .then(pl.lit(OVERSIZED_SCRIPT))
        .otherwise("0014" + key),
        asm=pl.when(owner == DATA)
        .then("OP_RETURN " + data)
        .when(owner == OVERSIZED)
        .then(pl.lit("1 " * 10_000 + "1"))
        .otherwise("0 " + key),
        type=pl.when(owner == DATA)
        .then(pl.lit("nulldata"))
        .when(owner == OVERSIZED)
        .then(pl.lit("nonstandard"))
        .otherwise(pl.lit("witness_v0_keyhash")),
        address=pl.when(owner >= 0).then("bc1q" + key),
    )


def _words(kind: IdentifierKind, numbers: Integers, seed: int) -> Words:
    """Four mixed words for each number. The mixing (SplitMix64) maps different words to different words."""
    counter = (numbers.astype(np.uint64) << np.uint64(_KIND_BITS)) | np.uint64(kind)
    words = np.empty((len(numbers), 4), dtype=np.uint64)
    for index in range(4):
        # Spreads seeds and words far apart; 2^64 divided by the golden ratio, and an odd constant.
        offset = (seed * 0x9E3779B97F4A7C15 + index * 0xD1342543DE82EF95) % 2**64
        words[:, index] = _mixed(counter + np.uint64(offset))
    return words


def _mixed(word: Words) -> Words:
    """SplitMix64's output function; source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators"."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def _hex(words: Words, size: int) -> pl.Series:
    raw = np.ascontiguousarray(words.view(np.uint8).reshape(len(words), 4 * 8)[:, :size])
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(raw), [None, pa.py_buffer(raw)])
    return pl.Series(pl.from_arrow(fixed.cast(pa.binary()))).bin.encode("hex")
