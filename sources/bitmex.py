"""BitMEX: settled funding and open interest of the perpetuals XBTUSD (inverse) and XBTUSDT (linear).

Published by the exchange itself, funding back to 2016; values are the exchange's, free to use through its API and not
to be passed on. Thirty requests a minute without a key; whoever overdoes it is banned for hours.

Oddities: settlements fall on 04, 12 and 20 UTC; the interval is a duration written as a date, counted from
2000-01-01; open interest counts contracts. An XBTUSD contract is one dollar and its `openValue` is in satoshi; an
XBTUSDT contract is a small part of a bitcoin and its `openValue` is in millionths of a dollar. Of open interest the
exchange keeps no history. Errors are an object where data is a list.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sources.core.dataset import Access, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import client
from sources.core.http import Session
from sources.core.parsing import from_iso, own_rows, part, require, require_in_some, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.venues import (
    HOUR,
    LONGEST_FUNDING_INTERVAL,
    fields,
    funding_dataset,
    number,
    open_interest_dataset,
    over,
    read_funding,
    read_open_interest,
    readings,
    stamps_of,
)

INVERSE = "XBTUSD"
LINEAR = "XBTUSDT"
API = "https://www.bitmex.com/api/v1"
PAGE = 500
NO_INTERVAL = datetime(2000, 1, 1)  # what an interval of no length is written as
SATOSHI = 1e8
USDT_UNITS = 1e6

FUNDING_FIELDS = ("symbol", "timestamp", "fundingInterval", "fundingRate")
INSTRUMENT_FIELDS = ("symbol", "isInverse", "openInterest", "openValue", "timestamp")
# Absent from a contract that has none.
MORE_FIELDS = ("settlCurrency", "underlyingToPositionMultiplier")


def check(payload: Payload) -> None:
    """Raise SourceError for an object with an error. Data is always a list, so only an object is looked into."""
    if payload.body.lstrip()[:1] == b"{":
        _refuse(strict_json(payload), payload)


def _refuse(answer: Mapping[str, Any], payload: Payload) -> None:
    # With 401, 403, 404 and 429 the status says more than the message.
    if "error" in answer and payload.status in (200, 400):
        error = answer["error"]
        message = error.get("message") if isinstance(error, dict) else error
        raise SourceError(Failure.REFUSED, f"BitMEX answered with an error: {message!r:.200}.")


def fetch_funding(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of settlements, one contract after the other, oldest first."""
    for symbol in (INVERSE, LINEAR):
        yield from readings(
            partial(_ask_funding, session, symbol), _settled, session, window, longest=LONGEST_FUNDING_INTERVAL
        )


def _ask_funding(session: Session, symbol: str, start: int, end: int) -> Payload:
    params = {"symbol": symbol, "count": PAGE, "startTime": _iso(start), "endTime": _iso(end)}
    return session.get(f"{API}/funding", params)


def _settled(payload: Payload) -> list[int]:
    return stamps_of((fields(row, FUNDING_FIELDS)["timestamp"] for row in _rows(payload)), payload, from_iso)


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Both contracts at this moment, whatever the window."""
    wanted = json.dumps({"symbol": [INVERSE, LINEAR]}, separators=(",", ":"))
    columns = ",".join((*INSTRUMENT_FIELDS, *MORE_FIELDS))
    yield session.get(f"{API}/instrument", {"filter": wanted, "columns": columns, "count": 10})


def read_funding_rate(payload: Payload) -> Parsed:
    """One row a settlement."""
    rows = _rows(payload)
    require_in_some(rows, FUNDING_FIELDS, payload.url)
    return read_funding(payload, rows, _settlement)


def _settlement(entry: object) -> Mapping[str, object]:
    record = fields(entry, FUNDING_FIELDS)
    interval = from_iso(record["fundingInterval"])
    return {
        "symbol": record["symbol"],
        "funding_time": from_iso(record["timestamp"]),
        "funding_rate": record["fundingRate"],
        "interval_hours": (interval - NO_INTERVAL) / HOUR if isinstance(interval, datetime) else None,
    }


def read_open_interest_now(payload: Payload) -> Parsed:
    """One row a contract, both stamped with the newer of their times; other contracts are left out."""
    sent = _rows(payload)
    require_in_some(sent, INSTRUMENT_FIELDS, payload.url)
    own, left_out = own_rows(sent, "symbol", (INVERSE, LINEAR), payload.url)
    rows = [fields(row, INSTRUMENT_FIELDS) for row in own]
    stamps = [stamp for row in rows if isinstance(stamp := from_iso(row["timestamp"]), datetime)]
    newest = max(stamps).replace(microsecond=0) if stamps else None
    return read_open_interest(payload, rows, partial(_reading, payload, newest), left_out)


def _reading(payload: Payload, observed_at: datetime | None, record: Mapping[str, Any]) -> Mapping[str, object]:
    symbol, open_value = record["symbol"], number(record["openValue"])
    unit = (record["isInverse"], record.get("settlCurrency"))
    known = {INVERSE: (True, "XBt"), LINEAR: (False, "USDt")}.get(symbol) if isinstance(symbol, str) else None
    require(known == unit, f"{payload.url}: {symbol!r:.40} in {unit[1]!r:.20}, whose unit is not known.")
    if symbol == INVERSE:
        btc, usd = over(open_value, SATOSHI), record["openInterest"]
    else:
        contracts_a_btc = record.get("underlyingToPositionMultiplier")
        btc, usd = over(record["openInterest"], contracts_a_btc), over(open_value, USDT_UNITS)
    return {"symbol": symbol, "observed_at": observed_at, "open_interest_btc": btc, "open_interest_usd": usd}


def _rows(payload: Payload) -> list[Any]:
    answer = strict_json(payload)
    if isinstance(answer, dict):
        _refuse(answer, payload)
    rows: list[Any] = part(answer, where=payload.url)
    return rows


def _iso(stamp: int) -> str:
    return datetime.fromtimestamp(stamp / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


PROVIDER = Provider(
    name="bitmex",
    title="BitMEX",
    home="https://www.bitmex.com/app/apiOverview",
    hosts=("www.bitmex.com",),
    requests_per_minute=24,  # 30 are allowed without a key
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="bitmex",
    check=check,
    described_by=client("bitmex api-connectors, generated from its swagger file"),
    recorded={
        "funding_rate": "bitmex/funding_XBTUSDT.json",
        "open_interest": "bitmex/instrument_XBTUSD.json",
    },
)

DATASETS = (
    funding_dataset(
        PROVIDER,
        "Settled funding rates of the perpetuals XBTUSD and XBTUSDT.",
        fetch=fetch_funding,
        read=read_funding_rate,
    ),
    open_interest_dataset(
        PROVIDER,
        "Open interest of the perpetuals XBTUSD and XBTUSDT at the moment of asking.",
        fetch=fetch_open_interest,
        read=read_open_interest_now,
        access=Access.NOW,
    ),
)
