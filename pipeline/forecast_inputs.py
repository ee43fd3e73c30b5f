"""What a forecast could see: one venue's daily bars and the implied volatility, as known at each date's cut-off.

One venue answers alone, and venues are never spliced. Versions that came after a date's cut-off are not seen on it, so
a history is read as eras: stretches of forecast dates between which nothing already known was revised.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final

import duckdb
import numpy as np
import polars as pl

from analytics.forecast import ATM_TO_DVOL, Prices
from pipeline.plan import cut_off
from sources.core.dataset import INSTANT
from warehouse.incoming import naive

# The longest dollar market first; the others where it is not there.
SOURCES: Final = (
    "bitstamp.spot_history_1d",
    "coinbase.spot_candle_1d",
    "kraken.spot_candle_1d",
    "binance.spot_candle_1d",
    "okx.spot_candle_1d",
)
DVOL: Final = "deribit.dvol"
CHAIN: Final = "deribit.option_chain"
CHAIN_TENOR_DAYS: Final = 30
IMPLIED_SCHEMA: Final = pl.Schema(
    [
        ("date", pl.Date()),
        ("known_at", INSTANT),
        ("implied_pct", pl.Float64()),
        ("implied_from", pl.String()),
        ("rank", pl.Int32()),
    ]
)


@dataclass(frozen=True)
class Era:
    """Forecast dates that see the same past, and that past; `implied_from` says where an implied volatility is from."""

    dates: Sequence[date]
    prices: Prices
    implied_from: Mapping[date, str]

    def fingerprints(self) -> dict[date, str]:
        """SHA-256 of all inputs up to each of its dates."""
        columns = (self.prices.open, self.prices.high, self.prices.low, self.prices.close, self.prices.implied_pct)
        rows = np.stack(columns, axis=1)
        digest, wanted, found = hashlib.sha256(), set(self.dates), {}
        for day, row in zip(self.prices.dates.astype(object), rows, strict=True):
            digest.update(day.isoformat().encode() + row.astype("<f8").tobytes())
            if day in wanted:
                found[day] = digest.copy().hexdigest()
        return found


@dataclass(frozen=True)
class History:
    """Every version of one venue's bars, and of the implied volatility beside them."""

    source: str
    bars: pl.DataFrame  # date, known_at, open_usd, high_usd, low_usd, close_usd
    implied: pl.DataFrame  # IMPLIED_SCHEMA

    @property
    def last(self) -> date:
        """The newest day with a bar."""
        newest: date = self.bars["date"].max()  # type: ignore[assignment]
        return newest

    def eras(self, dates: Sequence[date]) -> Iterator[Era]:
        """The past as the cut-offs of these dates saw it."""
        changes = sorted({*_late(self.bars), *_late(self.implied)})

        def seen(day: date) -> int:
            return bisect_right(changes, naive(cut_off(day)))

        for count, group in groupby(sorted(dates), key=seen):
            days = list(group)
            known_until = changes[count - 1] if count else None
            bars = _visible(self.bars, days[-1], known_until, order=["known_at"])
            if not bars.is_empty():
                implied = _visible(self.implied, days[-1], known_until, order=["rank", "known_at"])
                yield _era(days, bars, implied)

    def settled(self) -> Prices:
        """The latest version of every bar."""
        latest = self.bars.sort("known_at").unique("date", keep="last")
        return Prices.of(latest.with_columns(implied_pct=pl.lit(None, dtype=pl.Float64)))


def histories(connection: duckdb.DuckDBPyConnection) -> list[History]:
    """Every source that has bars, the longest dollar market first."""
    implied = _implied(connection)
    found = []
    for source in SOURCES:
        table = f"raw.{source.replace('.', '__')}"
        bars = connection.sql(
            f"""
            select cast(open_time as date) as date, known_at, open_usd, high_usd, low_usd, close_usd
            from {table} order by date, known_at
            """
        ).pl()
        if not bars.is_empty():
            found.append(History(source, bars, implied))
    return found


def _implied(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """DVOL's last reading of each day, and the 30-day volatility at the money of its last chain, all versions."""
    dvol = connection.sql(
        """
        select cast(open_time as date) as date, known_at, close_pct as implied_pct, 'dvol' as implied_from, 2 as rank
        from raw.deribit__dvol
        qualify open_time = max(open_time) over (partition by cast(open_time as date))
        """
    ).pl()
    chain = connection.sql(
        f"""
        select
            cast(snapshot_time as date) as date, known_at, {ATM_TO_DVOL} * atm_iv_pct as implied_pct,
            'chain' as implied_from, 1 as rank
        from analytics.option_surface
        where venue = 'deribit' and tenor_days = {CHAIN_TENOR_DAYS} and atm_iv_pct is not null
        qualify snapshot_time = max(snapshot_time) over (partition by cast(snapshot_time as date))
        """
    ).pl()
    return pl.concat([frame.cast(IMPLIED_SCHEMA) for frame in (dvol, chain)]).sort("date", "known_at")


def _in_time(versions: pl.DataFrame) -> pl.Expr:
    """First versions that were known at their own date's cut-off: every later date sees them."""
    first = pl.col("known_at") == pl.col("known_at").min().over([n for n in ("date", "rank") if n in versions.columns])
    return first & (pl.col("known_at") <= pl.col("date").cast(pl.Datetime("us")).dt.offset_by("25h"))


def _late(versions: pl.DataFrame) -> Sequence[datetime]:
    return versions.filter(~_in_time(versions))["known_at"].unique().to_list()


def _visible(versions: pl.DataFrame, last: date, late_until: datetime | None, order: Sequence[str]) -> pl.DataFrame:
    """The version of each date up to `last` that counts, by `order`."""
    seen = _in_time(versions)
    if late_until is not None:
        seen |= pl.col("known_at") <= late_until
    return versions.filter(pl.col("date") <= last, seen).sort("date", *order).unique("date", keep="last")


def _era(days: Sequence[date], bars: pl.DataFrame, implied: pl.DataFrame) -> Era:
    joined = bars.join(implied.select("date", "implied_pct", "implied_from"), on="date", how="left")
    origins = joined.filter(pl.col("implied_from").is_not_null()).select("date", "implied_from")
    return Era(days, Prices.of(joined), dict(origins.iter_rows()))
