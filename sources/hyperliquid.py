"""Hyperliquid: hourly funding and open interest of the BTC perpetual on the exchange's own chain.

Published by the exchange itself; keyless. Terms of redistribution are not stated, so values are not passed on.

Oddities: every question is a POST to one address and stands in its body; numbers are text; the rate is per HOUR,
although texts about it speak of eight, and its stamps lie some milliseconds after the hour; a page holds 500 rows and
begins with the start that was asked for. `metaAndAssetCtxs` sends two lists that belong together by position; it
carries no time, so a reading is of the moment of asking. Open interest counts coins, one side.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from sources.core.dataset import Access, Provider, Window
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_ms, part, require, require_in_some, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.venues import (
    HOUR,
    asked_at,
    fields,
    funding_dataset,
    open_interest_dataset,
    read_funding,
    read_open_interest,
    readings,
    stamps_of,
    times,
)

COIN = "BTC"
INFO = "https://api.hyperliquid.xyz/info"

FUNDING_FIELDS = ("coin", "fundingRate", "time")
INTEREST_FIELDS = ("openInterest", "markPx")


def fetch_funding(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of hourly rates, oldest first."""

    def ask(start: int, end: int) -> Payload:
        return session.post(INFO, {"type": "fundingHistory", "coin": COIN, "startTime": start, "endTime": end})

    def settled(payload: Payload) -> list[int]:
        rows = part(strict_json(payload), where=payload.url)
        return stamps_of((fields(row, FUNDING_FIELDS)["time"] for row in rows), payload)

    yield from readings(ask, settled, session, window)


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Open interest at this moment, whatever the window."""
    yield session.post(INFO, {"type": "metaAndAssetCtxs"})


def read_funding_rate(payload: Payload) -> Parsed:
    """One row an hour: the rate of the hour that ends at the stamp."""
    rows = part(strict_json(payload), where=payload.url)
    require_in_some(rows, FUNDING_FIELDS, payload.url)
    return read_funding(payload, rows, _settlement)


def _settlement(entry: object) -> Mapping[str, object]:
    record = fields(entry, FUNDING_FIELDS)
    return {
        "symbol": record["coin"],
        "funding_time": from_ms(record["time"]),
        "funding_rate": record["fundingRate"],
        "interval_hours": 1.0,
    }


def read_open_interest_now(payload: Payload) -> Parsed:
    """One row: the coin's contexts found by its place in the list of names. Raises CHANGED_LAYOUT without it."""
    answer = strict_json(payload)
    universe = part(answer, 0, "universe", where=payload.url)
    contexts = part(answer, 1, where=payload.url)
    names = [coin.get("name") if isinstance(coin, dict) else None for coin in universe]
    require(COIN in names, f"{payload.url}: no {COIN} among {len(names)} coins.")
    require(len(contexts) == len(names), f"{payload.url}: {len(contexts)} contexts of {len(names)} coins.")
    own = [contexts[names.index(COIN)]]
    require_in_some(own, INTEREST_FIELDS, payload.url)
    return read_open_interest(payload, own, partial(_reading, payload))


def _reading(payload: Payload, entry: object) -> Mapping[str, object]:
    context: Mapping[str, Any] = fields(entry, INTEREST_FIELDS)
    return {
        "symbol": COIN,
        "observed_at": asked_at(payload),
        "open_interest_btc": context["openInterest"],
        "open_interest_usd": times(context["openInterest"], context["markPx"]),
    }


PROVIDER = Provider(
    name="hyperliquid",
    title="Hyperliquid",
    home="https://hyperliquid.gitbook.io/hyperliquid-docs",
    hosts=("api.hyperliquid.xyz",),
    requests_per_minute=20,  # 1 200 points a minute; a full page of funding costs 45
    licence="terms of redistribution not stated; own use",
    may_republish=False,
    venue="hyperliquid",
    described_by=specification("https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint"),
    recorded={
        "open_interest": "hyperliquid/metaAndAssetCtxs_BTC.json",
    },
)

DATASETS = (
    funding_dataset(
        PROVIDER, "Hourly funding rates of the BTC perpetual.", fetch=fetch_funding, read=read_funding_rate, every=HOUR
    ),
    open_interest_dataset(
        PROVIDER,
        "Open interest of the BTC perpetual at the moment of asking.",
        fetch=fetch_open_interest,
        read=read_open_interest_now,
        access=Access.NOW,
    ),
)
