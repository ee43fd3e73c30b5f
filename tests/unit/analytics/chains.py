"""Option chains for tests: made from a formula, or real ones in the columns of deribit__option_chain."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

SNAPSHOT = datetime(2026, 2, 6, 23, 50)
Volatility = Callable[[np.ndarray, float], np.ndarray]  # (log-moneyness, days) -> percent


def flat(level_pct: float) -> Volatility:
    return lambda log_moneyness, days: np.full_like(log_moneyness, level_pct)


def skewed(log_moneyness: np.ndarray, days: float) -> np.ndarray:
    """A smile as Bitcoin's in a bad week, free of arbitrage: puts dear, calls cheap, front above back."""
    width = np.sqrt(days / 365)
    return 60 + 10 * np.exp(-days / 30) - 6 * np.tanh(log_moneyness / width) + 8 * np.sqrt(0.05 + log_moneyness**2)


def chain(
    volatility: Volatility,
    days: Sequence[float] = (7, 14, 21, 28, 49, 91, 182),
    forward_usd: float = 70_000,
    snapshot: datetime = SNAPSHOT,
    reach: float = 4.0,
    strikes: int = 81,
) -> pl.DataFrame:
    """A chain with calls and puts at strikes up to `reach` standard deviations of 60 % volatility from the forward."""
    frames = []
    for tenor in days:
        log_moneyness = np.linspace(-reach, reach, strikes) * 0.6 * np.sqrt(tenor / 365)
        for option_type in ("C", "P"):
            frames.append(
                pl.DataFrame(
                    {
                        "strike_usd": forward_usd * np.exp(log_moneyness),
                        "mark_iv_pct": volatility(log_moneyness, tenor),
                    }
                ).with_columns(
                    snapshot_time=pl.lit(snapshot, dtype=pl.Datetime("us")),
                    expiry_time=pl.lit(snapshot + timedelta(days=tenor), dtype=pl.Datetime("us")),
                    option_type=pl.lit(option_type),
                    underlying_price_usd=pl.lit(forward_usd, dtype=pl.Float64),
                    bid_price_btc=pl.lit(0.01),
                    ask_price_btc=pl.lit(0.011),
                )
            )
    return pl.concat(frames)


def _instant(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime(time_zone="UTC").dt.replace_time_zone(None)


def deribit_month(real: Path, month: str) -> pl.DataFrame:
    """About four real snapshots a day, with the collector's own deltas."""
    return pl.read_parquet(real / "data" / "options" / f"deribit_chain_{month}.parquet").pipe(_collected)


def _collected(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        snapshot_time=_instant("timestamp").dt.truncate("1s"),
        expiry_time=_instant("expiry_datetime"),
        strike_usd=pl.col("strike").cast(pl.Float64),
        option_type=pl.col("option_type").replace_strict({"call": "C", "put": "P"}),
        underlying_price_usd="underlying",
        mark_iv_pct=100 * pl.col("implied_volatility"),
        bid_price_btc="bid_price",
        ask_price_btc="ask_price",
        delta="delta",
    )


def collector_snapshot(path: Path) -> pl.DataFrame:
    """One whole snapshot of the same collector, as the CSV that it writes."""
    return pl.read_csv(path).filter(pl.col("currency") == "BTC").pipe(_collected)


def optionsdx_june_2021(real: Path) -> pl.DataFrame:
    """One real snapshot a day at 04:00 UTC (the file prints midnight New York)."""
    raw = pl.read_csv(real / "data" / "options" / "optionsdx_btc_eod_202106.txt.gz", infer_schema=False)
    raw = raw.rename({name: name.strip(" []").lower() for name in raw.columns}).with_columns(
        pl.all().str.strip_chars().replace("", None)
    )
    number = {name: pl.col(name).cast(pl.Float64) for name in raw.columns if name.endswith(("_price", "_iv", "strike"))}
    quoted = {side: pl.when(number[side] > 0).then(number[side]) for side in ("bid_price", "ask_price")}
    seconds = {name: pl.from_epoch(pl.col(name).cast(pl.Int64)) for name in ("quote_unixtime", "expiry_unix")}
    return raw.select(
        snapshot_time=seconds["quote_unixtime"].cast(pl.Datetime("us")).dt.truncate("1h"),
        expiry_time=seconds["expiry_unix"].cast(pl.Datetime("us")),
        strike_usd=number["strike"],
        option_type=pl.col("option_right").replace_strict({"call": "C", "put": "P"}),
        underlying_price_usd=number["underlying_price"],
        mark_iv_pct=number["mark_iv"],
        bid_price_btc=quoted["bid_price"],
        ask_price_btc=quoted["ask_price"],
    )
