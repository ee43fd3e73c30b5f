"""CoinGlass, API v4: Bitcoin futures over all venues, open interest and forced liquidations, one figure a UTC day;
and the flows of the US spot Bitcoin funds.

Needs a key (header CG-API-KEY); there is no free plan, but the cheapest one answers daily bars of all years. Values may
not be passed on.

Oddities: `code` is a text, and an error may come with HTTP 200; open interest is text, liquidations are numbers; the
liquidation endpoint must be told which exchanges to add up, and a change of that list would change the series. A bar is
stamped with its opening; the running day is sent too and is left out here. Funding is in PERCENT per eight hours, where
exchanges send fractions. The flows are Farside's times a million: that the two agree confirms nothing. A fund without a
figure yet has no `flow_usd`, and the total counts it as nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import polars as pl

from sources.core.dataset import INSTANT, Bucket, Cadence, Calendar, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.parsing import from_ms, part, require_in_some, require_names, strict_json, typed
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import DAY, is_unfinished, pieces
from sources.core.venues import bars, stamps_of

API = "https://open-api-v4.coinglass.com/api/futures"
ETF_FLOWS = "https://open-api-v4.coinglass.com/api/etf/bitcoin/flow-history"
TOTAL = "TOTAL"
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
    described_by=specification("https://docs.coinglass.com/reference"),
    recorded={
        "etf_flow": "coinglass/etf_bitcoin_flow_history.json",
    },
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
    asked = {"symbol": SYMBOL, "interval": "1d", "limit": PAGE, **more}

    def ask(start: int, end: int) -> Payload:
        return session.get(f"{API}/{endpoint}", {**asked, "start_time": start, "end_time": end})

    for piece in pieces(window, PAGE * DAY):
        yield from bars(ask, _opened, session, piece, DAY)


def _opened(payload: Payload) -> list[int]:
    listed = part(strict_json(payload), "data", where=payload.url)
    return stamps_of((bar.get("time") for bar in listed if isinstance(bar, dict)), payload)


def fetch_etf_flow(session: Session, window: Window) -> Iterator[Payload]:
    """All trading dates; the endpoint takes no dates."""
    yield session.get(ETF_FLOWS)


def read_etf_flow(payload: Payload) -> Parsed:
    """One row a trading date and fund, and one for the total as shown (fund TOTAL); null where a fund has no figure."""
    check(payload)  # once more, for answers that were saved by hand
    dates = [row if isinstance(row, dict) else {} for row in part(strict_json(payload), "data", where=payload.url)]
    require_in_some(dates, ("timestamp", "flow_usd"), payload.url)
    listed = [fund for row in dates for fund in _funds(row)]
    if listed:
        # A fund may lack its flow, but never all of them on all dates.
        names = {name for fund in listed for name in fund}
        require_names(names, ("etf_ticker", "flow_usd"), f"{payload.url}, etf_flows")
    records: list[Mapping[str, object]] = []
    sent: list[object] = []
    for row in dates:
        day = _date(from_ms(row.get("timestamp")))
        for fund in _funds(row):
            records.append({"trade_date": day, "fund": fund.get("etf_ticker"), "flow_usd": fund.get("flow_usd")})
            sent.append(fund)
        records.append({"trade_date": day, "fund": TOTAL, "flow_usd": row.get("flow_usd")})
        sent.append(row)
    return typed(records, ETF_FLOW, fetched_at=payload.fetched_at, observed="trade_date", sent=sent)


def _funds(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The funds of a date; what is no fund becomes one without a name, to be refused."""
    funds = row.get("etf_flows", [])
    return [fund if isinstance(fund, dict) else {} for fund in (funds if isinstance(funds, list) else [funds])]


def _date(stamp: object) -> object:
    """The date of a stamp at midnight; any other stamp comes back unchanged, for `typed` to refuse."""
    is_midnight = isinstance(stamp, datetime) and (stamp.hour, stamp.minute, stamp.second) == (0, 0, 0)
    return stamp.date() if is_midnight and isinstance(stamp, datetime) else stamp


def _read(payload: Payload, columns: Mapping[str, Column], fields: Mapping[str, str]) -> Parsed:
    """One row a finished day; `fields` names the provider's field of each figure."""
    check(payload)  # once more, for answers that were saved by hand
    content = strict_json(payload)
    listed = [bar if isinstance(bar, dict) else {} for bar in part(content, "data", where=payload.url)]
    require_in_some(listed, ("time", *fields.values()), payload.url)
    records, sent = [], []
    for bar in listed:
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
ETF_FLOW: Mapping[str, Column] = {
    "trade_date": Column(pl.Date, "New York trading date", "Date that the flow belongs to."),
    "fund": Column(pl.String, "ticker", "Fund, or TOTAL as shown: the sum of what had arrived."),
    "flow_usd": Column(
        pl.Float64, "USD", "Net flow, null while not reported.", nullable=True, minimum=-100e9, maximum=100e9
    ),
}
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
    Dataset(
        provider=PROVIDER,
        name="etf_flow",
        bucket=Bucket.FLOWS,
        description="Net flow of each US spot Bitcoin fund and trading date, and the total, as CoinGlass shows them.",
        columns=ETF_FLOW,
        key=("trade_date", "fund"),
        observed="trade_date",
        period=DAY,
        publication_lag=timedelta(hours=12),
        fetch=fetch_etf_flow,
        read=read_etf_flow,
        cadence=Cadence.ETF,
        calendar=Calendar.US_TRADING,
        final_after=timedelta(hours=12),
    ),
)
