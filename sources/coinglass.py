"""CoinGlass, API v4: Bitcoin futures over all venues, open interest and forced liquidations, one figure a UTC day.

Needs a key (header CG-API-KEY); there is no free plan, but the cheapest one answers daily bars of all years. Values may
not be passed on.

Oddities: `code` is a text, and an error may come with HTTP 200; open interest is text, liquidations are numbers; the
liquidation endpoint must be told which exchanges to add up, and a change of that list would change the series. A bar is
stamped with its opening; the running day is sent too and is left out here. Funding is in PERCENT per eight hours, where
exchanges send fractions.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import polars as pl

from sources.dataset import INSTANT, Bucket, Column, Dataset, Provider, Window
from sources.errors import Failure, SourceError
from sources.http import Session
from sources.payload import Parsed, Payload
from sources.periods import DAY, is_unfinished, pieces
from sources.reading import from_ms, part, require_names, strict_json, typed
from sources.venues import milliseconds

API = "https://open-api-v4.coinglass.com/api/futures"
SYMBOL = "BTC"
PAGE = 1000  # bars in a reply, at most
# The venues that carry Bitcoin's forced orders. One list for all time, or the series would jump with it.
EXCHANGES = "Binance,OKX,Bybit,Bitget,Gate,HTX,Hyperliquid,Bitmex,Deribit"

ERRORS: Mapping[str, Failure] = {
    "401": Failure.BAD_KEY,
    "408": Failure.OUTAGE,
    "429": Failure.THROTTLED,
    "500": Failure.OUTAGE,
}


def check(payload: Payload) -> None:
    """Raise SourceError for every code but "0"."""
    content = strict_json(payload)
    code = content.get("code") if isinstance(content, dict) else None
    if code is not None and str(code) != "0":
        raise SourceError(ERRORS.get(str(code), Failure.REFUSED), f"CoinGlass error {code}: {content.get('msg')}.")


PROVIDER = Provider(
    name="coinglass",
    title="CoinGlass",
    home="https://docs.coinglass.com",
    hosts=("open-api-v4.coinglass.com",),
    requests_per_minute=30,  # the cheapest plan
    licence="CoinGlass terms of service; redistribution not granted",
    may_republish=False,
    key_header="CG-API-KEY",
    check=check,
)


def fetch_open_interest(session: Session, window: Window) -> Iterator[Payload]:
    """Daily bars in US dollars, in pieces of a thousand days."""
    yield from _history(session, window, "open-interest/aggregated-history", {"unit": "usd"})


def fetch_liquidation(session: Session, window: Window) -> Iterator[Payload]:
    """Daily sums over the venues of EXCHANGES, in pieces of a thousand days."""
    yield from _history(session, window, "liquidation/aggregated-history", {"exchange_list": EXCHANGES})


def fetch_funding_rate(session: Session, window: Window) -> Iterator[Payload]:
    """Daily bars of funding over all venues, weighted by open interest, in pieces of a thousand days."""
    yield from _history(session, window, "funding-rate/oi-weight-history", {})


def _history(session: Session, window: Window, endpoint: str, more: Mapping[str, object]) -> Iterator[Payload]:
    for piece in pieces(window, PAGE * DAY):
        params = {
            "symbol": SYMBOL,
            "interval": "1d",
            "limit": PAGE,
            "start_time": milliseconds(piece.start),
            "end_time": milliseconds(piece.end) - 1,
        }
        yield session.get(f"{API}/{endpoint}", {**params, **more})


def _read(payload: Payload, columns: Mapping[str, Column], fields: Mapping[str, str]) -> Parsed:
    """One row a finished day; `fields` names the provider's field of each figure."""
    check(payload)  # once more, for answers that were saved by hand
    content = strict_json(payload)
    bars = [bar if isinstance(bar, dict) else {} for bar in part(content, "data", where=payload.url)]
    if bars:
        require_names(bars[0], ("time", *fields.values()), payload.url)
    records, sent = [], []
    for bar in bars:
        open_time = from_ms(bar.get("time"))
        if not is_unfinished(open_time, DAY, payload):
            figures = {column: bar.get(field) for column, field in fields.items()}
            records.append({"symbol": payload.params.get("symbol", SYMBOL), "open_time": open_time, **figures})
            sent.append(bar)
    return typed(records, columns, fetched_at=payload.fetched_at, observed="open_time", sent=sent)


def _columns(figures: Mapping[str, str]) -> Mapping[str, Column]:
    return {
        "symbol": Column(pl.String, "name", "The coin."),
        "open_time": Column(INSTANT, "UTC", "Beginning of the UTC day."),
        **{name: Column(pl.Float64, "USD", description, minimum=0) for name, description in figures.items()},
    }


OPEN_INTEREST = _columns(
    {
        "open_usd": "Open interest at the beginning of the day.",
        "high_usd": "Highest of the day.",
        "low_usd": "Lowest of the day.",
        "close_usd": "Open interest at the end of the day.",
    }
)
FUNDING: Mapping[str, Column] = {
    **_columns({}),
    **{
        f"{name}_pct_8h": Column(pl.Float64, "% per 8 h", f"{what} of the day.", minimum=-10, maximum=10)
        for name, what in (("open", "First rate"), ("high", "Highest"), ("low", "Lowest"), ("close", "Last rate"))
    },
}
LIQUIDATION = _columns(
    {
        "long_liquidation_usd": "Long positions closed by force.",
        "short_liquidation_usd": "Short positions closed by force.",
    }
)
read_open_interest = partial(
    _read,
    columns=OPEN_INTEREST,
    fields={"open_usd": "open", "high_usd": "high", "low_usd": "low", "close_usd": "close"},
)
read_funding_rate = partial(
    _read,
    columns=FUNDING,
    fields={f"{name}_pct_8h": name for name in ("open", "high", "low", "close")},
)
read_liquidation = partial(
    _read,
    columns=LIQUIDATION,
    fields={
        "long_liquidation_usd": "aggregated_long_liquidation_usd",
        "short_liquidation_usd": "aggregated_short_liquidation_usd",
    },
)


def _daily(
    name: str,
    description: str,
    columns: Mapping[str, Column],
    fetch: Callable[[Session, Window], Iterator[Payload]],
    read: Any,
    bucket: Bucket = Bucket.LEVERAGE,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        bucket=bucket,
        description=description,
        columns=columns,
        key=("symbol", "open_time"),
        observed="open_time",
        period=DAY,
        publication_lag=timedelta(0),
        fetch=fetch,
        read=read,
    )


DATASETS = (
    _daily(
        "open_interest",
        "Open interest of all Bitcoin futures and perpetuals over all venues, in US dollars.",
        OPEN_INTEREST,
        fetch_open_interest,
        read_open_interest,
    ),
    _daily(
        "funding_rate",
        "Funding of all Bitcoin perpetuals, weighted by open interest, percent per eight hours.",
        FUNDING,
        fetch_funding_rate,
        read_funding_rate,
        Bucket.DERIVATIVES,
    ),
    _daily(
        "liquidation",
        f"Forced liquidations of the day on {EXCHANGES.replace(',', ', ')}.",
        LIQUIDATION,
        fetch_liquidation,
        read_liquidation,
    ),
)
