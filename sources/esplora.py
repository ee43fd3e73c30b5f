"""Esplora: blocks and the coins they spend, over the REST interface of a public block explorer.

Published by Blockstream at blockstream.info (MIT-licensed code; no terms are stated for the facts it serves), and the
same routes on mempool.space. For those who have no node: transactions come 25 a page, and an input carries the value
and script of the coin it spends but not when that was created, so each distinct spending transaction is asked once more
for its place in the chain. A full block of 3 000 transactions is 120 pages and some thousands of look-ups; at the pace
that is kept here (one request a second) a day of blocks takes longer than a day. It is the way for a few blocks, or for
a server of one's own; for history use the public Parquet copy.

Oddities: plain text for heights and hashes; 404 with a text body for what is not there; `prevout` is null for the
coinbase; amounts are whole satoshi.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import polars as pl

from sources.core.blocks import INPUTS, OUTPUTS, Block
from sources.core.dataset import Provider
from sources.core.errors import Failure, SourceError
from sources.core.http import Session
from sources.core.payload import Payload

BASE = "https://blockstream.info/api"
TRANSACTIONS_A_PAGE = 25
TEXT = ("text/plain",)
# A transaction's place never changes once it is buried; those of a busy week fit.
REMEMBERED_TRANSACTIONS = 500_000

PROVIDER = Provider(
    name="esplora",
    title="Blockstream Esplora",
    home="https://blockstream.info",
    hosts=("blockstream.info",),
    requests_per_minute=60,  # limits are unpublished; an address that asks faster is throttled
    licence="facts of a public chain; the server's code is MIT",
    may_republish=True,
)


class Esplora:
    """One Esplora server, asked through a session of its provider; not for use by several threads at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._places: dict[str, tuple[int, int]] = {}  # transaction -> height and time stamp of its block

    def tip_height(self) -> int:
        """Height of the newest block."""
        return _number(self._session.get(f"{BASE}/blocks/tip/height", accept=TEXT))

    def hash_at(self, height: int) -> str:
        """Hash of the block at a height. Raises SourceError MOVED beyond the tip."""
        return self._session.get(f"{BASE}/block-height/{height}", accept=TEXT).body.decode("ascii", "replace").strip()

    def block(self, block_hash: str) -> Block:
        """A block with the coins it spends, after as many requests as it has pages and transactions spent from."""
        header = _object(self._session.get(f"{BASE}/block/{block_hash}"))
        try:
            return self._block(header, block_hash)
        except (KeyError, TypeError, ValueError) as error:
            what = f"Block {block_hash} is not as Esplora gives it ({type(error).__name__}: {error})."
            raise SourceError(Failure.CHANGED_LAYOUT, what, "esplora") from error

    def _block(self, header: Mapping[str, Any], block_hash: str) -> Block:
        height, time_s, count = int(header["height"]), int(header["timestamp"]), int(header["tx_count"])
        if header["id"] != block_hash:
            raise ValueError(f"another block, {header['id']}")
        transactions: list[Mapping[str, Any]] = []
        for first in range(0, count, TRANSACTIONS_A_PAGE):
            transactions += _list(self._session.get(f"{BASE}/block/{block_hash}/txs/{first}"))
        if len({transaction["txid"] for transaction in transactions}) != count:
            raise ValueError(f"{len(transactions)} transactions where {count} were announced")
        for transaction in transactions:
            self._remember(transaction["txid"], height, time_s)
        inputs, outputs, times_s = [], [], {}
        for number, transaction in enumerate(transactions):
            for sent in transaction["vin"]:
                if sent["is_coinbase"] != (number == 0):
                    raise ValueError("the first transaction, and no other, must be a coinbase")
                if number:
                    created_height, created_s = self._place(sent["txid"])
                    times_s[created_height] = created_s
                    previous = sent["prevout"]
                    inputs.append((number, created_height, int(previous["value"]), previous["scriptpubkey"]))
            outputs += [(number, int(paid["value"]), paid["scriptpubkey"]) for paid in transaction["vout"]]
        return Block(
            height=height,
            hash=block_hash,
            previous_hash=header.get("previousblockhash") or "",
            time_s=time_s,
            inputs=pl.DataFrame(inputs, schema=INPUTS, orient="row"),
            outputs=pl.DataFrame(outputs, schema=OUTPUTS, orient="row"),
            times_s=times_s,
        )

    def _place(self, transaction: str) -> tuple[int, int]:
        """Height and time stamp of the block that holds a transaction."""
        if transaction not in self._places:
            status = _object(self._session.get(f"{BASE}/tx/{transaction}/status"))
            if not status["confirmed"]:
                raise ValueError(f"transaction {transaction} is spent in a block and said to be in none")
            self._remember(transaction, int(status["block_height"]), int(status["block_time"]))
        return self._places[transaction]

    def _remember(self, transaction: str, height: int, time_s: int) -> None:
        self._places.pop(transaction, None)  # a reorganisation may have moved it; the newest goes to the end
        self._places[transaction] = (height, time_s)
        if len(self._places) > REMEMBERED_TRANSACTIONS:
            del self._places[next(iter(self._places))]


def _number(payload: Payload) -> int:
    try:
        return int(payload.body)
    except ValueError as error:
        what = f"{payload.url} answered no number: {payload.body[:80]!r}."
        raise SourceError(Failure.CHANGED_LAYOUT, what, "esplora") from error


def _object(payload: Payload) -> Mapping[str, Any]:
    found = _decoded(payload)
    if not isinstance(found, Mapping):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} answered no object.", "esplora")
    return found


def _list(payload: Payload) -> list[Mapping[str, Any]]:
    found = _decoded(payload)
    if not isinstance(found, list):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} answered no list.", "esplora")
    return found


def _decoded(payload: Payload) -> Any:
    try:
        return orjson.loads(payload.body)
    except orjson.JSONDecodeError as error:
        raise SourceError(Failure.NOT_DATA, f"{payload.url} answered no JSON ({error}).", "esplora") from error
