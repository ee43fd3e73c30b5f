"""A folder of market tables: what the stand-in upstream serves.

The tables are Parquet files in one plain, normalised form, whatever provider they will be shown as. A missing file is
an empty table: the provider then has nothing to say.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from threading import Lock

import polars as pl

INSTANT = pl.Datetime("us")  # naive, always UTC

Columns = Mapping[str, pl.DataType | type[pl.DataType]]

_BAR: Columns = {
    "venue": pl.String,
    "market": pl.String,  # `spot` or `perp`
    "open_time": INSTANT,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume_btc": pl.Float64,
    "taker_buy_btc": pl.Float64,
}

# Every table with its columns; prices in USD, times naive UTC.
TABLES: Mapping[str, Columns] = {
    "price_1h": _BAR,
    "price_1d": _BAR,
    "price_history_1d": _BAR,  # years before the other tables begin, one bar a day
    "funding": {"venue": pl.String, "funding_time": INSTANT, "rate": pl.Float64, "interval_hours": pl.Int32},
    "open_interest": {"venue": pl.String, "time": INSTANT, "oi_btc": pl.Float64, "oi_usd": pl.Float64},
    "liquidations_1h": {"venue": pl.String, "hour": INSTANT, "long_usd": pl.Float64, "short_usd": pl.Float64},
    "option_chain": {
        "snapshot_time": INSTANT,
        "instrument_name": pl.String,
        "expiry": INSTANT,
        "strike": pl.Float64,
        "option_type": pl.String,
        "underlying_price": pl.Float64,
        "index_price": pl.Float64,
        "mark_price_btc": pl.Float64,
        "bid_price_btc": pl.Float64,
        "ask_price_btc": pl.Float64,
        "mark_iv": pl.Float64,
        "open_interest_btc": pl.Float64,
        "volume_btc": pl.Float64,
    },
    "dvol_1h": {"time": INSTANT, "open": pl.Float64, "high": pl.Float64, "low": pl.Float64, "close": pl.Float64},
    "etf_flow": {"date": pl.Date, "fund": pl.String, "flow_usd_m": pl.Float64, "published_at": INSTANT},
    "onchain_1d": {
        "date": pl.Date,
        "price_usd": pl.Float64,
        "market_cap_usd": pl.Float64,
        "mvrv": pl.Float64,
        "realized_cap_usd": pl.Float64,
        "supply_btc": pl.Float64,
        "issuance_btc": pl.Float64,
        "fees_btc": pl.Float64,
        "hashrate_ehs": pl.Float64,
        "difficulty": pl.Float64,
        "block_count": pl.Int64,
        "sopr": pl.Float64,
        "supply_in_profit_pct": pl.Float64,
        "realized_loss_usd": pl.Float64,
        "realized_profit_usd": pl.Float64,
        "exchange_inflow_btc": pl.Float64,
        "exchange_outflow_btc": pl.Float64,
    },
    "difficulty_epoch": {
        "epoch": pl.Int32,
        "start_height": pl.Int64,
        "start_time": INSTANT,
        "difficulty": pl.Float64,
        "change_pct": pl.Float64,
    },
    "cost_basis": {
        "date": pl.Date,
        "price_low_usd": pl.Float64,
        "price_high_usd": pl.Float64,
        "supply_btc": pl.Float64,
    },
    "macro_1d": {
        "series": pl.String,
        "date": pl.Date,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
    },
    "blocks": {
        "height": pl.Int64,
        "time": INSTANT,
        "difficulty": pl.Float64,
        "tx_count": pl.Int64,
        "fees_btc": pl.Float64,
        "subsidy_btc": pl.Float64,
    },
}

# The column that orders each table and says how new it is.
TIME_COLUMN: Mapping[str, str] = {
    "price_1h": "open_time",
    "price_1d": "open_time",
    "price_history_1d": "open_time",
    "funding": "funding_time",
    "open_interest": "time",
    "liquidations_1h": "hour",
    "option_chain": "snapshot_time",
    "dvol_1h": "time",
    "etf_flow": "date",
    "onchain_1d": "date",
    "difficulty_epoch": "start_time",
    "cost_basis": "date",
    "macro_1d": "date",
    "blocks": "time",
}

# The order inside one instant or day, so that one folder always gives the same bytes.
_TIES = ("venue", "market", "instrument_name", "fund", "series", "height", "price_low_usd", "published_at")


class MarketError(ValueError):
    """A folder, or a file in it, that is no market table."""


class Market:
    """The market tables of one folder, each read when first asked for and kept, sorted by time."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise MarketError(f"{self.folder} is no folder of market tables.")
        if not any(self._file(name).exists() for name in TABLES):
            raise MarketError(f"{self.folder} holds none of the market tables: {', '.join(sorted(TABLES))} (.parquet).")
        self._tables: dict[str, pl.DataFrame] = {}
        self._lock = Lock()

    @property
    def name(self) -> str:
        """What the folder says it is, in `ORIGIN.txt`, else its own name."""
        said = self.folder / "ORIGIN.txt"
        return said.read_text(encoding="utf-8").strip() if said.exists() else self.folder.resolve().name

    def table(self, name: str) -> pl.DataFrame:
        """Rows of a table, sorted by time, times naive UTC; empty with the right columns when the file is absent.

        Raises KeyError for a name that is no market table and MarketError for a file without the columns.
        """
        columns = TABLES[name]
        with self._lock:
            if name not in self._tables:
                self._tables[name] = self._load(name, columns)
            return self._tables[name]

    @cached_property
    def newest(self) -> datetime:
        """The newest time in the folder (naive UTC; a day counts from its midnight): the clock of a plain request."""
        times = [self.table(name)[column].max() for name, column in TIME_COLUMN.items() if self._file(name).exists()]
        instants = [
            stamp if isinstance(stamp, datetime) else datetime.combine(stamp, time())
            for stamp in times
            if isinstance(stamp, date)
        ]
        if not instants:
            raise MarketError(f"The market tables in {self.folder} hold no rows.")
        return max(instants)

    @cached_property
    def sha256(self) -> str:
        """Hash of the folder's market tables: names and bytes. It tells one origin from another."""
        digest = hashlib.sha256()
        for name in sorted(TABLES):
            if self._file(name).exists():
                digest.update(f"{name}\n".encode())
                digest.update(hashlib.sha256(self._file(name).read_bytes()).digest())
        return digest.hexdigest()

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _load(self, name: str, columns: Columns) -> pl.DataFrame:
        file = self._file(name)
        if not file.exists():
            return pl.DataFrame(schema=columns)
        frame = pl.read_parquet(file)
        missing = [column for column in columns if column not in frame.columns]
        if missing:
            raise MarketError(f"{file} lacks the columns {', '.join(missing)}.")
        return (
            frame.select(_as_declared(frame.schema[column], column, dtype) for column, dtype in columns.items())
            .sort([TIME_COLUMN[name], *(tie for tie in _TIES if tie in columns)])
            .rechunk()
        )


def naive_utc(instant: datetime) -> datetime:
    """An instant as naive UTC; a naive one is UTC already."""
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _as_declared(stored: pl.DataType, column: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    expression = pl.col(column)
    if isinstance(stored, pl.Datetime) and stored.time_zone is not None:
        expression = expression.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return expression.cast(dtype)
