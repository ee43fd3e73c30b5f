"""Binance's archive of bulk files, data.binance.vision: candles, funding and five-minute statistics of BTCUSDT.

Published by the exchange as zipped CSV files behind a content network, a day's file on the next day and a month's on
the first Monday of the next month; values are the exchange's, for own use. It reaches back years where the exchange's
own interface keeps 30 days of open interest, and it is said to answer addresses that the interface refuses. Beside each
file lies its SHA-256: a file that differs from it is refused and asked for again, one without it is read and noted as
unverified. A file that is here is not asked for again, and none at all unless the archive is named:
`leadline backfill --select binance_vision --from … --to …`.

Oddities: spot files never have a header, the others have one since 2022; times are milliseconds, in spot files
microseconds since 2025; funding comes in monthly files only, statistics in daily ones only. Statistics have holes and
repeated stamps. Up to 2026-06-24 their label T was the moment of the reading and a file ran from 00:05 to 00:00 of the
next day; without a word files since run from 00:00 to 23:55, and the reading labelled T is of T + 5 minutes. Which of
the two a file is can be seen by its first and last label. `count_` means by accounts, `sum_` by size of position.
Coin-margined files, whose volume is in contracts and whose quote volume is in bitcoin, are not used.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from urllib.parse import urlsplit

import polars as pl

from sources.core.archive import CsvField, CsvRules, epoch, joined, number, open_member, text, typed_lines
from sources.core.dataset import INSTANT, Access, Bucket, Column, Dataset, Provider, Window
from sources.core.errors import Failure, SourceError
from sources.core.evidence import specification
from sources.core.http import Session
from sources.core.payload import Parsed, Payload
from sources.core.time_windows import days
from sources.core.venues import (
    CANDLE_COLUMNS,
    DAY,
    FUNDING_COLUMNS,
    HOUR,
    TAKER_COLUMN,
    candle_dataset,
    funding_dataset,
)

SYMBOL = "BTCUSDT"
ROOT = "https://data.binance.vision/data"
FIVE_MINUTES = timedelta(minutes=5)
LABEL_SHIFT = date(2026, 6, 25)  # the first file whose label is the beginning of the five minutes

# A day's file appears in the course of the next morning, a month's by the seventh.
PUBLISHED_AFTER = timedelta(hours=12)
DAILY_LAG = timedelta(hours=36)  # what is missing later is a hole
MONTHLY_LAG = timedelta(days=7)
MONTH_PAYS_FROM = 4  # days wanted of a month, from which its one file is asked for instead of a file a day
MOST_ZIP_BYTES = 4 * 1024 * 1024  # the largest of these files, a month of hourly bars, has 60 kB
MOST_NOTED = 5

ZIP = ("application/zip", "application/octet-stream", "binary/octet-stream")
CHECKSUM = re.compile(r"\s*([0-9a-f]{64})\b")
PROOF = "sha256="  # a file is named with the hash it must have, behind the # that is never sent

KLINE_HEADER = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
FUNDING_HEADER = ("calc_time", "funding_interval_hours", "last_funding_rate")
METRICS_HEADER = (
    "create_time",
    "symbol",
    "sum_open_interest",
    "sum_open_interest_value",
    "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio",
    "count_long_short_ratio",
    "sum_taker_long_short_vol_ratio",
)

_ratio = partial(Column, pl.Float64, "ratio", nullable=True, minimum=0)
METRICS_COLUMNS: Mapping[str, Column] = {
    "symbol": Column(pl.String, "", "Symbol as the exchange writes it."),
    "observed_at": Column(INSTANT, "UTC", "Moment of the reading, in the sense of the files before 2026-06-25."),
    "open_interest_btc": Column(pl.Float64, "BTC", "Open contracts, each counted once.", minimum=0, may_be_zero=False),
    "open_interest_usd": Column(pl.Float64, "USD", "The same in dollars.", nullable=True, minimum=0, may_be_zero=False),
    "top_trader_account_ratio": _ratio("Accounts of top traders that are net long, per one that is net short."),
    "top_trader_position_ratio": _ratio("Size of top traders' long positions per short."),
    "account_ratio": _ratio("All accounts that are net long, per one that is net short."),
    "taker_volume_ratio": _ratio("Volume bought by takers per volume sold, of the five minutes up to the reading."),
}


@dataclass(frozen=True)
class ArchiveFile:
    """One file of the archive: its address and the days [start, end) that it is of."""

    address: str
    start: date
    end: date

    def is_due(self, now: datetime) -> bool:
        """Whether it should be there by now."""
        lag = DAILY_LAG if self.end - self.start <= DAY else MONTHLY_LAG
        return datetime.combine(self.end, time(), UTC) + lag <= now


def check(payload: Payload) -> None:
    """Raise SourceError OUTAGE, which asks again, for a file whose bytes are not those that were published."""
    _, _, digest = urlsplit(payload.url).fragment.partition(PROOF)
    if payload.status == 200 and digest and payload.sha256 != digest:
        address = payload.url.partition("#")[0]
        raise SourceError(Failure.OUTAGE, f"{address} does not have the SHA-256 that is published beside it.")


@dataclass(frozen=True)
class ArchiveFileKind:
    """One kind of files: where they lie, how their members are called and how their lines become rows.

    `path` has {every} and {stamp} in it, `every` says which of daily and monthly files there are, and `convert` gives
    the rules by which they do.
    """

    path: str
    every: Sequence[str]
    name: re.Pattern[str]
    header: Sequence[str]
    columns: Mapping[str, Column]
    observed: str
    convert: Callable[[pl.DataFrame], CsvRules]

    def fetch(self, session: Session, window: Window) -> Iterator[Payload]:
        """The files of a window that are not here yet, oldest first.

        A file that should be there and is not is noted. Raises SourceError NO_DATA when none of those is there.
        """
        holes: list[str] = []
        found = False
        for file, instead in _plan(window, session.now(), self.path, self.every):
            present, payload = _file(session, file.address)
            if payload is not None:
                yield payload
            asked = [(file, present)]
            if not present and instead:
                asked = []
                for each in instead:
                    there, payload = _file(session, each.address)
                    if payload is not None:
                        yield payload
                    asked.append((each, there))
            found = found or any(there for _, there in asked)
            holes += [f"{each.start}" for each, there in asked if not there and each.is_due(session.now())]
        if holes and not found:
            files = self.path.format(every="-", stamp="*")
            raise SourceError(Failure.NO_DATA, f"The archive has no {files} of {holes[0]} to {holes[-1]}.")
        if holes:
            more = f" and {len(holes) - MOST_NOTED} more" if len(holes) > MOST_NOTED else ""
            session.note(f"no file of {', '.join(holes[:MOST_NOTED])}{more}")

    def read(self, payload: Payload) -> Parsed:
        """What one file holds."""
        return self.read_together([payload])[0]

    def read_together(self, payloads: Sequence[Payload]) -> list[Parsed]:
        """What each file holds. A checksum, which is landed like any other answer, holds no rows."""
        schema = {name: column.dtype for name, column in self.columns.items()}
        parsed = [Parsed(pl.DataFrame(schema=schema)) for _ in payloads]
        places = [at for at, payload in enumerate(payloads) if not urlsplit(payload.url).path.endswith(".CHECKSUM")]
        files = [payloads[at] for at in places]
        if not files:
            return parsed
        members = [open_member(file, self.name, self.header) for file in files]
        lines = joined(members, self.header)
        read = typed_lines(files, members, lines, self.convert(lines), self.columns, observed=self.observed)
        for at, each in zip(places, read, strict=True):
            parsed[at] = each
        return parsed


def _plan(
    window: Window, now: datetime, path: str, every: Sequence[str]
) -> Iterator[tuple[ArchiveFile, Sequence[ArchiveFile]]]:
    """Files to ask for, each with those to ask for in its stead when it is not there."""
    last = min(now, window.end).astimezone(UTC).date()  # the day that runs has no file yet
    wanted = [day for day in days(window) if day < last]
    months = sorted({day.replace(day=1) for day in wanted})
    if "daily" not in every:
        finished = [month for month in months if _next(month) <= last]
        # A short window still asks for the newest month that is over: its file comes late.
        for month in finished or [(last.replace(day=1) - DAY).replace(day=1)]:
            yield _monthly(path, month), ()
        return
    for month in months:
        of_month = [_daily(path, day) for day in wanted if day.replace(day=1) == month]
        whole = _monthly(path, month)
        if "monthly" in every and len(of_month) >= MONTH_PAYS_FROM and whole.is_due(now):
            yield whole, of_month
        else:
            yield from ((file, ()) for file in of_month)


def _daily(path: str, day: date) -> ArchiveFile:
    return ArchiveFile(f"{ROOT}/{path.format(every='daily', stamp=day.isoformat())}", day, day + timedelta(days=1))


def _monthly(path: str, month: date) -> ArchiveFile:
    return ArchiveFile(f"{ROOT}/{path.format(every='monthly', stamp=f'{month:%Y-%m}')}", month, _next(month))


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _file(session: Session, address: str) -> tuple[bool, Payload | None]:
    """Whether the archive has the file, and the file unless it is here already."""
    proof = session.kept(f"{address}.CHECKSUM")
    if (proof and session.kept(_proved(address, proof))) or session.kept(address):
        return True, None
    proof = _answer(session, f"{address}.CHECKSUM", ("text/plain", *ZIP))
    file = _answer(session, _proved(address, proof) if proof else address, ZIP)
    if file and not proof:
        session.note(f"unverified, no checksum beside it: {address.rpartition('/')[2]}")
    return file is not None, file


def _proved(address: str, proof: Payload) -> str:
    """The address with the hash that its file must have. Raises CHANGED_LAYOUT for a checksum that is none."""
    digest = CHECKSUM.match(proof.body.decode("ascii", "replace").lower())
    if digest is None:
        raise SourceError(Failure.CHANGED_LAYOUT, f"{proof.url} holds no SHA-256.")
    return f"{address}#{PROOF}{digest[1]}"


def _answer(session: Session, address: str, accept: Sequence[str]) -> Payload | None:
    try:
        return session.get(address, accept=accept, max_bytes=MOST_ZIP_BYTES)
    except SourceError as error:
        if error.failure is not Failure.MOVED:
            raise
        return None  # the archive says 404 for a file that it does not have


def klines(lines: pl.DataFrame, *, period: timedelta) -> CsvRules:
    """Bars, by the rules of `sources.core.venues.read_candles`."""
    fields = {
        "symbol": CsvField("open_time", pl.lit(SYMBOL)),
        "open_time": epoch("open_time"),
        "open_usd": number("open"),
        "high_usd": number("high"),
        "low_usd": number("low"),
        "close_usd": number("close"),
        "volume_btc": number("volume"),
        "taker_buy_btc": number("taker_buy_volume"),
    }
    opened = pl.col("open_time")
    refusals = {
        f"open_time: does not begin a bar of {period}": opened.dt.truncate(_truncated(period)) != opened,
        "open_time: is of another day than the file": (opened < pl.col("_start")) | (opened >= pl.col("_end")),
        "open_usd, close_usd: outside the bar's low and high": (
            (pl.max_horizontal("open_usd", "close_usd") > pl.col("high_usd"))
            | (pl.min_horizontal("open_usd", "close_usd") < pl.col("low_usd"))
        ),
    }
    # Of many trades at least one was bought: zero in a bar that traded means that the figure is missing.
    absent = {"taker_buy_btc": (pl.col("taker_buy_btc") == 0) & (pl.col("volume_btc") != 0)}
    return CsvRules(fields, refusals, absent)


def funding(lines: pl.DataFrame) -> CsvRules:
    """Settlements, stamped to the minute as in `sources.core.venues.read_funding`; the interval is stated here."""
    fields = {
        "symbol": CsvField("calc_time", pl.lit(SYMBOL)),
        "funding_time": CsvField("calc_time", epoch("calc_time").value.dt.offset_by("30s").dt.truncate("1m")),
        "funding_rate": number("last_funding_rate"),
        "interval_hours": number("funding_interval_hours"),
    }
    settled = pl.col("funding_time")
    outside = (settled < pl.col("_start")) | (settled > pl.col("_end"))
    return CsvRules(fields, {"funding_time: is of another month than the file": outside})


def metrics(lines: pl.DataFrame) -> CsvRules:
    """Statistics, each at the moment of its reading whichever way the file is labelled."""
    label = pl.col("create_time").str.strip_chars().str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    ends_at_midnight = (label == pl.col("_end")).any().over("_file")
    begins_at_midnight = (label == pl.col("_start")).any().over("_file")
    is_shifted = (
        pl.when(begins_at_midnight & ~ends_at_midnight)
        .then(True)
        .when(ends_at_midnight & ~begins_at_midnight)
        .then(False)
        .otherwise(pl.col("_start").dt.date() >= LABEL_SHIFT)
    )
    moment = pl.when(is_shifted).then(label.dt.offset_by("5m")).otherwise(label)
    fields = {
        "symbol": text("symbol"),
        "observed_at": CsvField("create_time", moment),
        "open_interest_btc": number("sum_open_interest"),
        "open_interest_usd": number("sum_open_interest_value"),
        "top_trader_account_ratio": number("count_toptrader_long_short_ratio"),
        "top_trader_position_ratio": number("sum_toptrader_long_short_ratio"),
        "account_ratio": number("count_long_short_ratio"),
        "taker_volume_ratio": number("sum_taker_long_short_vol_ratio"),
    }
    both = lines.select((ends_at_midnight & begins_at_midnight).alias("both"))["both"]
    observed = pl.col("observed_at")
    refusals = {
        f"symbol: is not {SYMBOL}": pl.col("symbol") != SYMBOL,
        "create_time: the file has both midnights, so its labels could mean either": pl.lit(both),
        "observed_at: is of another day than the file": (observed <= pl.col("_start")) | (observed > pl.col("_end")),
    }
    return CsvRules(fields, refusals)


def _truncated(period: timedelta) -> str:
    return f"{period // HOUR}h"


def _named(interval: str, *, day: str) -> re.Pattern[str]:
    """The pattern of a member's name; `day` is the part behind the month, "" where there is none."""
    return re.compile(rf"{SYMBOL}-{interval}-(?P<year>20\d\d)-(?P<month>\d\d){day}\.csv")


_DAILY = r"-(?P<day>\d\d)"
_EITHER = rf"(?:{_DAILY})?"


def _of_archive(declared: Dataset, kind: ArchiveFileKind) -> Dataset:
    return replace(
        declared,
        read_together=kind.read_together,
        access=Access.ARCHIVE,
        first_history=31 * DAY,  # where no first day is named
        reread=timedelta(0),
        may_be_empty=True,  # a checksum is landed like any other answer, and has no rows
    )


def _candles(market: str, kind: str, interval: str, period: timedelta) -> Dataset:
    files = ArchiveFileKind(
        path=f"{market}/{{every}}/klines/{SYMBOL}/{interval}/{SYMBOL}-{interval}-{{stamp}}.zip",
        every=("daily", "monthly"),
        name=_named(interval, day=_EITHER),
        header=KLINE_HEADER,
        columns={**CANDLE_COLUMNS, **TAKER_COLUMN},
        observed="open_time",
        convert=partial(klines, period=period),
    )
    declared = candle_dataset(
        PROVIDER, f"{kind}_candle_{interval}", SYMBOL, period=period, fetch=files.fetch, read=files.read, taker=True
    )
    # A bar waits for the end of its day and for the file.
    return _of_archive(replace(declared, publication_lag=DAY - period + PUBLISHED_AFTER, fresh_for=2 * DAY), files)


FUNDING = ArchiveFileKind(
    path=f"futures/um/{{every}}/fundingRate/{SYMBOL}/{SYMBOL}-fundingRate-{{stamp}}.zip",
    every=("monthly",),
    name=_named("fundingRate", day=""),
    header=FUNDING_HEADER,
    columns=FUNDING_COLUMNS,
    observed="funding_time",
    convert=funding,
)
METRICS = ArchiveFileKind(
    path=f"futures/um/{{every}}/metrics/{SYMBOL}/{SYMBOL}-metrics-{{stamp}}.zip",
    every=("daily",),
    name=_named("metrics", day=_DAILY),
    header=METRICS_HEADER,
    columns=METRICS_COLUMNS,
    observed="observed_at",
    convert=metrics,
)

PROVIDER = Provider(
    name="binance_vision",
    title="Binance archive",
    home="https://data.binance.vision",
    hosts=("data.binance.vision",),
    requests_per_minute=600,  # no limit is documented; ten a second for files behind a content network
    licence="values belong to the exchange; own use through its API terms",
    may_republish=False,
    venue="binance",
    check=check,
    described_by=specification("https://github.com/binance/binance-public-data"),
    recorded={
        "spot_candle_1d": "binance_vision/spot_BTCUSDT-1h-2023-10-27_head.csv",
        "spot_candle_1h": "binance_vision/spot_BTCUSDT-1h-2023-10-27_head.csv",
    },
)

DATASETS = (
    *(
        _candles(market, kind, interval, period)
        for market, kind in (("spot", "spot"), ("futures/um", "perp"))
        for interval, period in (("1d", DAY), ("1h", HOUR))
    ),
    _of_archive(
        replace(
            funding_dataset(
                PROVIDER, "Settled funding rates of the BTCUSDT perpetual.", fetch=FUNDING.fetch, read=FUNDING.read
            ),
            publication_lag=31 * DAY + MONTHLY_LAG,
            fresh_for=32 * DAY,
        ),
        FUNDING,
    ),
    _of_archive(
        Dataset(
            provider=PROVIDER,
            name="metrics",
            bucket=Bucket.LEVERAGE,
            description="Open interest and long/short ratios of the BTCUSDT perpetual, every five minutes.",
            columns=METRICS_COLUMNS,
            key=("symbol", "observed_at"),
            observed="observed_at",
            period=timedelta(0),
            publication_lag=DAY + PUBLISHED_AFTER,
            fetch=METRICS.fetch,
            read=METRICS.read,
            fresh_for=2 * DAY,
            every=HOUR,
        ),
        METRICS,
    ),
)
