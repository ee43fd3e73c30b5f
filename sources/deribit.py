"""Deribit: the Bitcoin option chain, futures, hourly funding, the volatility index DVOL, and option trades. Keyless.

The chain is served only as of now: a missed snapshot is lost for ever, so it is taken four times a day, clear of the
settlement at 08:00 UTC. One reply holds all of it (about 1 000 rows) with mark IV, forward and open interest, but no
greeks. Funding, DVOL and trades go back for years; a trade states its implied volatility, which is the only history of
volatility by strike before the first snapshot. Terms of redistribution are not stated.

Oddities: option prices are in BTC and IV in percent; the day in an instrument's name has no leading zero; an
underlying called `SYN.…` is a forward that the venue builds where no future is listed; a missing bid or ask is null;
rows are computed milliseconds apart, and the newest of their stamps dates the snapshot. Funding accrues continuously:
`interest_1h` is the hour's share, and adding up the hourly `interest_8h` would count eightfold. Open interest of
options counts bitcoin, that of these futures DOLLARS. The test net answers in the same form with `"testnet": true`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import polars as pl

from sources.core.dataset import INSTANT, Access, Bucket, Cadence, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.paging import events
from sources.core.parsing import from_ms, part, require, require_in_some, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import DAY, days, is_unfinished, pieces
from sources.core.venues import (
    FUNDING_COLUMNS,
    HOUR,
    MILLISECOND,
    bars,
    funding_dataset,
    milliseconds,
    over,
    readings,
    stamps_of,
)

API = "https://www.deribit.com/api/v2/public"
TRADES = "https://history.deribit.com/api/v2/public/get_last_trades_by_currency_and_time"
TRADES_A_DAY = 1000  # the most in a reply
PERPETUAL = "BTC-PERPETUAL"
FUNDING_PAGE = timedelta(days=30)  # a reply holds 744 hours and has no cursor

ERRORS: Mapping[int, Failure] = {
    10028: Failure.THROTTLED,  # too_many_requests
    10066: Failure.THROTTLED,  # too_many_concurrent_requests
    10040: Failure.OUTAGE,  # retry
    10041: Failure.OUTAGE,  # settlement_in_progress
    11051: Failure.OUTAGE,  # system_maintenance
}
# Errors are short; the chain of 400 kB is not decoded twice to look for one.
LONGEST_ERROR = 4_096
_TESTNET = re.compile(rb'"testnet"\s*:\s*"?true')
_FUTURE = re.compile(r"BTC-(?:PERPETUAL|(\d{1,2}[A-Z]{3}\d{2}))")
_OPTION = re.compile(r"BTC-(\d{1,2}[A-Z]{3}\d{2})-(\d+)-([CP])")
NO_INSTRUMENT = (None, None, None)


def check(payload: Payload) -> None:
    """Raise SourceError for the test net's data and for an error sent in place of a result."""
    if _TESTNET.search(payload.body):
        raise SourceError(Failure.NOT_DATA, f"{payload.url} answered from Deribit's test net.")
    if len(payload.body) > LONGEST_ERROR:
        return
    content = strict_json(payload)
    error = content.get("error") if isinstance(content, dict) else None
    if isinstance(error, dict):
        code = error.get("code")
        failure = ERRORS.get(code, Failure.REFUSED) if isinstance(code, int) else Failure.REFUSED
        data = error.get("data")
        reason = f" ({data.get('param')}: {data.get('reason')})" if isinstance(data, dict) else ""
        raise SourceError(failure, f"Deribit error {code}: {error.get('message')}{reason}.")


PROVIDER = Provider(
    name="deribit",
    title="Deribit",
    home="https://docs.deribit.com",
    hosts=("www.deribit.com", "history.deribit.com"),
    requests_per_minute=300,  # about 20 a second with an account; no figure is published for keyless use
    licence="Terms of use of Deribit; redistribution not granted",
    may_republish=False,
    venue="deribit",
    check=check,
    described_by=specification("https://docs.deribit.com"),
    recorded={
        "option_chain": "deribit/get_book_summary_by_currency_option_BTC_20260805.json",
        "funding_rate": "deribit/get_funding_rate_history_BTC-PERPETUAL.json",
        "dvol": "deribit/get_volatility_index_data_BTC_43200.json",
        "future_summary": "deribit/get_book_summary_by_currency_future_BTC_20260920.json",
        "option_trade": "deribit/get_last_trades_by_currency_option_BTC.json",
    },
)


def fetch_option_chain(session: Session, window: Window) -> Iterator[Payload]:
    """The chain of this moment; the past cannot be asked for."""
    yield session.get(f"{API}/get_book_summary_by_currency", {"currency": "BTC", "kind": "option"})


def read_option_chain(payload: Payload) -> Parsed:
    """One row an option, stamped with the newest row's time, to the second.

    Options that had expired by then (they stay listed for moments after 08:00) are left out: they are no longer open.
    """
    rows, snapshot_time = _snapshot(payload, REQUIRED_FIELDS)
    records = []
    sent = []
    for row in rows:
        name = row.get("instrument_name")
        expiry_time, strike_usd, option_type = _instrument(name) if isinstance(name, str) else NO_INSTRUMENT
        if expiry_time is None or not isinstance(snapshot_time, datetime) or expiry_time > snapshot_time:
            values = (snapshot_time, name, expiry_time, strike_usd, option_type, *map(row.get, CHAIN_FIELDS.values()))
            records.append(dict(zip(CHAIN, values, strict=True)))
            sent.append(row)
    return typed(records, CHAIN, fetched_at=payload.fetched_at, observed="snapshot_time", sent=sent)


def _snapshot(payload: Payload, required: Collection[str]) -> tuple[list[dict[str, Any]], object]:
    """The rows of a book summary, and the newest of their stamps, to the second."""
    rows = [row if isinstance(row, dict) else {"instrument_name": row} for row in _result(payload)]
    if rows:
        require_in_some(rows, required, payload.url)
    stamps = [stamp for row in rows if isinstance(stamp := row.get("creation_timestamp"), int)]
    return rows, from_ms(max(stamps, default=0) // 1000 * 1000)


def fetch_future_summary(session: Session, window: Window) -> Iterator[Payload]:
    """The futures of this moment; the past cannot be asked for."""
    yield session.get(f"{API}/get_book_summary_by_currency", {"currency": "BTC", "kind": "future"})


def read_future_summary(payload: Payload) -> Parsed:
    """One row a future, the perpetual included, stamped with the newest row's time, to the second."""
    rows, snapshot_time = _snapshot(payload, (*FUTURE_FIELDS.values(), "instrument_name", "creation_timestamp"))
    records = []
    for row in rows:
        name = row.get("instrument_name")
        match = _FUTURE.fullmatch(name) if isinstance(name, str) else None
        records.append(
            {
                "snapshot_time": snapshot_time,
                "instrument_name": name if match else None,
                "expiry_time": _expiry(match[1]) if match and match[1] else None,
                "open_interest_btc": over(row.get("open_interest"), row.get("mark_price")),
                **{column: row.get(field) for column, field in FUTURE_FIELDS.items()},
            }
        )
    return typed(records, FUTURE, fetched_at=payload.fetched_at, observed="snapshot_time", sent=rows)


def fetch_option_trade(session: Session, window: Window) -> Iterator[Payload]:
    """The last thousand trades of each UTC day: hours before its end, and one request a day for years of history.

    Another request only where a reply held fewer and the day had more.
    """
    for day in days(window):
        yield from _last_trades(session, milliseconds(datetime.combine(day, time(), UTC)))


def _last_trades(session: Session, midnight: int) -> Iterator[Payload]:
    asked = {"currency": "BTC", "kind": "option", "count": TRADES_A_DAY, "sorting": "desc"}
    seen = set[object]()

    def ask(start: int, end: int) -> Payload:
        return session.get(TRADES, {**asked, "start_timestamp": start, "end_timestamp": end})

    def traded(payload: Payload) -> list[int]:
        return stamps_of((_object(trade).get("timestamp") for trade in _trades(payload)), payload)

    for payload in events(ask, traded, midnight, midnight + DAY // MILLISECOND - 1):
        yield payload
        seen |= {str(_object(trade).get("trade_id")) for trade in _trades(payload)}
        if len(seen) >= TRADES_A_DAY:
            return


def _trades(payload: Payload) -> list[Any]:
    return list(part(_envelope(payload), "result", "trades", where=payload.url))


def read_option_trade(payload: Payload) -> Parsed:
    """One row a trade. Raises CHANGED_LAYOUT for a combination, whose legs are told again as trades of their own."""
    trades = _trades(payload)
    rows = [trade if isinstance(trade, dict) else {"trade_id": None} for trade in trades]
    if rows:
        require_in_some(rows, ("timestamp", *TRADE_FIELDS.values()), payload.url)
    require(not any("legs" in row for row in rows), f"{payload.url} sent combinations where options were asked for.")
    records = []
    for row in rows:
        name = row.get("instrument_name")
        expiry_time, strike_usd, option_type = _instrument(name) if isinstance(name, str) else NO_INSTRUMENT
        records.append(
            {
                "traded_at": from_ms(row.get("timestamp")),
                "expiry_time": expiry_time,
                "strike_usd": strike_usd,
                "option_type": option_type,
                "liquidation": row.get("liquidation"),
                **{column: row.get(field) for column, field in TRADE_FIELDS.items()},
            }
        )
    return typed(records, TRADE, fetched_at=payload.fetched_at, observed="traded_at", sent=trades)


def fetch_funding_rate(session: Session, window: Window) -> Iterator[Payload]:
    """Hourly funding, in pieces of 30 days."""

    def ask(start: int, end: int) -> Payload:
        params = {"instrument_name": PERPETUAL, "start_timestamp": start, "end_timestamp": end}
        return session.get(f"{API}/get_funding_rate_history", params)

    def settled(payload: Payload) -> list[int]:
        return stamps_of((_object(row).get("timestamp") for row in _result(payload)), payload)

    for piece in pieces(window, FUNDING_PAGE):
        yield from readings(ask, settled, session, piece)


def read_funding_rate(payload: Payload) -> Parsed:
    """One row an hour: the share of the hour that ends at the stamp."""
    rows = _result(payload)
    symbol = payload.params.get("instrument_name", PERPETUAL)
    records = [
        {
            "symbol": symbol,
            "funding_time": from_ms(row.get("timestamp")),
            "funding_rate": row.get("interest_1h"),
            "interval_hours": 1.0,
        }
        for row in map(_object, rows)
    ]
    if rows:
        require_in_some(rows, ("timestamp", "interest_1h"), payload.url)
    return typed(records, FUNDING_COLUMNS, fetched_at=payload.fetched_at, observed="funding_time", sent=rows)


def fetch_dvol(session: Session, window: Window) -> Iterator[Payload]:
    """Hourly bars, newest page first."""

    def ask(start: int, end: int) -> Payload:
        params = {"currency": "BTC", "start_timestamp": start, "end_timestamp": end, "resolution": 3600}
        return session.get(f"{API}/get_volatility_index_data", params)

    def opened(payload: Payload) -> list[int]:
        listed = part(_envelope(payload), "result", "data", where=payload.url)
        return stamps_of((bar[0] for bar in listed if isinstance(bar, list) and bar), payload)

    yield from bars(ask, opened, session, window, HOUR)


def read_dvol(payload: Payload) -> Parsed:
    """One row a finished hour; the hour that was running at the time of asking is left out."""
    listed = part(_envelope(payload), "result", "data", where=payload.url)
    records = []
    sent: list[object] = []
    for bar in listed:
        # A bar of another length is refused as a whole: it has no time.
        values = bar if isinstance(bar, list) and len(bar) == 5 else [None] * 5
        open_time = from_ms(values[0])
        if not is_unfinished(open_time, HOUR, payload):
            records.append(dict(zip(DVOL, (open_time, *values[1:]), strict=True)))
            sent.append(bar)
    return typed(records, DVOL, fetched_at=payload.fetched_at, observed="open_time", sent=sent)


def _envelope(payload: Payload) -> dict[str, Any]:
    check(payload)  # once more, for answers that were saved by hand
    return dict(part(strict_json(payload), kind=dict, where=payload.url))


def _result(payload: Payload) -> list[Any]:
    return list(part(_envelope(payload), "result", where=payload.url))


def _object(row: object) -> dict[str, Any]:
    return row if isinstance(row, dict) else {}


@lru_cache(maxsize=8192)  # the same names come again in every snapshot
def _instrument(name: str) -> tuple[datetime | None, float | None, str | None]:
    """Expiry (08:00 UTC), strike and type out of a name such as `BTC-6FEB26-78000-P`; nothing for any other name."""
    match = _OPTION.fullmatch(name)
    if match is None:
        return NO_INSTRUMENT
    expiry_time = _expiry(match[1])
    return NO_INSTRUMENT if expiry_time is None else (expiry_time, float(match[2]), match[3])


def _expiry(text: str) -> datetime | None:
    """08:00 UTC of a day such as `6FEB26`; None for no day."""
    try:
        return datetime.strptime(text, "%d%b%y") + timedelta(hours=8)
    except ValueError:
        return None


CHAIN: Mapping[str, Column] = {
    "snapshot_time": Column(INSTANT, "UTC", "Newest creation_timestamp in the reply, to the second."),
    "instrument_name": Column(pl.String, "name", "Such as BTC-27FEB26-60000-P."),
    "expiry_time": Column(INSTANT, "UTC", "08:00 of the day in the name."),
    "strike_usd": Column(pl.Float64, "USD", "Strike price.", minimum=1),
    "option_type": Column(pl.String, "C or P", "Call or put."),
    "underlying_price_usd": Column(pl.Float64, "USD", "Forward that the option is marked against.", minimum=0.01),
    "underlying_index": Column(pl.String, "name", "Future of the expiry, or SYN.… where none is listed."),
    "index_price_usd": Column(pl.Float64, "USD", "Index level at that moment.", nullable=True, minimum=0.01),
    "mark_price_btc": Column(pl.Float64, "BTC", "The venue's fair price.", minimum=0),
    "bid_price_btc": Column(pl.Float64, "BTC", "Best bid, null without one.", nullable=True, minimum=0),
    "ask_price_btc": Column(pl.Float64, "BTC", "Best offer, null without one.", nullable=True, minimum=0),
    "mark_iv_pct": Column(pl.Float64, "% a year", "Implied volatility of the mark.", minimum=0, maximum=5_000),
    "open_interest_btc": Column(pl.Float64, "BTC", "Contracts of one BTC.", minimum=0),
    "volume_btc": Column(pl.Float64, "BTC", "Volume of 24 hours.", nullable=True, minimum=0),
}
# The last columns of CHAIN, in its order -> the venue's fields.
CHAIN_FIELDS: Mapping[str, str] = {
    "underlying_price_usd": "underlying_price",
    "underlying_index": "underlying_index",
    "index_price_usd": "estimated_delivery_price",
    "mark_price_btc": "mark_price",
    "bid_price_btc": "bid_price",
    "ask_price_btc": "ask_price",
    "mark_iv_pct": "mark_iv",
    "open_interest_btc": "open_interest",
    "volume_btc": "volume",
}
REQUIRED_FIELDS = ("instrument_name", "creation_timestamp", *set(CHAIN_FIELDS.values()) - {"estimated_delivery_price"})
DVOL: Mapping[str, Column] = {
    "open_time": Column(INSTANT, "UTC", "Beginning of the hour."),
    "open_pct": Column(pl.Float64, "% a year", "First value of the hour.", minimum=0.01),
    "high_pct": Column(pl.Float64, "% a year", "Highest value.", minimum=0.01),
    "low_pct": Column(pl.Float64, "% a year", "Lowest value.", minimum=0.01),
    "close_pct": Column(pl.Float64, "% a year", "Last value.", minimum=0.01),
}
FUTURE: Mapping[str, Column] = {
    "snapshot_time": Column(INSTANT, "UTC", "Newest creation_timestamp in the reply, to the second."),
    "instrument_name": Column(pl.String, "name", "Such as BTC-27MAR26 or BTC-PERPETUAL."),
    "expiry_time": Column(INSTANT, "UTC", "08:00 of the day in the name; null for the perpetual.", nullable=True),
    "open_interest_btc": Column(pl.Float64, "BTC", "Open interest at the mark.", minimum=0),
    "open_interest_usd": Column(pl.Float64, "USD", "Open interest as published.", minimum=0),
    "mark_price_usd": Column(pl.Float64, "USD", "The venue's fair price.", minimum=0.01),
    "index_price_usd": Column(pl.Float64, "USD", "Index level at that moment.", minimum=0.01),
    "volume_btc": Column(pl.Float64, "BTC", "Volume of 24 hours.", nullable=True, minimum=0),
}
FUTURE_FIELDS: Mapping[str, str] = {
    "open_interest_usd": "open_interest",
    "mark_price_usd": "mark_price",
    "index_price_usd": "estimated_delivery_price",
    "volume_btc": "volume",
}
TRADE: Mapping[str, Column] = {
    "trade_id": Column(pl.String, "name", "Number of the trade among all of the currency."),
    "traded_at": Column(INSTANT, "UTC", "Time of the trade."),
    "instrument_name": Column(pl.String, "name", "Such as BTC-27FEB26-60000-P."),
    "expiry_time": Column(INSTANT, "UTC", "08:00 of the day in the name."),
    "strike_usd": Column(pl.Float64, "USD", "Strike price.", minimum=1),
    "option_type": Column(pl.String, "C or P", "Call or put."),
    "direction": Column(pl.String, "buy or sell", "What the taker did."),
    "price_btc": Column(pl.Float64, "BTC", "Price paid.", minimum=0),
    "amount_btc": Column(pl.Float64, "BTC", "Size: contracts of one BTC.", minimum=0),
    "iv_pct": Column(pl.Float64, "% a year", "Volatility that the price implies.", minimum=0, maximum=5_000),
    "mark_price_btc": Column(pl.Float64, "BTC", "The venue's fair price at that moment.", minimum=0),
    "index_price_usd": Column(pl.Float64, "USD", "Index level at that moment.", minimum=0.01),
    "liquidation": Column(pl.String, "M, T or MT", "Side that was closed by force, null for none.", nullable=True),
}
TRADE_FIELDS: Mapping[str, str] = {
    "trade_id": "trade_id",
    "instrument_name": "instrument_name",
    "direction": "direction",
    "price_btc": "price",
    "amount_btc": "amount",
    "iv_pct": "iv",
    "mark_price_btc": "mark_price",
    "index_price_usd": "index_price",
}

DATASETS = (
    Dataset(
        provider=PROVIDER,
        name="option_chain",
        bucket=Bucket.OPTIONS,
        description="Whole Bitcoin option chain at one moment: marks, implied volatility, forwards and open interest.",
        columns=CHAIN,
        key=("snapshot_time", "instrument_name"),
        observed="snapshot_time",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_option_chain,
        read=read_option_chain,
        access=Access.NOW,
        cadence=Cadence.SNAPSHOT,
    ),
    funding_dataset(
        PROVIDER,
        "Funding of the inverse Bitcoin perpetual, hour by hour.",
        fetch=fetch_funding_rate,
        read=read_funding_rate,
        every=HOUR,
    ),
    Dataset(
        provider=PROVIDER,
        name="dvol",
        bucket=Bucket.OPTIONS,
        description="DVOL, the venue's index of 30-day implied volatility, hourly bars.",
        columns=DVOL,
        key=("open_time",),
        observed="open_time",
        period=HOUR,
        publication_lag=timedelta(0),
        fetch=fetch_dvol,
        read=read_dvol,
    ),
    Dataset(
        provider=PROVIDER,
        name="future_summary",
        bucket=Bucket.LEVERAGE,
        description="Inverse Bitcoin futures and the perpetual at one moment: marks, index and open interest.",
        columns=FUTURE,
        key=("snapshot_time", "instrument_name"),
        observed="snapshot_time",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_future_summary,
        read=read_future_summary,
        access=Access.NOW,
        cadence=Cadence.SNAPSHOT,
    ),
    Dataset(
        provider=PROVIDER,
        name="option_trade",
        bucket=Bucket.OPTIONS,
        description="The last thousand option trades of each UTC day, with the volatility that they imply.",
        columns=TRADE,
        key=("trade_id",),
        observed="traded_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch_option_trade,
        read=read_option_trade,
        reread=DAY,
        first_history=timedelta(days=90),
    ),
)
