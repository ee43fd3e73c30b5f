"""A block with the coins it spends, as flat frames: what Bitcoin Core and Esplora give in different layouts.

Amounts are whole satoshi. Reading is typed and exact: decimals are never doubles on the way.
"""

import io
from dataclasses import dataclass
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as arrow_json

from sources.core.errors import Failure, SourceError

# One row an input of a transaction after the coinbase: number of the transaction in the block, height of the block that
# created the coin, its amount and the script that it paid to.
INPUTS: dict[str, type[pl.DataType]] = {
    "transaction": pl.Int64,
    "created_height": pl.Int64,
    "satoshi": pl.Int64,
    "script": pl.String,
}
# One row an output; the coinbase is transaction 0.
OUTPUTS: dict[str, type[pl.DataType]] = {"transaction": pl.Int64, "satoshi": pl.Int64, "script": pl.String}

_AMOUNT = pa.decimal128(18, 8)  # bitcoin with eight decimals; 21 million have eight digits before them
_SATOSHI = pa.scalar(Decimal(100_000_000), pa.decimal128(9, 0))
_SCRIPT = pa.struct([("hex", pa.string())])
_PREVOUT = pa.struct([("height", pa.int64()), ("value", _AMOUNT), ("scriptPubKey", _SCRIPT)])
_INPUT = pa.struct([("coinbase", pa.string()), ("prevout", _PREVOUT)])
_OUTPUT = pa.struct([("value", _AMOUNT), ("scriptPubKey", _SCRIPT)])
_BLOCK = pa.struct(
    [
        ("hash", pa.string()),
        ("height", pa.int64()),
        ("time", pa.int64()),
        ("previousblockhash", pa.string()),
        ("tx", pa.list_(pa.struct([("vin", pa.list_(_INPUT)), ("vout", pa.list_(_OUTPUT))]))),
    ]
)
_PARSE = arrow_json.ParseOptions(
    explicit_schema=pa.schema([("result", _BLOCK)]), unexpected_field_behavior="ignore", newlines_in_values=True
)


@dataclass(frozen=True)
class Block:
    """One block: its place in the chain, its own time stamp in seconds, and the columns of `INPUTS` and `OUTPUTS`.

    `times_s` are time stamps of other blocks that came along, by height. The genesis block has an empty
    `previous_hash`.
    """

    height: int
    hash: str
    previous_hash: str
    time_s: int
    inputs: pl.DataFrame
    outputs: pl.DataFrame
    times_s: dict[int, int]


def read_core_block(body: bytes) -> Block:
    """The block in a JSON-RPC answer to `getblock` with verbosity 3.

    Only the fields that are needed are built, by Arrow's reader: a third of the time of decoding all of it, outside
    Python's lock. Raises SourceError CHANGED_LAYOUT when it is no such answer.
    """
    try:
        options = arrow_json.ReadOptions(use_threads=False, block_size=len(body) + 1)
        table = arrow_json.read_json(io.BytesIO(body), read_options=options, parse_options=_PARSE)
        return _block(table.column("result").chunk(0))
    except (pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            Failure.CHANGED_LAYOUT,
            f"The answer is no block as `getblock` with verbosity 3 gives it ({str(error).splitlines()[0][:200]}). The "
            "node must be Bitcoin Core 25 or newer and must hold the block's undo data: not pruned away.",
            "bitcoin_core",
        ) from error


def _block(block: pa.StructArray) -> Block:
    facts = {name: block.field(name)[0].as_py() for name in ("hash", "height", "time", "previousblockhash")}
    if None in (facts["hash"], facts["height"], facts["time"]):
        raise ValueError("hash, height or time is missing")
    transactions = block.field("tx").flatten()
    vin, vout = transactions.field("vin"), transactions.field("vout")
    sent, paid = vin.flatten(), vout.flatten()
    previous = sent.field("prevout")
    is_coinbase = pc.is_valid(sent.field("coinbase"))
    inputs = pl.DataFrame(
        {
            "transaction": pl.from_arrow(pc.list_parent_indices(vin)),
            "created_height": pl.from_arrow(previous.field("height")),
            "satoshi": pl.from_arrow(_satoshi(previous.field("value"))),
            "script": pl.from_arrow(previous.field("scriptPubKey").field("hex")),
            "is_coinbase": pl.from_arrow(is_coinbase),
        }
    )
    outputs = pl.DataFrame(
        {
            "transaction": pl.from_arrow(pc.list_parent_indices(vout)),
            "satoshi": pl.from_arrow(_satoshi(paid.field("value"))),
            "script": pl.from_arrow(paid.field("scriptPubKey").field("hex")),
        }
    )
    if inputs.filter("is_coinbase")["transaction"].to_list() != [0]:
        raise ValueError("the first transaction, and no other, must be a coinbase")
    inputs = inputs.filter(~pl.col("is_coinbase")).select(pl.col(name).cast(kind) for name, kind in INPUTS.items())
    outputs = outputs.select(pl.col(name).cast(kind) for name, kind in OUTPUTS.items())
    for name, frame in (("an input", inputs), ("an output", outputs)):
        for column in frame:
            if column.null_count():
                raise ValueError(f"{name} has no {column.name}")
    return Block(
        height=facts["height"],
        hash=facts["hash"],
        previous_hash=facts["previousblockhash"] or "",
        time_s=facts["time"],
        inputs=inputs,
        outputs=outputs,
        times_s={},
    )


def _satoshi(bitcoin: pa.Array) -> pa.Array:
    """Exact: raises ArrowInvalid for a part of a satoshi."""
    return pc.multiply(bitcoin, _SATOSHI).cast(pa.int64())
