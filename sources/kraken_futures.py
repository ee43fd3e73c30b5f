"""Kraken Futures: hourly funding and open interest of the perpetuals PF_XBTUSD (linear) and PI_XBTUSD (inverse).

Published by the exchange itself, funding back to 2018 in one reply; values are the exchange's, free to use through its
API and not to be passed on.

Oddities: there are two funding numbers. `fundingRate` is an amount a contract and hour; `relativeFundingRate` is the
fraction that other exchanges call the rate, and only that is read. Early history is four-hourly. PF counts open
interest in bitcoin, PI in contracts of one dollar. Errors come with HTTP 200 and `"result":"error"`.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sources.core.dataset import Access, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_iso, part, require, require_in_some, strict_json
from sources.core.payload import Parsed, Payload
from sources.core.venues import (
    UNSTATED_INTERVAL,
    asked_at,
    fields,
    funding_dataset,
    open_interest_dataset,
    over,
    read_funding,
    read_open_interest,
    times,
)

LINEAR = "PF_XBTUSD"
INVERSE = "PI_XBTUSD"
SYMBOLS = f"{LINEAR} or {INVERSE}"
API = "https://futures.kraken.com/derivatives/api/v3"

FUNDING_FIELDS = ("timestamp", "relativeFundingRate")
TICKER_FIELDS = ("openInterest", "markPrice")

# What the documented errors ask of us; every other one means that the request itself was not accepted.
ERRORS: Mapping[str, Failure] = {
    "apiLimitExceeded": Failure.THROTTLED,
    "Server Error": Failure.OUTAGE,
    "Unavailable": Failure.OUTAGE,
    "marketUnavailable": Failure.OUTAGE,
}


def check(payload: Payload) -> None:
    """Raise SourceError for an error sent in place of a result."""
    answer = strict_json(payload)
    if isinstance(answer, dict) and answer.get("result") == "error":
        said = answer.get("error", answer.get("errors"))
        failure = ERRORS.get(said, Failure.REFUSED) if isinstance(said, str) else Failure.REFUSED
        raise SourceError(failure, f"Kraken Futures answered with an error: {said!r:.200}.")


def fetch_funding(session: Session, window: Window) -> Iterator[Payload]:
    """The whole history of both contracts, whatever the window: the exchange takes none."""
    for symbol in (LINEAR, INVERSE):
        yield session.get(f"{API}/historical-funding-rates", {"symbol": symbol})


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """All tickers of this moment, whatever the window."""
    yield session.get(f"{API}/tickers")


def read_funding_rate(payload: Payload) -> Parsed:
    """One row a settlement: the relative rate. The answer does not name its contract, so the request has to."""
    rows = _listed(payload, "rates")
    asked = payload.params.get("symbol", payload.url)
    named = [symbol for symbol in (LINEAR, INVERSE) if symbol in asked]
    require_in_some(rows, FUNDING_FIELDS, payload.url)
    require(len(named) == 1, f"{payload.url} names no contract; a file saved by hand is named after one: {SYMBOLS}.")
    return read_funding(payload, rows, partial(_settlement, named[0]), UNSTATED_INTERVAL)


def _settlement(symbol: str, entry: object) -> Mapping[str, object]:
    record = fields(entry, FUNDING_FIELDS)
    return {
        "symbol": symbol,
        "funding_time": from_iso(record["timestamp"]),
        "funding_rate": record["relativeFundingRate"],
    }


def read_open_interest_now(payload: Payload) -> Parsed:
    """One row a perpetual, both of the moment of asking; other contracts are left out."""
    listed = _listed(payload, "tickers")
    require_in_some(listed, ("symbol",), payload.url)
    tickers = [ticker for ticker in listed if fields(ticker, ("symbol",))["symbol"] in (LINEAR, INVERSE)]
    require_in_some(tickers, TICKER_FIELDS, payload.url)
    return read_open_interest(payload, tickers, partial(_reading, payload))


def _reading(payload: Payload, entry: object) -> Mapping[str, object]:
    ticker = fields(entry, TICKER_FIELDS)
    interest, mark = ticker["openInterest"], ticker["markPrice"]
    is_linear = ticker["symbol"] == LINEAR
    return {
        "symbol": ticker["symbol"],
        "observed_at": asked_at(payload),
        "open_interest_btc": interest if is_linear else over(interest, mark),
        "open_interest_usd": times(interest, mark) if is_linear else interest,
    }


def _listed(payload: Payload, name: str) -> list[Any]:
    check(payload)  # once more, for answers that were saved by hand
    rows: list[Any] = part(strict_json(payload), name, where=payload.url)
    return rows


PROVIDER = Provider(
    name="kraken_futures",
    title="Kraken Futures",
    home="https://docs.kraken.com/api-reference",
    hosts=("futures.kraken.com",),
    requests_per_minute=60,  # no figure is published for public data
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="kraken",
    check=check,
    described_by=specification("https://docs.kraken.com/api/docs/futures-api/trading/historical-funding-rates"),
    recorded={
        "open_interest": "kraken_futures/tickers_XBT.json",
    },
)

DATASETS = (
    funding_dataset(
        PROVIDER,
        "Hourly relative funding rates of the perpetuals PF_XBTUSD and PI_XBTUSD.",
        fetch=fetch_funding,
        read=read_funding_rate,
        columns=UNSTATED_INTERVAL,
        every=timedelta(hours=4),  # as in its early history; hourly later
    ),
    open_interest_dataset(
        PROVIDER,
        "Open interest of the perpetuals PF_XBTUSD and PI_XBTUSD at the moment of asking.",
        fetch=fetch_open_interest,
        read=read_open_interest_now,
        access=Access.NOW,
    ),
)
