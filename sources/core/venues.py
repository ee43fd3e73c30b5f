"""What the exchanges have in common: candles, funding rates and open interest, and how to page through them.

The wire formats differ and stay with each provider; here is what a row means once it is read.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from sources.core.dataset import INSTANT, Access, Bucket, Cadence, Column, Dataset, MarketType, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.parsing import FUTURE_TOLERANCE, from_ms, part, require_names, typed
from sources.core.payload import Parsed, Payload, Reject

if TYPE_CHECKING:
    from sources.core.http import Session

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)

# What a first run asks of daily spot bars: a level looks back on 819 days, and half a year of dates shall have one.
LEVEL_HISTORY = timedelta(days=1000)

# Funding is settled every eight hours on BTC perpetuals unless the stamps on a page say otherwise.
DEFAULT_FUNDING_INTERVAL = timedelta(hours=8)
# What exchanges use. Any other distance between two stamps is a hole in the page, not an interval.
FUNDING_INTERVALS = frozenset(timedelta(hours=hours) for hours in (1, 2, 4, 8))

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
    "interval_hours": Column(pl.Float64, "h", "Time that the rate covers, ending at the settlement.", minimum=1),
}
OPEN_INTEREST_COLUMNS: Mapping[str, Column] = {
    "symbol": _SYMBOL,
    "observed_at": Column(INSTANT, "UTC", "Time of the reading."),
    "open_interest_btc": Column(pl.Float64, "BTC", "Open contracts, each counted once.", minimum=0),
    "open_interest_usd": Column(
        pl.Float64, "USD", "The same in dollars, where the exchange says.", nullable=True, minimum=0
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
    records, kept, rejects = [], [], []
    for bar in sent:
        record = {"symbol": symbol, **candle(bar)}
        opened = record["open_time"]
        if isinstance(opened, datetime):
            if opened <= fetched_at + FUTURE_TOLERANCE and opened + period > fetched_at:
                continue
            if (opened - datetime(1970, 1, 1)) % period:
                rejects.append(Reject(f"open_time: {opened} does not begin a bar of {period}", json.dumps(bar)))
                continue
        records.append(record)
        kept.append(bar)
    parsed = typed(records, columns, fetched_at=payload.fetched_at, observed="open_time", sent=kept, rejects=rejects)
    outside = (pl.max_horizontal("open_usd", "close_usd") > pl.col("high_usd")) | (
        pl.min_horizontal("open_usd", "close_usd") < pl.col("low_usd")
    )
    contradictory = parsed.rows.filter(outside)["open_time"].to_list()
    if not contradictory:
        return parsed
    texts = {str(record["open_time"]): json.dumps(bar) for record, bar in zip(records, kept, strict=True)}
    reason = "open_usd, close_usd: outside the bar's low and high"
    refused = (Reject(reason, texts[str(time)]) for time in contradictory)
    return Parsed(parsed.rows.remove(outside), (*parsed.rejects, *refused))


def read_funding(payload: Payload, sent: Sequence[Any], settlement: Callable[[Any], Mapping[str, object]]) -> Parsed:
    """Rows of settled funding rates; `settlement` gives symbol, funding_time and funding_rate of one of `sent`.

    Stamps are a few milliseconds late and are rounded to the minute. Where a settlement gives no `interval_hours`, the
    interval is read from the distance of the stamps: lists of present intervals say nothing about the past.
    """
    records = [dict(settlement(entry)) for entry in sent]
    for record in records:
        stamp = record["funding_time"]
        if isinstance(stamp, datetime):
            record["funding_time"] = (stamp + timedelta(seconds=30)).replace(second=0, microsecond=0)
    intervals = _intervals(stamp for record in records if isinstance(stamp := record["funding_time"], datetime))
    for record in records:
        stamp = record["funding_time"]
        if "interval_hours" not in record:
            record["interval_hours"] = intervals[stamp] / HOUR if isinstance(stamp, datetime) else None
    return typed(records, FUNDING_COLUMNS, fetched_at=payload.fetched_at, observed="funding_time", sent=sent)


def _intervals(stamps: Iterable[datetime]) -> dict[datetime, timedelta]:
    """The interval that ends at each stamp: the distance to the stamp before.

    Where that one is missing it is the distance to the stamp after, and where there is neither, eight hours.
    """
    ordered = sorted(set(stamps))
    gaps = [(earlier, later) for earlier, later in pairwise(ordered) if later - earlier in FUNDING_INTERVALS]
    before = {later: later - earlier for earlier, later in gaps}
    after = {earlier: later - earlier for earlier, later in gaps}
    return {stamp: before.get(stamp) or after.get(stamp) or DEFAULT_FUNDING_INTERVAL for stamp in ordered}


def read_open_interest(payload: Payload, sent: Sequence[Any], reading: Callable[[Any], Mapping[str, object]]) -> Parsed:
    """Rows of open interest; `reading` gives all columns of one of `sent`."""
    records = [reading(entry) for entry in sent]
    return typed(records, OPEN_INTEREST_COLUMNS, fetched_at=payload.fetched_at, observed="observed_at", sent=sent)


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


def fields(entry: object, names: Sequence[str], payload: Payload) -> Mapping[str, Any]:
    """A named record. Raises CHANGED_LAYOUT with the difference when one of the names is missing."""
    where = f"{payload.url}: a record"
    record: Mapping[str, Any] = part(entry, kind=dict, where=where)
    require_names(record, names, where)
    return record


def milliseconds(instant: datetime) -> int:
    """An aware instant in milliseconds since 1970."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND


def with_one_before(window: Window) -> Window:
    """A window of settlements that also holds the one before it, so that the first has a distance to its neighbour."""
    return Window(window.start - DEFAULT_FUNDING_INTERVAL, window.end)


def stamp_of(value: object, payload: Payload) -> int:
    """A time on a page that decides where the next page begins, in milliseconds. Raises CHANGED_LAYOUT for none."""
    stamp = from_ms(value)
    if not isinstance(stamp, datetime):
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sent {value!r:.80} where a time was expected.")
    return milliseconds(stamp.replace(tzinfo=UTC))


def moved(cursor: int, following: int, payload: Payload, *, back: bool = False) -> int:
    """`following`, where the next page begins. Raises CHANGED_LAYOUT when it would be the page just seen, for ever."""
    if following >= cursor if back else following <= cursor:
        raise SourceError(Failure.CHANGED_LAYOUT, f"{payload.url} sends the same page again and again.")
    return following


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
    provider: Provider, description: str, *, fetch: Fetch, read: Read, depth: timedelta | None = None
) -> Dataset:
    """The declaration of a table of settled funding rates, called `funding_rate`."""
    return Dataset(
        provider=provider,
        name="funding_rate",
        bucket=Bucket.DERIVATIVES,
        description=description,
        columns=FUNDING_COLUMNS,
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
        cadence=Cadence.SNAPSHOT if access is Access.NOW else Cadence.DAILY,
    )
