"""A small chain made block by block, with every coin written down, so that sums can be counted one by one."""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chain.blocks import subsidy_satoshi
from chain.cells import day_of

NOON_S = 1_654_732_800 + 43_200  # 2022-06-09 12:00 UTC


@dataclass
class Coin:
    """An output that can be spent, and what became of it."""

    txid: str
    place: int
    satoshi: int
    script: str
    height: int
    created_day: date
    is_coinbase: bool
    spent_day: date | None = None


@dataclass
class MinedChain:
    """Blocks and coins. A copy that goes on differently is a reorganisation."""

    seed: int
    blocks: list[dict[str, Any]] = field(default_factory=list)
    coins: list[Coin] = field(default_factory=list)
    first_height: int = 0

    def mine(self, time_s: int, *, transactions: int = 0, salt: str = "") -> None:
        """One more block: a coinbase, and transactions that spend one to three coins each, some of this block."""
        height = self.first_height + len(self.blocks)
        chance = random.Random(f"{self.seed} {height} {time_s} {salt}")
        day = day_of(time_s)
        fees, listed = 0, []
        for number in range(transactions):
            ripe = [coin for coin in self.coins if coin.spent_day is None]
            if not ripe:
                break
            taken = chance.sample(ripe, min(len(ripe), chance.randint(1, 3)))
            total = sum(coin.satoshi for coin in taken)
            fee = min(total, chance.randint(0, 5_000))
            fees += fee
            txid = _hash(f"{self.seed} {height} {number} {salt}")
            script = taken[0].script if chance.random() < 0.2 else f"0014{chance.getrandbits(160):040x}"
            first = chance.randint(0, total - fee)
            outputs = [(first, script), (total - fee - first, taken[-1].script), (0, "6a0401020304")]
            for coin in taken:
                coin.spent_day = day
            listed.append(_transaction(txid, taken, outputs))
            self._create(txid, outputs, height, day, is_coinbase=False)
        reward = [(subsidy_satoshi(height) + fees, f"0014{height:040x}"), (0, "6a24aa21a9ed")]
        txid = _hash(f"coinbase {self.seed} {height} {salt}")
        if height != 0:
            self._create(txid, reward, height, day, is_coinbase=True)
        coinbase = {"txid": txid, "vin": [{"coinbase": "03", "sequence": 1}], "vout": _outputs(reward)}
        block = {"hash": _hash(f"block {txid} {time_s}"), "height": height, "time": time_s, "tx": [coinbase, *listed]}
        if self.blocks:
            block["previousblockhash"] = self.blocks[-1]["hash"]
        self.blocks.append(block)

    def _create(
        self, txid: str, outputs: Iterable[tuple[int, str]], height: int, day: date, *, is_coinbase: bool
    ) -> None:
        self.coins += [
            Coin(txid, place, satoshi, script, height, day, is_coinbase)
            for place, (satoshi, script) in enumerate(outputs)
            if not script.startswith("6a")
        ]

    def spent(self) -> list[tuple[date, date, int, int]]:
        """The `spent` table, counted coin by coin."""
        cells: dict[tuple[date, date], list[int]] = {}
        for coin in self.coins:
            if coin.spent_day is not None:
                cells.setdefault((coin.created_day, coin.spent_day), []).append(coin.satoshi)
        return sorted((*key, sum(amounts), len(amounts)) for key, amounts in cells.items())

    def created(self) -> list[tuple[date, int, int]]:
        """The `created` table, counted coin by coin."""
        cells: dict[date, list[int]] = {day_of(block["time"]): [] for block in self.blocks}
        for coin in self.coins:
            cells[coin.created_day].append(coin.satoshi)
        return sorted((day, sum(amounts), len(amounts)) for day, amounts in cells.items())


def mined(seed: int, blocks: int, *, first_s: int = NOON_S, every_s: int = 7_200, transactions: int = 4) -> MinedChain:
    """A chain of a given length whose time stamps sometimes go backwards."""
    chain = MinedChain(seed)
    extend(chain, blocks, first_s=first_s, every_s=every_s, transactions=transactions)
    return chain


def extend(
    chain: MinedChain,
    blocks: int,
    *,
    first_s: int = NOON_S,
    every_s: int = 7_200,
    transactions: int = 4,
    salt: str = "",
) -> None:
    """Mine more blocks onto a chain."""
    for _ in range(blocks):
        height = len(chain.blocks)
        backwards = 5_400 if height % 7 == 5 else 0  # more than a block's interval would allow within it
        chain.mine(first_s + height * every_s - 2 * backwards, transactions=transactions, salt=salt)


def _transaction(txid: str, taken: list[Coin], outputs: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "txid": txid,
        "vin": [
            {
                "txid": coin.txid,
                "vout": coin.place,
                "sequence": 1,
                "prevout": {
                    "generated": coin.is_coinbase,
                    "height": coin.height,
                    "value": coin.satoshi / 1e8,
                    "scriptPubKey": {"hex": coin.script},
                },
            }
            for coin in taken
        ],
        "vout": _outputs(outputs),
    }


def _outputs(outputs: list[tuple[int, str]]) -> list[dict[str, Any]]:
    return [
        {"n": place, "value": satoshi / 1e8, "scriptPubKey": {"hex": script}}
        for place, (satoshi, script) in enumerate(outputs)
    ]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
