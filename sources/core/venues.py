"""What the exchanges have in common: candles, funding rates and open interest, and how to page through them.

The wire formats differ and stay with each provider; here is what a row means once it is read.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from sources.core.dataset import INSTANT, Access, Bucket, Cadence, Column, Dataset, MarketType, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.paging import Ask, Stamps, covered
from sources.core.parsing import FUTURE_TOLERANCE, from_ms, typed
from sources.core.payload import Parsed, Payload, Reject

if TYPE_CHECKING:
    from sources.core.http import Session

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)

# What a first run asks of daily spot bars: a level looks back on 819 days, and half a year of dates shall have one.
LEVEL_HISTORY = timedelta(days=1000)

LONGEST_FUNDING_INTERVAL = timedelta(hours=8)  # of those that exchanges use for bitcoin

Fetch = Callable[["Session", Window], Iterator[Payload]]
Read = Callable[[Payload], Parsed]

_SYMBOL = Column(pl.String, "", "Symbol as the exchange writes it.")
# A price of zero is no price, and no exchange has ever traded a bitcoin under a cent.
_price = partial(Column, pl.Float64, "USD", minimum=0.01)

CANDLE_COLUMNS: Mapping[str, Column] = {
    "symbol": _SYMBOL,
    "open_time": Column(INSTANT, "UTC", "Start of the bar."),
    "open_usd": _price("First price; a USDT counts as a dollar."),
    "high_usd": _price("Highest price."),
    "low_usd": _price("Lowest price."),
    "close_usd": _price("Last price."),
    "volume_btc": Column(pl.Float64, "BTC", "Traded volume.", minimum=0),
}
TAKER_COLUMN: Mapping[str, Column] = {
    "taker_buy_btc": Column(pl.Float64, "BTC", "Part of the volume bought by takers.", nullable=True, minimum=0),
}
FUNDING_COLUMNS: Mapping[str, Column] = {
    "symbol": _SYMBOL,
    "funding_time": Column(INSTANT, "UTC", "Time of settlement, rounded to the minute."),
    # Caps are 0.3 % to 4 %: beyond 10 % the unit has changed.
    "funding_rate": Column(
        pl.Float64, "fraction per interval", "Paid by longs to shorts when positive.", minimum=-0.1, maximum=0.1
    ),
    "interval_hours": Column(
        pl.Float64, "h", "Time that the rate covers, ending at the settlement, as stated.", minimum=1, maximum=24
    ),
}
# Of exchanges that do not state the interval: it follows from the settlement before, once both are stored.
UNSTATED_INTERVAL: Mapping[str, Column] = {
    **FUNDING_COLUMNS,
    "interval_hours": replace(FUNDING_COLUMNS["interval_hours"], nullable=True),
}
OPEN_INTEREST_COLUMNS: Mapping[str, Column] = {
    "symbol": _SYMBOL,
    "observed_at": Column(INSTANT, "UTC", "Time of the reading."),
    "open_interest_btc": Column(pl.Float64, "BTC", "Open contracts, each counted once.", minimum=0, may_be_zero=False),
    "open_interest_usd": Column(
        pl.Float64,
        "USD",
        "The same in dollars, where the exchange says.",
        nullable=True,
        minimum=0,
        may_be_zero=False,
    ),
}


def read_candles(
    payload: Payload,
    sent: Sequence[object],
    candle: Callable[[Any], Mapping[str, object]],
    *,
    symbol: str,
    period: timedelta,
    columns: Mapping[str, Column] = CANDLE_COLUMNS,
) -> Parsed:
    """Rows of the finished bars among `sent`; `candle` names the fields of one of them, without its symbol.

    The running bar is left out. Refused is a bar that opens off the grid of `period` (a day by another clock, another
    bar length) and one whose prices contradict each other.
    """
    fetched_at = payload.fetched_at.astimezone(UTC).replace(tzinfo=None)
    records, kept, rejects, running = [], [], [], 0
    for bar in sent:
        record = {"symbol": symbol, **candle(bar)}
        opened = record["open_time"]
        if isinstance(opened, datetime):
            if opened <= fetched_at + FUTURE_TOLERANCE and opened + period > fetched_at:
                running += 1
                continue
            if (opened - datetime(1970, 1, 1)) % period:
                rejects.append(Reject(f"open_time: {opened} does not begin a bar of {period}", json.dumps(bar)))
                continue
        records.append(record)
        kept.append(bar)
    parsed = typed(
        records,
        columns,
        fetched_at=payload.fetched_at,
        observed="open_time",
        sent=kept,
        rejects=rejects,
        left_out={"bar still runs": running} if running else None,
    )
    outside = (pl.max_horizontal("open_usd", "close_usd") > pl.col("high_usd")) | (
        pl.min_horizontal("open_usd", "close_usd") < pl.col("low_usd")
    )
    contradictory = parsed.rows.filter(outside)["open_time"].to_list()
    if not contradictory:
        return parsed
    texts = {str(record["open_time"]): json.dumps(bar) for record, bar in zip(records, kept, strict=True)}
    reason = "open_usd, close_usd: outside the bar's low and high"
    refused = (Reject(reason, texts[str(time)]) for time in contradictory)
    return Parsed(parsed.rows.remove(outside), (*parsed.rejects, *refused), parsed.left_out)


def read_funding(
    payload: Payload,
    sent: Sequence[Any],
    settlement: Callable[[Any], Mapping[str, object]],
    columns: Mapping[str, Column] = FUNDING_COLUMNS,
    left_out: Mapping[str, int] | None = None,
) -> Parsed:
    """Rows of settled funding rates; `settlement` gives symbol, funding_time and funding_rate of one of `sent`.

    Stamps are a few milliseconds late and are rounded to the minute. Where a settlement gives no `interval_hours`, it
    stays open here: a page does not know its neighbours, and lists of present intervals say nothing about the past. It
    follows from the distance to the settlement before, once both are stored.
    """
    records = [{"interval_hours": None, **settlement(entry)} for entry in sent]
    for record in records:
        stamp = record["funding_time"]
        if isinstance(stamp, datetime):
            record["funding_time"] = (stamp + timedelta(seconds=30)).replace(second=0, microsecond=0)
    return typed(records, columns, fetched_at=payload.fetched_at, observed="funding_time", sent=sent, left_out=left_out)


def read_open_interest(
    payload: Payload,
    sent: Sequence[Any],
    reading: Callable[[Any], Mapping[str, object]],
    left_out: Mapping[str, int] | None = None,
) -> Parsed:
    """Rows of open interest; `reading` gives all columns of one of `sent`."""
    records = [reading(entry) for entry in sent]
    return typed(
        records,
        OPEN_INTEREST_COLUMNS,
        fetched_at=payload.fetched_at,
        observed="observed_at",
        sent=sent,
        left_out=left_out,
    )


def asked_at(payload: Payload) -> datetime:
    """The moment of asking, to the second, naive UTC: the time of a reading whose answer carries none."""
    return payload.fetched_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def number(value: object) -> float | None:
    """A number or a number in text, to compute with; None for anything else, which `typed` then refuses."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def times(amount: object, price: object) -> float | None:
    """An amount of bitcoin in dollars. None, which `typed` refuses, where one of the two is no number."""
    left, right = number(amount), number(price)
    return None if left is None or right is None else left * right


def over(amount: object, price: object) -> float | None:
    """An amount of dollars in bitcoin. None, which `typed` refuses, where one of the two is no number or 0."""
    left, right = number(amount), number(price)
    return None if left is None or not right else left / right


def cells(entry: object, names: Sequence[str], payload: Payload) -> dict[str, Any]:
    """A positional record by name. Raises CHANGED_LAYOUT when it is no list of exactly these."""
    if not isinstance(entry, list) or len(entry) != len(names):
        what = f"{payload.url}: a record {entry!r:.80} where {len(names)} values were expected: {', '.join(names)}."
        raise SourceError(Failure.CHANGED_LAYOUT, what)
    return dict(zip(names, entry, strict=True))


def fields(entry: object, names: Sequence[str]) -> Mapping[str, Any]:
    """A named record; None for a name that it lacks, which `typed` refuses or takes as the column says."""
    return {**dict.fromkeys(names), **(entry if isinstance(entry, dict) else {})}


def milliseconds(instant: datetime) -> int:
    """An aware instant in milliseconds since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND


def bars(ask: Ask, opened: Stamps, session: "Session", window: Window, period: timedelta) -> Iterator[Payload]:
    """Pages that cover the bars of a window; `ask` takes milliseconds, both ends included."""
    last_finished = milliseconds(min(window.end, session.now()) - period)
    yield from covered(
        ask,
        opened,
        milliseconds(window.start),
        milliseconds(window.end) - 1,
        step=period // MILLISECOND,
        due=last_finished,
    )


def settlements(ask: Ask, settled: Stamps, session: "Session", window: Window) -> Iterator[Payload]:
    """Pages that cover the settlements of a window and the one before it, which tells the first one's interval."""
    wide = Window(window.start - LONGEST_FUNDING_INTERVAL, window.end)
    yield from readings(ask, settled, session, wide, longest=LONGEST_FUNDING_INTERVAL)


def readings(
    ask: Ask, read_at: Stamps, session: "Session", window: Window, *, longest: timedelta = HOUR
) -> Iterator[Payload]:
    """Pages that cover the readings of a window, an hour to `longest` apart; `ask` takes milliseconds, both ends
    included.
    """
    yield from covered(
        ask,
        read_at,
        milliseconds(window.start),
        milliseconds(window.end) - 1,
        step=HOUR // MILLISECOND,
        longest=longest // MILLISECOND,
        due=milliseconds(session.now()),
    )


def stamps_of(values: Iterable[object], payload: Payload, read: Callable[[object], object] = from_ms) -> list[int]:
    """The times on a page, in milliseconds: they decide where the next page begins. What is no time is passed over
    here and refused by the reader. Raises CHANGED_LAYOUT when a page has rows and not one time.
    """
    sent = list(values)
    read_times = [stamp for value in sent if isinstance(stamp := read(value), datetime)]
    if sent and not read_times:
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sent {sent[0]!r:.80} where a time was expected.")
    return [milliseconds(stamp.replace(tzinfo=UTC)) for stamp in read_times]


def candle_dataset(
    provider: Provider,
    name: str,
    symbol: str,
    *,
    period: timedelta,
    fetch: Fetch,
    read: Read,
    taker: bool = False,
    depth: timedelta | None = None,
) -> Dataset:
    """The declaration of a table of candles."""
    kind, _, bar = name.rpartition("_")
    market = {"spot_candle": MarketType.SPOT, "perp_candle": MarketType.PERP}[kind]
    traded = {MarketType.SPOT: "Spot", MarketType.PERP: "Perpetual swap"}[market]
    pace = {"1d": "one a UTC day", "1h": "one an hour"}[bar]
    return Dataset(
        provider=provider,
        name=name,
        bucket=Bucket.PRICE,
        description=f"{traded} bars of {symbol}, {pace}; finished ones only.",
        columns={**CANDLE_COLUMNS, **(TAKER_COLUMN if taker else {})},
        key=("symbol", "open_time"),
        observed="open_time",
        period=period,
        publication_lag=timedelta(0),
        fetch=fetch,
        read=read,
        depth=depth,
        market=market,
        first_history=LEVEL_HISTORY if name == "spot_candle_1d" else None,
    )


def funding_dataset(
    provider: Provider,
    description: str,
    *,
    fetch: Fetch,
    read: Read,
    depth: timedelta | None = None,
    columns: Mapping[str, Column] = FUNDING_COLUMNS,
    every: timedelta = LONGEST_FUNDING_INTERVAL,
) -> Dataset:
    """The declaration of a table of settled funding rates, called `funding_rate`."""
    return Dataset(
        provider=provider,
        name="funding_rate",
        bucket=Bucket.DERIVATIVES,
        description=description,
        columns=columns,
        every=every,
        key=("symbol", "funding_time"),
        observed="funding_time",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch,
        read=read,
        depth=depth,
    )


def open_interest_dataset(
    provider: Provider,
    description: str,
    *,
    fetch: Fetch,
    read: Read,
    depth: timedelta | None = None,
    access: Access = Access.WINDOW,
) -> Dataset:
    """The declaration of a table of open interest, called `open_interest`."""
    return Dataset(
        provider=provider,
        name="open_interest",
        bucket=Bucket.LEVERAGE,
        description=description,
        columns=OPEN_INTEREST_COLUMNS,
        key=("symbol", "observed_at"),
        observed="observed_at",
        period=timedelta(0),
        publication_lag=timedelta(0),
        fetch=fetch,
        read=read,
        depth=depth,
        access=access,
        every=None if access is Access.NOW else HOUR,
        cadence=Cadence.SNAPSHOT if access is Access.NOW else Cadence.DAILY,
    )
