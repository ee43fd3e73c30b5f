"""Bitfinex: status of the BTC perpetual (open interest, funding) at the end of each day, and forced liquidations.

Published by the exchange itself, back for years; values are the exchange's, free to use through its API and not to be
passed on. Ninety questions about status a minute are allowed, but only three about liquidations.

Oddities: everything is positional, with null in unused places. A status of now begins with its key; one of history
does not, so every place moves down by one; old ones end with the open interest. A liquidation is wrapped in one more
list, and comes twice: IS_MATCH 0 announces it, mostly without a price, IS_MATCH 1 is the execution. A positive amount
was a long position. Errors are a list that begins with "error".
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import polars as pl

from sources.core.dataset import INSTANT, Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import events
from sources.core.parsing import from_ms, part, require, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import DAY, days
from sources.core.venues import OPEN_INTEREST_COLUMNS, milliseconds, stamps_of, times

PERPETUAL = "tBTCF0:USTF0"
API = "https://api-pub.bitfinex.com/v2"
HISTORY = f"{API}/status/deriv/{PERPETUAL.replace(':', '%3A')}/hist"
LIQUIDATIONS = f"{API}/liquidations/hist"
PAGE = 500
# Bitcoin against dollars or Tether: the perpetual, and margin positions on the spot market.
BITCOIN = frozenset({PERPETUAL, "tBTCUSD", "tBTCUST"})

RATE_LIMITED = 11010
# Places in a status without its key.
STAMP, CURRENT_FUNDING, MARK, INTEREST = 0, 11, 14, 17


def check(payload: Payload) -> None:
    """Raise SourceError for a list that begins with "error"."""
    if payload.body.lstrip()[:1] != b"[":
        return
    answer = strict_json(payload)
    if isinstance(answer, list) and answer[:1] == ["error"]:
        code = answer[1] if len(answer) > 1 else None
        said = answer[2] if len(answer) > 2 else ""
        is_limit = code == RATE_LIMITED or (isinstance(said, str) and "ratelimit" in said.lower().replace(" ", ""))
        failure = Failure.THROTTLED if is_limit else Failure.REFUSED
        raise SourceError(failure, f"Bitfinex answered with error {code!r:.20}: {said!r:.200}.")


def fetch_status(session: Session, window: Window) -> Iterator[Payload]:
    """The last status of each UTC day; there are hundreds a day, and paging through them would not be polite."""
    for day in days(window):
        start = datetime.combine(day, time(), UTC)
        params = {"start": milliseconds(start), "end": milliseconds(start + DAY) - 1, "sort": -1, "limit": 1}
        yield session.get(HISTORY, params)


def fetch_liquidation(session: Session, window: Window) -> Iterator[Payload]:
    """Pages over all symbols, newest first, back to the midnight before the window; the exchange takes no symbol.

    Whole days, because a day is read as the sum of its events.
    """
    first = next(days(window))

    def ask(start: int, end: int) -> Payload:
        return session.get(LIQUIDATIONS, {"start": start, "end": end, "sort": -1, "limit": PAGE})

    def stamps(payload: Payload) -> list[int]:
        return stamps_of((event[2] for event in _events(payload)), payload)

    midnight = datetime.combine(first, time(), UTC)
    yield from events(ask, stamps, milliseconds(midnight), milliseconds(window.end) - 1)


def read_status(payload: Payload) -> Parsed:
    """One row a status, with or without its key in front. Raises CHANGED_LAYOUT for another contract."""
    records, sent = [], []
    for row in _list(payload):
        require(isinstance(row, list), f"{payload.url}: a status is {row!r:.40} where a list was expected.")
        keyed = isinstance(row[0], str) if row else False
        require(not keyed or row[0] == PERPETUAL, f"{payload.url}: {row[:1]!r:.40} was not asked for.")
        status = row[1:] if keyed else row
        require(len(status) > INTEREST, f"{payload.url}: a status of {len(status)} places.")
        records.append(
            {
                "symbol": PERPETUAL,
                "observed_at": from_ms(status[STAMP]),
                "open_interest_btc": status[INTEREST],
                "open_interest_usd": times(status[INTEREST], status[MARK]),
                "current_funding_8h": status[CURRENT_FUNDING],
            }
        )
        sent.append(row)
    return typed(records, STATUS, fetched_at=payload.fetched_at, observed="observed_at", sent=sent)


def read_liquidation(payload: Payload) -> Parsed:
    """One row an executed liquidation of bitcoin; announcements and other coins are left out."""
    executed = [event for event in _events(payload) if event[4] in BITCOIN and _is_execution(event, payload)]
    records = [
        {
            "position_id": event[1],
            "liquidated_at": from_ms(event[2]),
            "symbol": event[4],
            "amount_btc": event[5],
            "price_usd": event[11],
        }
        for event in executed
    ]
    return typed(records, LIQUIDATION, fetched_at=payload.fetched_at, observed="liquidated_at", sent=executed)


def _is_execution(event: list[Any], payload: Payload) -> bool:
    require(event[8] in (0, 1), f"{payload.url}: IS_MATCH is {event[8]!r:.20} where 0 or 1 was expected.")
    return bool(event[8] == 1)


def _events(payload: Payload) -> list[list[Any]]:
    """The records out of their wrapping."""
    return [_event(wrapped, payload) for wrapped in _list(payload)]


def _event(wrapped: object, payload: Payload) -> list[Any]:
    event: list[Any] = part(wrapped, 0, where=payload.url)
    sound = len(event) == 12 and event[0] == "pos" and isinstance(event[4], str)
    require(sound, f"{payload.url}: a liquidation is {event!r:.80}.")
    return event


def _list(payload: Payload) -> list[Any]:
    check(payload)  # once more, for answers that were saved by hand
    rows: list[Any] = part(strict_json(payload), where=payload.url)
    return rows


PROVIDER = Provider(
    name="bitfinex",
    title="Bitfinex",
    home="https://docs.bitfinex.com",
    hosts=("api-pub.bitfinex.com",),
    requests_per_minute=60,  # ninety are allowed about status
    slower=((LIQUIDATIONS, 3),),
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="bitfinex",
    check=check,
    described_by=specification("https://docs.bitfinex.com/reference/rest-public-derivatives-status-history"),
    recorded={
        "open_interest": "bitfinex/status_deriv.json",
    },
)

STATUS: Mapping[str, Column] = {
    **OPEN_INTEREST_COLUMNS,
    "current_funding_8h": Column(
        pl.Float64, "fraction per 8 h", "Funding of the running period.", nullable=True, minimum=-0.1, maximum=0.1
    ),
}
LIQUIDATION: Mapping[str, Column] = {
    "position_id": Column(pl.Int64, "", "Number of the position."),
    "liquidated_at": Column(INSTANT, "UTC", "Time of the execution."),
    "symbol": Column(pl.String, "", "Market of the position."),
    "amount_btc": Column(
        pl.Float64, "BTC", "Size: positive for a long position that was closed, negative for a short."
    ),
    "price_usd": Column(pl.Float64, "USD", "Price of the execution; a USDT counts as a dollar.", minimum=0.01),
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="open_interest",
        bucket=Bucket.LEVERAGE,
        description="Open interest and funding of the BTC perpetual at the end of each UTC day.",
        columns=STATUS,
        key=("symbol", "observed_at"),
        observed="observed_at",
        every=DAY,
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_status,
        read=read_status,
        reread=DAY,
        first_history=timedelta(days=90),
    ),
    Dataset(
        provider=PROVIDER,
        name="liquidation",
        bucket=Bucket.LEVERAGE,
        description="Forced liquidations of bitcoin positions, one row an execution.",
        columns=LIQUIDATION,
        key=("position_id", "liquidated_at"),
        observed="liquidated_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_liquidation,
        read=read_liquidation,
        reread=DAY,
        first_history=timedelta(days=7),
        may_be_empty=True,
    ),
)
