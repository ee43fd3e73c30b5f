"""Bybit: funding and open interest of the linear BTCUSDT perpetual.

Published by the exchange itself; values are the exchange's, free to use through its API and not to be passed on.
Addresses in the United States and mainland China get HTTP 403 with a web page; too many requests get HTTP 403 too.

Oddities: errors come with HTTP 200 and a `retCode`; pages run newest first; numbers are text. Open interest counts BOTH
sides of every contract. Since 2026-06-11 `singleOpenInterest` says the half that other exchanges publish; history
before it was doubled all the same. Inverse contracts count dollars and are refused here.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sources.core.dataset import Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_ms, part, require, require_in_some, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.venues import (
    UNSTATED_INTERVAL,
    fields,
    funding_dataset,
    open_interest_dataset,
    read_funding,
    read_open_interest,
    readings,
    settlements,
    stamps_of,
)

SYMBOL = "BTCUSDT"
CATEGORY = "linear"
FUNDING = "https://api.bybit.com/v5/market/funding/history"
OPEN_INTEREST = "https://api.bybit.com/v5/market/open-interest"
PAGE = 200

FUNDING_FIELDS = ("symbol", "fundingRate", "fundingRateTimestamp")
OPEN_INTEREST_FIELDS = ("openInterest", "timestamp")

# What the documented codes ask of us; every other one means that the request itself was not accepted.
ERRORS: Mapping[str, Failure] = {
    "10000": Failure.OUTAGE,  # server time-out
    "10006": Failure.THROTTLED,  # too many visits
    "10009": Failure.BLOCKED,  # a restricted region
    "10016": Failure.OUTAGE,  # internal error
    "10018": Failure.THROTTLED,  # too many requests from this address
    "10019": Failure.OUTAGE,  # restarting
    "10024": Failure.BLOCKED,  # compliance rules
}


def check(payload: Payload) -> None:
    """Raise SourceError unless `retCode` is 0. An HTTP error without one is left to its status."""
    answer = strict_json(payload)
    if payload.status == 200 or (isinstance(answer, dict) and "retCode" in answer):
        _accepted(answer, payload)


def _accepted(answer: object, payload: Payload) -> Mapping[str, Any]:
    code = str(part(answer, "retCode", kind=(int, str), where=payload.url))
    envelope: Mapping[str, Any] = part(answer, kind=dict)
    if code != "0":
        failure, message = ERRORS.get(code, Failure.REFUSED), envelope.get("retMsg", "")
        raise SourceError(failure, f"Bybit answered with error {code:.20}: {message!r:.200}.")
    return envelope


def fetch_funding(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of settlements, and of the one before the window."""
    asked = {"category": CATEGORY, "symbol": SYMBOL, "limit": PAGE}

    def ask(start: int, end: int) -> Payload:
        return session.get(FUNDING, {**asked, "startTime": start, "endTime": end})

    yield from settlements(ask, partial(_stamps, FUNDING_FIELDS, "fundingRateTimestamp"), session, window)


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of hourly readings. The exchange's cursor is not used: a page says by its stamps where the next begins."""
    asked = {"category": CATEGORY, "symbol": SYMBOL, "intervalTime": "1h", "limit": PAGE}

    def ask(start: int, end: int) -> Payload:
        return session.get(OPEN_INTEREST, {**asked, "startTime": start, "endTime": end})

    yield from readings(ask, partial(_stamps, OPEN_INTEREST_FIELDS, "timestamp"), session, window)


def _stamps(names: Sequence[str], stamp: str, payload: Payload) -> list[int]:
    return stamps_of((fields(row, names)[stamp] for row in _result(payload)["list"]), payload)


def read_funding_rate(payload: Payload) -> Parsed:
    """One row a settlement."""
    rows = _result(payload)["list"]
    require_in_some(rows, FUNDING_FIELDS, payload.url)
    return read_funding(payload, rows, _settlement, UNSTATED_INTERVAL)


def _settlement(entry: object) -> Mapping[str, object]:
    record = fields(entry, FUNDING_FIELDS)
    return {
        "symbol": record["symbol"],
        "funding_time": from_ms(record["fundingRateTimestamp"]),
        "funding_rate": record["fundingRate"],
    }


def read_one_sided(payload: Payload) -> Parsed:
    """One row an hour, each contract counted once. Raises CHANGED_LAYOUT for a contract that counts dollars."""
    result = _result(payload)
    category = result.get("category")
    require(category == CATEGORY, f"{payload.url}: category {category!r:.40}, whose unit is not BTC.")
    symbol = part(result, "symbol", kind=str, where=payload.url)
    require_in_some(result["list"], OPEN_INTEREST_FIELDS, payload.url)
    return read_open_interest(payload, result["list"], partial(_reading, symbol))


def _reading(symbol: str, entry: object) -> Mapping[str, object]:
    record = fields(entry, OPEN_INTEREST_FIELDS)
    both = record["openInterest"]
    return {
        "symbol": symbol,
        "observed_at": from_ms(record["timestamp"]),
        "open_interest_btc": record.get("singleOpenInterest") or _half(both),
        "open_interest_usd": None,  # the answer does not say
    }


def _half(both: object) -> object:
    """Half of a two-sided figure; anything that is no number stays as it came, to be refused."""
    try:
        return float(str(both)) / 2
    except ValueError:
        return both


def _result(payload: Payload) -> Mapping[str, Any]:
    """What the envelope holds; `list` is a list. Raises SourceError for an error or another layout."""
    answer = _accepted(strict_json(payload), payload)
    part(answer, "result", "list", where=payload.url)
    result: Mapping[str, Any] = answer["result"]
    return result


PROVIDER = Provider(
    name="bybit",
    title="Bybit",
    home="https://www.bybit.com",
    hosts=("api.bybit.com",),
    requests_per_minute=300,  # 600 in five seconds are allowed; the excess is punished with ten minutes of silence
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="bybit",
    check=check,
    described_by=specification("https://bybit-exchange.github.io/docs/v5/market"),
    recorded={
        "funding_rate": "bybit/market_funding_history_BTCUSDT.json",
        "open_interest": "bybit/market_open_interest_BTCUSDT_1h.json",
    },
)

DATASETS = (
    funding_dataset(
        PROVIDER,
        "Settled funding rates of the linear BTCUSDT perpetual.",
        fetch=fetch_funding,
        read=read_funding_rate,
        columns=UNSTATED_INTERVAL,
    ),
    open_interest_dataset(
        PROVIDER,
        "Hourly open interest of the linear BTCUSDT perpetual, one side.",
        fetch=fetch_open_interest,
        read=read_one_sided,
    ),
)
