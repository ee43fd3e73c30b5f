"""What one block adds to the cells: coins created, and coins spent by the height of the block that created them.

Reads blocks as Bitcoin Core gives them with `getblock` at verbosity 3, where each input carries the value and height of
the coin it spends, amounts in bitcoin. Money is checked: a block that pays out more than it takes in is no block.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chain.cells import LOST_COINBASE_HEIGHTS, is_unspendable, satoshi_of
from chain.errors import BlockError

BLOCKS_PER_HALVING = 210_000
FIRST_SUBSIDY_SATOSHI = 50 * 100_000_000


@dataclass(frozen=True)
class Amount:
    """Satoshi, and in how many coins."""

    satoshi: int = 0
    coins: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(self.satoshi + other.satoshi, self.coins + other.coins)


@dataclass(frozen=True)
class Contribution:
    """What a block adds.

    `spent` is by height of the creating block; `own` is the part of it that transactions spent which pay to nobody but
    the scripts they spent from. `paid_satoshi` is what the transactions after the coinbase pay out, `coinbase_satoshi`
    what the coinbase pays out, both with outputs that nobody can spend. `times_s` are time stamps of other blocks that
    came along, by height.
    """

    height: int
    hash: str
    previous_hash: str  # empty for the genesis block
    time_s: int
    created: Amount
    spent: Mapping[int, Amount]
    own: Mapping[int, Amount]
    paid_satoshi: int
    coinbase_satoshi: int
    times_s: Mapping[int, int] = field(default_factory=dict)

    @property
    def spent_satoshi(self) -> int:
        """The sum of all inputs."""
        return sum(amount.satoshi for amount in self.spent.values())

    @property
    def fees_satoshi(self) -> int:
        """What the transactions take in and do not pay out."""
        return self.spent_satoshi - self.paid_satoshi


def subsidy_satoshi(height: int) -> int:
    """New money that a block of the main network may create at most (Bitcoin Core's `GetBlockSubsidy`)."""
    halvings = height // BLOCKS_PER_HALVING
    return FIRST_SUBSIDY_SATOSHI >> halvings if halvings < 64 else 0


def contribution(block: Mapping[str, Any], *, lost_coinbases: Collection[int] = LOST_COINBASE_HEIGHTS) -> Contribution:
    """What a block of Bitcoin Core's `getblock` with verbosity 3 adds.

    `lost_coinbases` are the heights whose coinbase never was or did not stay in the set of unspent outputs. Raises
    BlockError when the answer is no such block, or its money does not add up.
    """
    try:
        return _contribution(block, lost_coinbases)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        name = block.get("hash", "without a hash") if isinstance(block, Mapping) else "without a hash"
        raise BlockError(
            f"Block {name} is not as `getblock` with verbosity 3 gives it ({type(error).__name__}: {error}). The node "
            "must be Bitcoin Core 25 or newer and must hold the undo data of this block: not pruned away."
        ) from error


def _contribution(block: Mapping[str, Any], lost_coinbases: Collection[int]) -> Contribution:
    height, transactions = block["height"], block["tx"]
    coinbase, *others = transactions
    if "coinbase" not in coinbase["vin"][0]:
        raise BlockError(f"Block {block['hash']} does not begin with a coinbase.")
    made = _Sums()
    coinbase_satoshi, spendable = _paid(coinbase["vout"])
    if height not in lost_coinbases:
        made.add(spendable)
    spent: dict[int, _Sums] = {}
    own: dict[int, _Sums] = {}
    paid_satoshi = 0
    for transaction in others:
        inputs = [(sent["prevout"]["height"], satoshi_of(sent["prevout"]["value"])) for sent in transaction["vin"]]
        for created_height, satoshi in inputs:
            spent.setdefault(created_height, _Sums()).add([satoshi])
        all_satoshi, spendable = _paid(transaction["vout"])
        paid_satoshi += all_satoshi
        made.add(spendable)
        if _pays_itself(transaction):
            for created_height, satoshi in inputs:
                own.setdefault(created_height, _Sums()).add([satoshi])
    result = Contribution(
        height=height,
        hash=block["hash"],
        previous_hash=block.get("previousblockhash", ""),
        time_s=block["time"],
        created=made.amount(),
        spent={created_height: sums.amount() for created_height, sums in spent.items()},
        own={created_height: sums.amount() for created_height, sums in own.items()},
        paid_satoshi=paid_satoshi,
        coinbase_satoshi=coinbase_satoshi,
    )
    _require_sound(result)
    return result


class _Sums:
    """An amount that grows."""

    __slots__ = ("coins", "satoshi")

    def __init__(self) -> None:
        self.satoshi = 0
        self.coins = 0

    def add(self, amounts: Sequence[int]) -> None:
        self.satoshi += sum(amounts)
        self.coins += len(amounts)

    def amount(self) -> Amount:
        return Amount(self.satoshi, self.coins)


def _paid(outputs: Sequence[Mapping[str, Any]]) -> tuple[int, list[int]]:
    """What outputs pay out in all, and the amounts of those that can be spent."""
    total, spendable = 0, []
    for output in outputs:
        satoshi = satoshi_of(output["value"])
        total += satoshi
        if not is_unspendable(output["scriptPubKey"]["hex"]):
            spendable.append(satoshi)
    return total, spendable


def _pays_itself(transaction: Mapping[str, Any]) -> bool:
    """Whether a transaction pays only to scripts that it spends from, outputs that nobody can spend aside."""
    scripts = {sent["prevout"]["scriptPubKey"]["hex"] for sent in transaction["vin"]}
    for output in transaction["vout"]:
        script = output["scriptPubKey"]["hex"]
        if script not in scripts and not is_unspendable(script):
            return False
    return True


def _require_sound(block: Contribution) -> None:
    if block.fees_satoshi < 0:
        raise BlockError(f"Block {block.hash} pays out {-block.fees_satoshi} satoshi more than it takes in.")
    if block.coinbase_satoshi > subsidy_satoshi(block.height) + block.fees_satoshi:
        raise BlockError(f"The coinbase of block {block.hash} takes more than subsidy and fees.")
    if any(height > block.height for height in block.spent):
        raise BlockError(f"Block {block.hash} spends a coin of a later block.")
