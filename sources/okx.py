"""OKX: spot and swap candles, settled funding and open interest of BTC-USDT, and the option chain of BTC-USD.

Published by the exchange itself; values are the exchange's, free to use through its API and not to be passed on.

Oddities: errors come with HTTP 200 and a `code`; everything is text; pages run newest first. A `1D` bar opens at
16:00 UTC, so days are asked for as `1Dutc`. `vol` counts contracts of 0.01 BTC for a swap and bitcoin for spot, while
`volCcy` counts bitcoin for a swap and DOLLARS for spot. In funding history `fundingRate` is the last prediction and
`realizedRate` what was charged; it reaches back three months. Open interest is answered for now only. Forced orders
are answered for about a day, at most one a second, so their sum is a lower bound; they count contracts, and the
endpoint has left the documentation. The option summary has volatilities as fractions, deltas of two kinds (read is none
of them) and no open interest, which another endpoint answers with; the two are stamped some seconds apart.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from sources.core.dataset import INSTANT, Access, Bucket, Cadence, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import events
from sources.core.parsing import from_ms, or_null, own_rows, part, require, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.venues import (
    DAY,
    HOUR,
    UNSTATED_INTERVAL,
    bars,
    candle_dataset,
    cells,
    fields,
    funding_dataset,
    milliseconds,
    open_interest_dataset,
    read_candles,
    read_funding,
    read_open_interest,
    settlements,
    stamps_of,
    times,
)

SPOT = "BTC-USDT"
SWAP = "BTC-USDT-SWAP"
BARS: Mapping[timedelta, str] = {DAY: "1Dutc", HOUR: "1H"}

API = "https://www.okx.com/api/v5"
RECENT_CANDLES = f"{API}/market/candles"
RECENT_BARS = 1440  # what `candles` keeps; older bars are with `history-candles`
OLD_CANDLES = f"{API}/market/history-candles"
CANDLE_PAGE = 300
FUNDING = f"{API}/public/funding-rate-history"
FUNDING_PAGE = 400
FUNDING_DEPTH = timedelta(days=90)
OPEN_INTEREST = f"{API}/public/open-interest"

OPTION_SUMMARY = f"{API}/public/opt-summary"
OPTION_FAMILY = "BTC-USD"
_OPTION = re.compile(r"BTC-USD-(\d{6})-(\d+)-([CP])")

LIQUIDATIONS = f"{API}/public/liquidation-orders"
LIQUIDATION_PAGE = 100
CONTRACT_BTC = 0.01  # of the swap

CANDLE = ("open_time", "open_usd", "high_usd", "low_usd", "close_usd", "vol", "volCcy", "volCcyQuote", "confirm")
# Which of the three volumes is in bitcoin.
VOLUME_BTC: Mapping[str, str] = {SPOT: "vol", SWAP: "volCcy"}
FUNDING_FIELDS = ("instId", "fundingTime", "realizedRate")
LIQUIDATION_FIELDS = ("posSide", "bkPx", "sz", "ts")
OPEN_INTEREST_FIELDS = ("instId", "oiCcy", "oiUsd", "ts")

# What the documented codes ask of us; every other one means that the request itself was not accepted.
ERRORS: Mapping[str, Failure] = {
    "50001": Failure.OUTAGE,  # temporarily unavailable
    "50004": Failure.OUTAGE,  # time-out
    "50011": Failure.THROTTLED,  # rate limit
    "50013": Failure.OUTAGE,  # busy
    "50026": Failure.OUTAGE,  # system error
    "50040": Failure.THROTTLED,  # too frequent
    "50061": Failure.THROTTLED,  # rate limit of an account
}


def check(payload: Payload) -> None:
    """Raise SourceError unless `code` is "0". An HTTP error without one is left to its status."""
    answer = strict_json(payload)
    if payload.status == 200 or (isinstance(answer, dict) and "code" in answer):
        _accepted(answer, payload)


def _accepted(answer: object, payload: Payload) -> Mapping[str, Any]:
    code = str(part(answer, "code", kind=(int, str), where=payload.url))
    envelope: Mapping[str, Any] = part(answer, kind=dict)
    if code != "0":
        failure, message = ERRORS.get(code, Failure.REFUSED), envelope.get("msg", "")
        raise SourceError(failure, f"OKX answered with error {code:.20}: {message!r:.200}.")
    return envelope


def fetch_candles(session: Session, window: Window, *, instrument: str, period: timedelta) -> Iterator[Payload]:
    """Pages of bars, newest first, back to the window's start."""
    is_recent = window.start >= session.now() - (RECENT_BARS - 1) * period
    asked = {"instId": instrument, "bar": BARS[period], "limit": CANDLE_PAGE}

    def ask(start: int, end: int) -> Payload:
        # Both limits are exclusive: older than `after`, newer than `before`.
        return session.get(
            RECENT_CANDLES if is_recent else OLD_CANDLES, {**asked, "after": end + 1, "before": start - 1}
        )

    def opened(payload: Payload) -> list[int]:
        return stamps_of((cells(bar, CANDLE, payload)["open_time"] for bar in _data(payload)), payload)

    yield from bars(ask, opened, session, window, period)


def fetch_funding(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of settlements, and of the one before the window."""

    def ask(start: int, end: int) -> Payload:
        asked = {"instId": SWAP, "after": end + 1, "before": start - 1, "limit": FUNDING_PAGE}
        return session.get(FUNDING, asked)

    def settled(payload: Payload) -> list[int]:
        return stamps_of((fields(row, FUNDING_FIELDS)["fundingTime"] for row in _data(payload)), payload)

    yield from settlements(ask, settled, session, window)


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Open interest at this moment, whatever the window."""
    yield session.get(OPEN_INTEREST, {"instType": "SWAP", "instId": SWAP})


def fetch_option_summary(session: Session, window: Window) -> Iterator[Payload]:
    """The whole chain at this moment, whatever the window."""
    yield session.get(OPTION_SUMMARY, {"instFamily": OPTION_FAMILY})


def fetch_option_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Open interest of the whole chain at this moment, whatever the window."""
    yield session.get(OPEN_INTEREST, {"instType": "OPTION", "instFamily": OPTION_FAMILY})


def fetch_liquidation(session: Session, window: Window) -> Iterator[Payload]:
    """Pages of forced orders, newest first, back to the window's start or as far as the exchange shows.

    Raises SourceError MOVED when the exchange refuses the question: the endpoint is no longer documented.
    """
    asked = {"instType": "SWAP", "uly": "BTC-USDT", "state": "filled", "limit": LIQUIDATION_PAGE}

    def ask(start: int, end: int) -> Payload:
        try:
            return session.get(LIQUIDATIONS, {**asked, "after": end + 1})
        except SourceError as error:
            if error.failure in (Failure.REFUSED, Failure.MOVED):
                what = f"OKX no longer answers about forced orders, it seems. {error.what}"
                raise SourceError(Failure.MOVED, what) from error
            raise

    def ordered(payload: Payload) -> list[int]:
        orders = [order for own in _groups(payload).values() for order in own]
        return stamps_of((fields(order, ("ts",))["ts"] for order in orders), payload)

    yield from events(ask, ordered, milliseconds(window.start), milliseconds(session.now()))


def read_liquidation(payload: Payload) -> Parsed:
    """One row a forced order of the swap, at the price at which the position was bankrupt."""
    orders = _orders(payload)
    records = [
        {
            "symbol": SWAP,
            "liquidated_at": from_ms(order["ts"]),
            "position_side": order["posSide"] if order["posSide"] in ("long", "short") else None,
            "amount_btc": times(order["sz"], CONTRACT_BTC),
            "price_usd": order["bkPx"],
        }
        for order in orders
    ]
    parsed = typed(records, LIQUIDATION, fetched_at=payload.fetched_at, observed="liquidated_at", sent=orders)
    # Two orders alike in every figure cannot be told apart from one that is shown twice.
    return Parsed(parsed.rows.unique(maintain_order=True), parsed.rejects, parsed.left_out)


def _orders(payload: Payload) -> list[Mapping[str, Any]]:
    """The forced orders of the swap; those of other contracts, which count otherwise, are left out."""
    orders = _groups(payload).get(SWAP, [])
    require_in_some(orders, LIQUIDATION_FIELDS, payload.url)
    return [fields(order, LIQUIDATION_FIELDS) for order in orders]


def _groups(payload: Payload) -> Mapping[str, list[Any]]:
    """The forced orders of each contract."""
    found: dict[str, list[Any]] = {}
    entries = _data(payload)
    require_in_some(entries, ("instId", "details"), payload.url)
    for entry in entries:
        group = fields(entry, ("instId", "details"))
        found.setdefault(str(group["instId"]), []).extend(part(group, "details", where=payload.url))
    return found


def read_bars(payload: Payload, *, instrument: str, period: timedelta) -> Parsed:
    """Rows of the confirmed bars on a page."""
    bars = [bar for bar in _data(payload) if _is_confirmed(bar, payload)]
    candle = partial(_candle, payload, VOLUME_BTC[instrument])
    return read_candles(payload, bars, candle, symbol=instrument, period=period)


def _is_confirmed(entry: object, payload: Payload) -> bool:
    mark = cells(entry, CANDLE, payload)["confirm"]
    require(mark in ("0", "1"), f"{payload.url}: confirm is {mark!r:.20} where 0 or 1 was expected.")
    return bool(mark == "1")


def _candle(payload: Payload, volume: str, entry: object) -> Mapping[str, object]:
    bar = cells(entry, CANDLE, payload)
    return {**bar, "open_time": from_ms(bar["open_time"]), "volume_btc": bar[volume]}


def read_funding_rate(payload: Payload) -> Parsed:
    """One row a settlement, with the rate that was charged."""
    rows = _data(payload)
    require_in_some(rows, FUNDING_FIELDS, payload.url)
    return read_funding(payload, rows, _settlement, UNSTATED_INTERVAL)


def _settlement(entry: object) -> Mapping[str, object]:
    record = fields(entry, FUNDING_FIELDS)
    return {
        "symbol": record["instId"],
        "funding_time": from_ms(record["fundingTime"]),
        "funding_rate": record["realizedRate"],
    }


def read_open_interest_now(payload: Payload) -> Parsed:
    """One row: the swap's. Other contracts, whose `oiCcy` is no bitcoin, are left out; CHANGED_LAYOUT without ours."""
    rows = _data(payload)
    require_in_some(rows, OPEN_INTEREST_FIELDS, payload.url)
    rows, left_out = own_rows(rows, "instId", (SWAP,), payload.url)
    return read_open_interest(payload, rows, _reading, left_out)


def _reading(entry: object) -> Mapping[str, object]:
    record = fields(entry, OPEN_INTEREST_FIELDS)
    return {
        "symbol": record["instId"],
        "observed_at": from_ms(record["ts"]),
        # Sums of binary fractions: 26631.0729999999861. A satoshi and a cent are the last digits that mean anything.
        "open_interest_btc": _rounded(record["oiCcy"], 8),
        "open_interest_usd": _rounded(or_null(record["oiUsd"], ""), 2),
    }


def read_option_summary(payload: Payload) -> Parsed:
    """One row an option, all of one snapshot. Raises CHANGED_LAYOUT without forwards or volatilities."""

    def values(option: Mapping[str, Any]) -> Mapping[str, object]:
        points = times(option["markVol"], 100)
        iv = None if points is None else round(points, 8)  # 0.58 times 100 is not 58 in binary
        return {"underlying_price_usd": option["fwdPx"], "mark_iv_pct": iv}

    return _read_options(payload, ("instId", "fwdPx", "markVol", "ts"), values, OPTION_CHAIN)


def read_option_open_interest(payload: Payload) -> Parsed:
    """One row an option, all of one snapshot."""

    def values(option: Mapping[str, Any]) -> Mapping[str, object]:
        return {"open_interest_btc": _rounded(option["oiCcy"], 8)}

    return _read_options(payload, ("instId", "oiCcy", "ts"), values, OPTION_OPEN_INTEREST)


def _read_options(
    payload: Payload,
    names: tuple[str, ...],
    values: Callable[[Mapping[str, Any]], Mapping[str, object]],
    columns: Mapping[str, Column],
) -> Parsed:
    rows = _data(payload)
    require_in_some(rows, names, payload.url)
    options = [fields(row, names) for row in rows]
    stamps = [stamp for option in options if isinstance(stamp := from_ms(option["ts"]), datetime)]
    snapshot_time = max(stamps).replace(microsecond=0) if stamps else None
    records = []
    for option in options:
        own = {"snapshot_time": snapshot_time, **_instrument(str(option["instId"])), **values(option)}
        records.append({name: own[name] for name in columns})
    return typed(records, columns, fetched_at=payload.fetched_at, observed="snapshot_time", sent=rows)


def _instrument(name: str) -> Mapping[str, object]:
    """Expiry (08:00 UTC), strike and type out of a name such as `BTC-USD-260327-80000-C`; None for any other name."""
    match = _OPTION.fullmatch(name)
    try:
        expiry_time = datetime.strptime(match[1], "%y%m%d") + timedelta(hours=8) if match else None
    except ValueError:
        expiry_time = None
    if match is None or expiry_time is None:
        return {"instrument_name": None, "expiry_time": None, "strike_usd": None, "option_type": None}
    return {
        "instrument_name": name,
        "expiry_time": expiry_time,
        "strike_usd": float(match[2]),
        "option_type": match[3],
    }


def _rounded(text: object, decimals: int) -> object:
    """A number in text, rounded; anything else stays as it came, to be refused."""
    try:
        return round(float(text), decimals) if isinstance(text, str) else text
    except ValueError:
        return text


def _data(payload: Payload) -> list[Any]:
    answer = _accepted(strict_json(payload), payload)
    rows: list[Any] = part(answer, "data", where=payload.url)
    return rows


PROVIDER = Provider(
    name="okx",
    title="OKX",
    home="https://www.okx.com",
    hosts=("www.okx.com",),
    requests_per_minute=240,  # the slowest of the endpoints allows ten in two seconds
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="okx",
    check=check,
    described_by=specification("https://www.okx.com/docs-v5/en/"),
    recorded={
        "spot_candle_1d": "okx/market_candles_BTC-USDT_1H.json",
        "perp_candle_1d": "okx/market_candles_BTC-USDT_1H.json",
        "perp_candle_1h": "okx/market_candles_BTC-USDT_1H.json",
        "open_interest": "okx/public_open_interest_BTC-USDT-SWAP.json",
    },
    unproven={
        "liquidation": "the question: the address has left the documentation",
    },
)

LIQUIDATION: Mapping[str, Column] = {
    "symbol": Column(pl.String, "", "Symbol as the exchange writes it."),
    "liquidated_at": Column(INSTANT, "UTC", "Time of the forced order."),
    "position_side": Column(pl.String, "long or short", "What was closed."),
    "amount_btc": Column(pl.Float64, "BTC", "Size of the position.", minimum=0),
    "price_usd": Column(pl.Float64, "USD", "Price at which it was bankrupt; a USDT counts as a dollar.", minimum=0.01),
}
OPTION_SNAPSHOT: Mapping[str, Column] = {
    "snapshot_time": Column(INSTANT, "UTC", "Newest ts in the reply, to the second."),
    "instrument_name": Column(pl.String, "name", "Such as BTC-USD-260327-80000-C."),
}
OPTION_CHAIN: Mapping[str, Column] = {
    **OPTION_SNAPSHOT,
    "expiry_time": Column(INSTANT, "UTC", "08:00 of the day in the name."),
    "strike_usd": Column(pl.Float64, "USD", "Strike price.", minimum=1),
    "option_type": Column(pl.String, "C or P", "Call or put."),
    "underlying_price_usd": Column(pl.Float64, "USD", "Forward that the option is marked against.", minimum=0.01),
    "mark_iv_pct": Column(pl.Float64, "% a year", "Implied volatility of the mark.", minimum=0, maximum=5_000),
}
OPTION_OPEN_INTEREST: Mapping[str, Column] = {
    **OPTION_SNAPSHOT,
    "open_interest_btc": Column(pl.Float64, "BTC", "Open contracts, in coins.", minimum=0),
}

DATASETS = (
    *(
        candle_dataset(
            PROVIDER,
            name,
            instrument,
            period=period,
            fetch=partial(fetch_candles, instrument=instrument, period=period),
            read=partial(read_bars, instrument=instrument, period=period),
        )
        for name, instrument, period in (
            ("spot_candle_1d", SPOT, DAY),
            ("perp_candle_1d", SWAP, DAY),
            ("perp_candle_1h", SWAP, HOUR),
        )
    ),
    funding_dataset(
        PROVIDER,
        "Settled funding rates of the BTC-USDT perpetual swap, as charged.",
        fetch=fetch_funding,
        read=read_funding_rate,
        columns=UNSTATED_INTERVAL,
        depth=FUNDING_DEPTH,
    ),
    open_interest_dataset(
        PROVIDER,
        "Open interest of the BTC-USDT perpetual swap at the moment of asking.",
        fetch=fetch_open_interest,
        read=read_open_interest_now,
        access=Access.NOW,
    ),
    Dataset(
        provider=PROVIDER,
        name="liquidation",
        bucket=Bucket.LEVERAGE,
        description="Forced orders of the BTC-USDT perpetual swap of about the last day, at most one a second.",
        columns=LIQUIDATION,
        key=("symbol", "liquidated_at", "position_side", "price_usd", "amount_btc"),
        observed="liquidated_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_liquidation,
        read=read_liquidation,
        access=Access.NOW,
        cadence=Cadence.SNAPSHOT,
        may_be_empty=True,
    ),
    *(
        Dataset(
            provider=PROVIDER,
            name=name,
            bucket=Bucket.OPTIONS,
            description=description,
            columns=columns,
            key=("snapshot_time", "instrument_name"),
            observed="snapshot_time",
            period=timedelta(0),
            publication_lag=timedelta(0),
            fetch=fetch,
            read=read,
            access=Access.NOW,
            cadence=Cadence.SNAPSHOT,
        )
        for name, description, columns, fetch, read in (
            (
                "option_summary",
                "Chain of BTC-USD options: forward and mark volatility of every option.",
                OPTION_CHAIN,
                fetch_option_summary,
                read_option_summary,
            ),
            (
                "option_open_interest",
                "Open interest of every BTC-USD option.",
                OPTION_OPEN_INTEREST,
                fetch_option_open_interest,
                read_option_open_interest,
            ),
        )
    ),
)
