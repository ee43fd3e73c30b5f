"""What happened on a synthetic chain: who spent which coin in which block, as plain arrays.

Blocks are made one after the other, the transactions of a block at once. Every coin is spent by a chosen input, so
when it was created and when it was spent is known from the making; nothing is ever looked up by a hash. Hashes and
scripts are added when a ledger is written (`sandbox.chain.identifiers`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

SATOSHI_PER_BITCOIN = 100_000_000
HALVING_BLOCKS = 210_000
MATURITY_BLOCKS = 100  # a coinbase is spendable a hundred blocks later
DUST_SATOSHI = 546

# Heights of the real chain at which a coinbase repeats the transaction id of an earlier, unspent one.
REPEATED_COINBASES = {91_842: 91_812, 91_880: 91_722}

# Owners that are none: scripts that nobody can spend.
DATA = -1  # OP_RETURN
OVERSIZED = -2  # a script of more than 10 000 bytes

_INPUTS_SHARE = np.array([0.62, 0.21, 0.07, 0.04, 0.02, 0.015, 0.01, 0.008, 0.007])  # 1, 2, … inputs
_OUTPUTS_SHARE = np.array([0.13, 0.75, 0.06, 0.03, 0.015, 0.01, 0.005])  # 1, 2, … outputs
_BATCH_SHARE, _BATCH_OUTPUTS = 0.01, (20, 200)  # payouts of exchanges
_SWEEP_SHARE, _SWEEP_INPUTS = 0.003, (20, 120)  # many small coins made one
_DATA_SHARE = 0.04  # of transactions carry an OP_RETURN output; a few of these burn coins
_DUST_SHARE = 0.01  # of outputs
_LOST_SHARE, _LOST_COINBASES_SHARE = 0.03, 0.25
_SELF_SPEND_SHARE = 0.06  # of transactions pay only their sender
_CHILD_SHARE = 0.02  # of outputs are spent in their own block
_OLD_SHARE = 0.15  # of inputs take a coin of any age; the others' ages are even on a scale of logarithms
_SHORT_CLAIM_SHARE = 0.01  # of blocks claim less than they may
_FAN_OUT = (15, 60)  # outputs of a transaction while there are too few coins


@dataclass(frozen=True)
class Plan:
    """How large a chain to make.

    `transactions_per_block` is reached once there are coins enough, some dozens of blocks after the first coinbase is
    spendable. A chain that covers the heights 91 722 to 91 880 has the two pairs of coinbases with one transaction id,
    one that begins at height 0 has the unspendable first coinbase. `reorganisations` are (height of the last common
    block, orphaned blocks); None spreads four over the chain.
    """

    blocks: int
    transactions_per_block: int = 20
    blocks_per_day: int = 144
    first_height: int = 0
    first_time: datetime = datetime(2009, 1, 3, 18, 15, 5, tzinfo=UTC)
    reorganisations: tuple[tuple[int, int], ...] | None = None
    seed: int = 20090103


@dataclass(frozen=True)
class Branch:
    """Orphaned blocks beside the main chain, at heights `fork_height` + 1 to `fork_height` + `depth`."""

    number: int
    fork_height: int
    depth: int


@dataclass(frozen=True)
class SyntheticLedger:
    """The main chain as arrays, and the branches that were given up.

    Blocks are numbered from 0 (`first_height` is the height of block 0), transactions in the order of blocks with the
    coinbase first, outputs in the order of transactions, inputs likewise. `first_transaction[b]` to
    `first_transaction[b + 1]` are the transactions of block b; `first_output` and `first_input` of a transaction alike.
    """

    plan: Plan
    branches: tuple[Branch, ...]
    block_time_s: Integers  # seconds since 1970; may go backwards
    first_transaction: Integers
    first_output: Integers
    first_input: Integers
    spends: Integers  # by input: the output that it spends
    value_satoshi: Integers  # by output
    owner: Integers  # by output: a number from 0, or DATA, or OVERSIZED

    @property
    def first_height(self) -> int:
        """Height of block 0."""
        return self.plan.first_height

    @property
    def blocks(self) -> int:
        """Blocks of the main chain."""
        return len(self.block_time_s)

    @property
    def tip_height(self) -> int:
        """Height of the newest block of the main chain."""
        return self.first_height + self.blocks - 1

    @cached_property
    def block_of_transaction(self) -> Integers:
        """By transaction: its block."""
        return np.repeat(np.arange(self.blocks), np.diff(self.first_transaction))

    @cached_property
    def transaction_of_output(self) -> Integers:
        """By output: the transaction that created it."""
        return np.repeat(np.arange(len(self.first_output) - 1), np.diff(self.first_output))

    @cached_property
    def transaction_of_input(self) -> Integers:
        """By input: its transaction."""
        return np.repeat(np.arange(len(self.first_input) - 1), np.diff(self.first_input))

    @cached_property
    def fee_satoshi(self) -> Integers:
        """By transaction: inputs less outputs; 0 for a coinbase."""
        created = _sum_by(self.value_satoshi, self.first_output)
        fee = _sum_by(self.value_satoshi[self.spends], self.first_input) - created
        fee[self.first_transaction[:-1]] = 0
        return fee

    def height_of(self, block: int) -> int:
        """The height of a block of the main chain."""
        return self.first_height + block


def subsidy_satoshi(height: int) -> int:
    """What a block at this height may claim besides its fees."""
    halvings = height // HALVING_BLOCKS
    return 50 * SATOSHI_PER_BITCOIN >> halvings if halvings < 64 else 0


def mine(plan: Plan) -> SyntheticLedger:
    """The chain of this plan; the same plan gives the same chain."""
    if plan.blocks < 1 or plan.transactions_per_block < 1 or plan.blocks_per_day < 1:
        raise ValueError(f"{plan}: there is no chain without blocks and transactions")
    rng = np.random.default_rng(plan.seed)
    miner = _Miner(plan, rng)
    for block in range(plan.blocks):
        miner.make(block)
    return SyntheticLedger(
        plan,
        _branches(plan),
        _block_times(plan, rng),
        miner.first_transaction.values,
        miner.first_output.values,
        miner.first_input.values,
        miner.spends.values,
        miner.value.values,
        miner.owner.values,
    )


def _branches(plan: Plan) -> tuple[Branch, ...]:
    if plan.reorganisations is None:
        # One, two, three and again one block deep, at a fifth, two fifths … of the chain.
        wanted = [(plan.first_height + plan.blocks * (i + 1) // 5, depth) for i, depth in enumerate((1, 2, 3, 1))]
        chosen = [(fork, depth) for fork, depth in wanted if fork + depth < plan.first_height + plan.blocks]
    else:
        chosen = list(plan.reorganisations)
    for fork, depth in chosen:
        if not (plan.first_height <= fork and depth >= 1 and fork + depth < plan.first_height + plan.blocks):
            raise ValueError(f"a branch of {depth} blocks above height {fork} has no main chain to lose against")
    return tuple(Branch(number, fork, depth) for number, (fork, depth) in enumerate(chosen))


def _block_times(plan: Plan, rng: np.random.Generator) -> Integers:
    """Time stamps: intervals are exponential, and each miner's clock is off by up to half an interval or so."""
    interval_s = 86_400 / plan.blocks_per_day
    found = np.cumsum(rng.exponential(interval_s, plan.blocks))
    off = rng.normal(0, 0.4 * interval_s, plan.blocks).clip(-3_600, 3_600)
    times: Integers = int(plan.first_time.timestamp()) + (found - found[0] + off - off[0]).astype(np.int64)
    return times


class _Column(Generic[Scalar]):
    """An array that grows at its end."""

    def __init__(self, dtype: type[Scalar]) -> None:
        self._kept = np.zeros(1 << 12, dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, more: npt.NDArray[Scalar]) -> None:
        length = self._length + len(more)
        if length > len(self._kept):
            self._kept = np.concatenate([self._kept, np.zeros(max(length, len(self._kept)), self._kept.dtype)])
        self._kept[self._length : length] = more
        self._length = length

    @property
    def values(self) -> npt.NDArray[Scalar]:
        return self._kept[: self._length]


@dataclass
class _Batch:
    """Transactions of a block, coinbase aside: numbers of inputs and outputs, and the coins on both sides."""

    inputs: Integers
    outputs: Integers
    spends: Integers
    value: Integers
    owner: Integers
    fees: int = 0
    lost: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))


class _Miner:
    """Makes block after block; holds which coins can be spent."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self._plan = plan
        self._rng = rng
        self.first_transaction = _Column(np.int64)
        self.first_output = _Column(np.int64)
        self.first_input = _Column(np.int64)
        self.spends = _Column(np.int64)
        self.value = _Column(np.int64)
        self.owner = _Column(np.int64)
        self._spendable = _Column(np.bool_)
        self._coins = 0  # that can be spent now
        self._owners = 1
        self._coinbase_outputs: list[int] = []
        self._pending: tuple[int, _Batch] | None = None  # made, not yet written: number of its first output
        self._lost_heights = {0, *REPEATED_COINBASES.values()}
        for column in (self.first_transaction, self.first_output, self.first_input):
            column.append(np.zeros(1, np.int64))

    def make(self, block: int) -> None:
        height = self._plan.first_height + block
        if block >= MATURITY_BLOCKS:
            self._ripen(block - MATURITY_BLOCKS)
        repeats = height in REPEATED_COINBASES or height in REPEATED_COINBASES.values()
        witness = 1 if not repeats and height % 2 else 0  # every other coinbase commits to its witnesses
        first_new = len(self.value) + 1 + witness
        parents = self._batch(self._choose())
        children = self._batch(self._within(parents, first_new), may_fan_out=False)
        if block == self._plan.blocks // 2 and len(parents.outputs):
            last = len(parents.owner) - 1
            if last not in set((children.spends - first_new).tolist()):
                parents.owner[last] = OVERSIZED
        claim = subsidy_satoshi(height) + (0 if repeats else parents.fees + children.fees)
        if not repeats and self._rng.random() < _SHORT_CLAIM_SHARE:
            claim -= min(claim, int(self._rng.integers(1, 1_000)))
        self._coinbase_outputs.append(len(self.value))
        self._write(claim, witness, parents, children)

    def _ripen(self, block: int) -> None:
        """The coinbase of a block becomes spendable, unless its keys are lost or a later coinbase will replace it."""
        keys_lost = self._rng.random() < _LOST_COINBASES_SHARE
        if not keys_lost and self._plan.first_height + block not in self._lost_heights:
            self._spendable.values[self._coinbase_outputs[block]] = True
            self._coins += 1

    def _choose(self) -> Integers:
        """Coins to spend in this block, in random order: mostly young ones, never more than half of all."""
        coins = len(self.value)
        wanted = min(int(self._plan.transactions_per_block * 1.9), (self._coins + 1) // 2)
        if not wanted:
            return np.zeros(0, np.int64)
        chosen = np.zeros(0, np.int64)
        for _ in range(8):
            draws = max(3 * wanted, 64)
            age = np.floor(coins ** self._rng.random(draws)).astype(np.int64)
            anywhere = self._rng.random(draws) < _OLD_SHARE
            age[anywhere] = self._rng.integers(1, coins + 1, int(anywhere.sum()))
            found = coins - age
            chosen = np.unique(np.concatenate([chosen, found[self._spendable.values[found]]]))
            if len(chosen) >= wanted:
                break
        if not len(chosen):  # so few coins among so many outputs that none was met by chance
            chosen = np.flatnonzero(self._spendable.values)
        self._rng.shuffle(chosen)
        chosen = chosen[:wanted]
        self._spendable.values[chosen] = False
        self._coins -= len(chosen)
        return chosen

    def _within(self, parents: _Batch, first_new: int) -> Integers:
        """Outputs of this very block that its later transactions spend."""
        able = np.flatnonzero((parents.owner >= 0) & ~parents.lost & (parents.value > DUST_SATOSHI))
        taken = able[self._rng.random(len(able)) < _CHILD_SHARE]
        parents.lost[taken] = True  # for everybody else
        # The children are made before their parents are written: their coins are read from here.
        self._pending = (first_new, parents)
        return taken + first_new

    def _value_of(self, outputs: Integers) -> Integers:
        return self._read(outputs, self.value.values, lambda parents: parents.value)

    def _owner_of(self, outputs: Integers) -> Integers:
        return self._read(outputs, self.owner.values, lambda parents: parents.owner)

    def _read(self, outputs: Integers, written: Integers, pending: Callable[[_Batch], Integers]) -> Integers:
        if self._pending and len(outputs) and outputs[0] >= len(written):
            first_new, parents = self._pending
            return pending(parents)[outputs - first_new]
        return written[outputs]

    def _batch(self, spends: Integers, *, may_fan_out: bool = True) -> _Batch:
        """Transactions that spend just these coins."""
        rng = self._rng
        inputs = self._cut(len(spends))
        transactions = len(inputs)
        if not transactions:
            none = np.zeros(0, np.int64)
            return _Batch(none, none, none, none, none)
        first_input = np.concatenate([[0], np.cumsum(inputs)])
        available = _sum_by(self._value_of(spends), first_input)
        outputs = 1 + rng.choice(len(_OUTPUTS_SHARE), transactions, p=_OUTPUTS_SHARE)
        batches = rng.random(transactions) < _BATCH_SHARE
        outputs[batches] = rng.integers(*_BATCH_OUTPUTS, int(batches.sum()))
        if may_fan_out and self._coins < 4 * self._plan.transactions_per_block:
            outputs = rng.integers(*_FAN_OUT, transactions)
        outputs = np.where(available < outputs * 2 * DUST_SATOSHI, 1, outputs)

        virtual_bytes = 10 + 68 * inputs + 31 * outputs
        fee = np.minimum((virtual_bytes * rng.lognormal(2.0, 1.0, transactions)).astype(np.int64), available // 10)
        carries_data = rng.random(transactions) < _DATA_SHARE
        first_output = np.concatenate([[0], np.cumsum(outputs + carries_data)])
        value, data = self._split(available - fee, outputs, carries_data, first_output)
        owner = self._pay(spends, first_input, first_output)
        owner[data] = DATA
        lost = rng.random(len(value)) < _LOST_SHARE
        return _Batch(inputs, outputs + carries_data, spends, value, owner, int(fee.sum()), lost)

    def _cut(self, coins: int) -> Integers:
        """Numbers of inputs of transactions that take so many coins in all."""
        if not coins:
            return np.zeros(0, np.int64)
        sizes = 1 + self._rng.choice(len(_INPUTS_SHARE), coins, p=_INPUTS_SHARE)
        sweeps = self._rng.random(coins) < _SWEEP_SHARE
        sizes[sweeps] = self._rng.integers(*_SWEEP_INPUTS, int(sweeps.sum()))
        ends = np.minimum(np.cumsum(sizes), coins)
        ends = ends[: int(np.searchsorted(ends, coins)) + 1]
        return np.diff(ends, prepend=0)

    def _split(
        self, total: Integers, outputs: Integers, carries_data: Flags, first_output: Integers
    ) -> tuple[Integers, Integers]:
        """Values of all outputs, and the positions of those that only carry data. Sums are exact."""
        rng = self._rng
        slots = outputs + carries_data
        transaction = np.repeat(np.arange(len(outputs)), slots)
        data = (first_output[1:] - 1)[carries_data]
        weight = rng.lognormal(0, 1.5, len(transaction))
        weight[data] = 0
        share = weight / np.add.reduceat(weight, first_output[:-1])[transaction]
        value = np.floor(total[transaction] * share * (1 - 1e-9)).astype(np.int64)  # never more than there is
        dust = (rng.random(len(value)) < _DUST_SHARE) & (value > DUST_SATOSHI)
        value[dust] = rng.integers(294, DUST_SATOSHI + 1, int(dust.sum()))
        value[data] = 0
        # What rounding and dust left over is change: it goes to the first output, which is never data.
        value[first_output[:-1]] += total - _sum_by(value, first_output)
        burns = data[rng.random(len(data)) < 0.02]
        payer = first_output[:-1][transaction[burns]]
        burnt = np.minimum(1_000, value[payer])
        value[payer] -= burnt
        value[burns] += burnt
        return value, data

    def _pay(self, spends: Integers, first_input: Integers, first_output: Integers) -> Integers:
        """Owners of the outputs: a third are new, the first output of a payment is often the sender's change."""
        rng = self._rng
        outputs = int(first_output[-1])
        owner = rng.integers(0, self._owners, outputs)
        new = rng.random(outputs) < 0.35
        owner[new] = self._owners + np.arange(int(new.sum()))
        self._owners += int(new.sum())
        transactions = len(first_output) - 1
        transaction = np.repeat(np.arange(transactions), np.diff(first_output))
        sender = self._owner_of(spends[first_input[:-1]])
        if not len(spends):
            return owner
        first = first_output[:-1]
        keeps = rng.random(transactions) < 0.3
        owner[first[keeps]] = sender[keeps]
        to_itself = (rng.random(transactions) < _SELF_SPEND_SHARE)[transaction]
        owner[to_itself] = sender[transaction[to_itself]]
        return owner

    def _write(self, claim: int, witness: int, parents: _Batch, children: _Batch) -> None:
        coinbase_value = [claim, *[0] * witness]
        # Two coinbases with one id are one transaction: the same amount to the same owner.
        coinbase_owner = [0 if claim == 50 * SATOSHI_PER_BITCOIN else self._owners, *[DATA] * witness]
        self._owners += 1
        outputs = np.concatenate([[1 + witness], parents.outputs, children.outputs])
        inputs = np.concatenate([[0], parents.inputs, children.inputs])
        self.first_output.append(len(self.value) + np.cumsum(outputs))
        self.first_input.append(len(self.spends) + np.cumsum(inputs))
        self.first_transaction.append(np.array([len(self.first_output) - 1]))
        self.spends.append(np.concatenate([parents.spends, children.spends]))
        self.value.append(np.concatenate([coinbase_value, parents.value, children.value]))
        owner = np.concatenate([coinbase_owner, parents.owner, children.owner])
        self.owner.append(owner)
        spendable = (owner >= 0) & ~np.concatenate([np.ones(1 + witness, np.bool_), parents.lost, children.lost])
        self._spendable.append(spendable)
        self._coins += int(spendable.sum())


def _sum_by(values: Integers, first: Integers) -> Integers:
    """Sums of runs of values, `first[i]` to `first[i + 1]`; an empty run is 0. Exact, also where the total wraps."""
    running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])
    sums: Integers = running[first[1:]] - running[first[:-1]]
    return sums
