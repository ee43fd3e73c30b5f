"""Writes a synthetic chain in the layout of the public Parquet copy, with the oddities of the real one.

Layout: `blocks/date=YYYY-MM-DD/*.snappy.parquet` and `transactions/date=YYYY-MM-DD/*.snappy.parquet`, by the day of the
block's time stamp. Source of the columns: the table definitions of "Guidance for digital assets on AWS". As there:

- Amounts are doubles in bitcoin.
- A file a block (`{height}.snappy.parquet`) is written during the day, and the next night the day's files are compacted
  to `part-*.snappy.parquet`; both can be there. Here the newest day has the former, the day before and each seventh
  have both, others the latter. A block may begin in one part and end in the next.
- Orphaned blocks stay: the same height is there twice, on one day or on two, with the same transactions.
- `version` is a 32 bit integer in files of one block and a 64 bit one in parts, time stamps are INT96 in parts, the
  column `last_modified` is in files of one block only, coinbases have an empty list of inputs or none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.chain.identifiers import IdentifierKind, hashes, ids_of, scripts
from sandbox.chain.ledger import SATOSHI_PER_BITCOIN, Branch, Integers, SyntheticLedger
from sandbox.chain.rpc import block_hash, block_time_s, chain_work, conflicting_id, median_time_s, orphaned_coinbase_id

_DAY_S = 86_400
_BOTH_EVERY_DAYS = 7
_FINAL = 0xFFFFFFFF


@dataclass(frozen=True)
class _Block:
    """A block of the main chain or, with `branch`, an orphaned one."""

    height: int
    hash: str
    previous_hash: str | None
    time_s: int
    branch: Branch | None = None


def write_parquet(ledger: SyntheticLedger, folder: Path) -> None:
    """Write the whole ledger, orphaned blocks too, into `blocks/` and `transactions/` of the folder."""
    days = _blocks_by_day(ledger)
    newest = max(days)
    for day, blocks in days.items():
        compacted = day != newest
        singly = day >= newest - timedelta(days=1) or (newest - day).days % _BOTH_EVERY_DAYS == 0
        table = _transactions(ledger, blocks)
        if compacted:
            _write_parts(folder, day, _block_rows(ledger, blocks), table)
        if singly:
            _write_singly(folder, day, ledger, blocks, table)


def _blocks_by_day(ledger: SyntheticLedger) -> dict[date, list[_Block]]:
    names = hashes(
        IdentifierKind.BLOCK, np.arange(ledger.first_height, ledger.tip_height + 1, dtype=np.int64), ledger.plan.seed
    ).to_list()
    before = None if ledger.first_height == 0 else block_hash(ledger, ledger.first_height - 1)
    blocks = [
        _Block(ledger.height_of(number), name, previous, time_s)
        for number, (name, previous, time_s) in enumerate(
            zip(names, [before, *names[:-1]], ledger.block_time_s.tolist(), strict=True)
        )
    ]
    for branch in ledger.branches:
        for height in range(branch.fork_height + 1, branch.fork_height + branch.depth + 1):
            name, previous = (block_hash(ledger, at, branch) for at in (height, height - 1))
            blocks.append(_Block(height, name, previous, block_time_s(ledger, height, orphaned=True), branch))
    days: dict[date, list[_Block]] = {}
    for block in blocks:
        days.setdefault(datetime.fromtimestamp(block.time_s, UTC).date(), []).append(block)
    return dict(sorted(days.items()))


def _write_parts(folder: Path, day: date, blocks: pa.Table, transactions: pa.Table) -> None:
    _write(blocks, folder / "blocks", day, "part-00000", int96=True)
    middle = transactions.num_rows // 2  # wherever that is, also in the midst of a block
    for number, part in enumerate((transactions[:middle], transactions[middle:])):
        if part.num_rows:
            _write(part, folder / "transactions", day, f"part-{number:05}", int96=True)


def _write_singly(
    folder: Path, day: date, ledger: SyntheticLedger, blocks: list[_Block], transactions: pa.Table
) -> None:
    """A file for each block. The file of an orphaned block is named by its height too, and by its hash beside it."""
    heights = {block.height for block in blocks if block.branch is None}
    for block, first, last in _runs(ledger, blocks):
        twice = block.branch is not None and block.height in heights
        name = f"{block.height}-{block.hash[:8]}" if twice else str(block.height)
        rows = transactions[first:last]
        coinbases = pa.array([None, *rows.column("inputs").to_pylist()[1:]], rows.column("inputs").type)
        rows = rows.set_column(rows.column_names.index("inputs"), "inputs", coinbases)
        for kind, table in (("blocks", _block_rows(ledger, [block])), ("transactions", rows)):
            table = table.set_column(
                table.column_names.index("version"), "version", table.column("version").cast(pa.int32())
            )
            modified = pa.array([(block.time_s + 15) * 1_000_000] * table.num_rows, pa.timestamp("us"))
            _write(table.append_column("last_modified", modified), folder / kind, day, name)


def _runs(ledger: SyntheticLedger, blocks: list[_Block]) -> Iterator[tuple[_Block, int, int]]:
    """Each block with the rows of its transactions in the table of all."""
    first = 0
    for block in blocks:
        number = block.height - ledger.first_height
        last = first + int(ledger.first_transaction[number + 1] - ledger.first_transaction[number])
        yield block, first, last
        first = last


def _write(table: pa.Table, folder: Path, day: date, name: str, *, int96: bool = False) -> None:
    path = folder / f"date={day}" / f"{name}.snappy.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Random hexadecimal digits gain nothing from a dictionary.
    pq.write_table(table, path, compression="snappy", use_dictionary=False, use_deprecated_int96_timestamps=int96)


def _block_rows(ledger: SyntheticLedger, blocks: list[_Block]) -> pa.Table:
    numbers = [block.height - ledger.first_height for block in blocks]
    counts = np.diff(ledger.first_transaction)[numbers]
    size = 80 + 200 * counts
    return pa.table(
        {
            "hash": [block.hash for block in blocks],
            "size": size,
            "stripped_size": size,
            "weight": 4 * size,
            "number": pa.array([block.height for block in blocks], pa.int64()),
            "version": pa.array([0x20000000] * len(blocks), pa.int64()),
            "merkle_root": hashes(IdentifierKind.DATA, np.array(numbers, dtype=np.int64), ledger.plan.seed).to_list(),
            "timestamp": _stamps([block.time_s for block in blocks]),
            "nonce": pa.array(numbers, pa.int64()),
            "bits": ["1d00ffff"] * len(blocks),
            "coinbase_param": [f"03{block.height:06x}" for block in blocks],
            "transaction_count": counts,
            "mediantime": _stamps([median_time_s(ledger, number) for number in numbers]),
            "difficulty": [1.0] * len(blocks),
            "chainwork": [chain_work(block.height) for block in blocks],
            "previousblockhash": pa.array([block.previous_hash for block in blocks], pa.string()),
        }
    )


def _stamps(seconds: list[int] | Integers) -> pa.Array:
    return pa.array(np.asarray(seconds, dtype=np.int64) * 1_000_000, pa.timestamp("us"))


def _transactions(ledger: SyntheticLedger, blocks: list[_Block]) -> pa.Table:
    """Transactions of these blocks, block after block, each block's in their order."""
    numbers = np.array([block.height - ledger.first_height for block in blocks], dtype=np.int64)
    counts = np.diff(ledger.first_transaction)[numbers]
    transactions = _ranges(ledger.first_transaction[numbers], counts)
    inputs = np.diff(ledger.first_input)[transactions]
    outputs = np.diff(ledger.first_output)[transactions]
    index = _ranges(np.zeros(len(numbers), dtype=np.int64), counts)
    value = ledger.value_satoshi
    made = _ranges(ledger.first_output[transactions], outputs)
    output_value = np.add.reduceat(value[made], np.cumsum(outputs) - outputs)
    fee = ledger.fee_satoshi[transactions]
    size = 10 + 68 * inputs + 31 * outputs
    spread = np.repeat(np.arange(len(blocks)), counts)
    return pa.table(
        {
            "hash": pl.Series(_names(ledger, blocks, transactions, counts)).to_arrow().cast(pa.string()),
            "size": size,
            "virtual_size": size,
            "version": np.full(len(transactions), 2, dtype=np.int64),
            "lock_time": np.zeros(len(transactions), dtype=np.int64),
            "block_hash": pl.Series([block.hash for block in blocks])[spread].to_arrow().cast(pa.string()),
            "block_number": numbers[spread] + ledger.first_height,
            "block_timestamp": _stamps(np.array([block.time_s for block in blocks], dtype=np.int64)[spread]),
            "index": index,
            "input_count": inputs,
            "output_count": outputs,
            "input_value": (output_value + fee) / SATOSHI_PER_BITCOIN,
            "output_value": output_value / SATOSHI_PER_BITCOIN,
            "is_coinbase": index == 0,
            "fee": fee / SATOSHI_PER_BITCOIN,
            "inputs": _inputs(ledger, transactions, inputs),
            "outputs": _outputs(ledger, made, outputs),
        }
    )


def _names(ledger: SyntheticLedger, blocks: list[_Block], transactions: Integers, counts: Integers) -> list[str]:
    """Transaction ids; an orphaned block has its own coinbase, and the last one of its branch a conflicting spend."""
    names: list[str] = ids_of(ledger, transactions).to_list()
    ends = np.cumsum(counts)
    for block, first, last in zip(blocks, (ends - counts).tolist(), ends.tolist(), strict=True):
        if block.branch is not None:
            names[first] = orphaned_coinbase_id(ledger, block.height, block.branch)
            if block.height == block.branch.fork_height + block.branch.depth and last - first > 1:
                names[last - 1] = conflicting_id(ledger, int(transactions[last - 1]))
    return names


def _inputs(ledger: SyntheticLedger, transactions: Integers, counts: Integers) -> pa.ListArray:
    spends = ledger.spends[_ranges(ledger.first_input[transactions], counts)]
    created_by = ledger.transaction_of_output[spends]
    script = scripts(ledger.owner[spends], ledger.plan.seed)
    empty = pa.array([""]).take(pa.array(np.zeros(len(spends), dtype=np.int64)))
    return _lists(
        counts,
        {
            "index": _ranges(np.zeros(len(counts), dtype=np.int64), counts),
            "spent_transaction_hash": ids_of(ledger, created_by),
            "spent_output_index": spends - ledger.first_output[created_by],
            "script_asm": empty,
            "script_hex": empty,
            "sequence": np.full(len(spends), _FINAL, dtype=np.int64),
            "required_signatures": np.ones(len(spends), dtype=np.int64),
            "type": script["type"],
            "address": script["address"],
            "value": ledger.value_satoshi[spends] / SATOSHI_PER_BITCOIN,
        },
    )


def _outputs(ledger: SyntheticLedger, made: Integers, counts: Integers) -> pa.ListArray:
    script = scripts(ledger.owner[made], ledger.plan.seed)
    return _lists(
        counts,
        {
            "index": _ranges(np.zeros(len(counts), dtype=np.int64), counts),
            "script_asm": script["asm"],
            "script_hex": script["hex"],
            "required_signatures": np.ones(len(made), dtype=np.int64),
            "type": script["type"],
            "address": script["address"],
            "value": ledger.value_satoshi[made] / SATOSHI_PER_BITCOIN,
        },
    )


def _lists(counts: Integers, fields: dict[str, pl.Series | pa.Array | np.ndarray]) -> pa.ListArray:
    """Lists of structs, so many structs in each list."""
    arrays = [
        values.to_arrow().cast(pa.string()) if isinstance(values, pl.Series) else pa.array(values)
        for values in fields.values()
    ]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(arrays, names=list(fields)))


def _ranges(starts: Integers, counts: Integers) -> Integers:
    """The numbers `starts[i]`, … `starts[i]` + `counts[i]` - 1 for each i, one run after the other."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
