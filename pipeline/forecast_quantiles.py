"""The quantiles of back-tests, beside the warehouse: `forecast/backtest_quantiles.parquet`.

A row is a pool: method, source of prices, horizon and the last day that it has seen, with 199 quantiles (0.5 to 99.5 %)
of each variable in units of the forecast volatility. The log moves of a back-tested forecast are these times
sigma_pct ÷ 100 × √(horizon_days ÷ 365).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from warehouse.home import Home

KEY = ("method", "price_source", "horizon_days", "pool_until")


def write_pools(home: Home, pools: Sequence[Mapping[str, Any]]) -> None:
    """Add pools that are not there yet."""
    if not pools:
        return
    file = home.path / "forecast" / "backtest_quantiles.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = pl.DataFrame(list(pools), infer_schema_length=None).with_columns(
        pl.selectors.ends_with("_quantiles").cast(pl.List(pl.Float32))
    )
    kept = pl.concat([pl.read_parquet(file), fresh]) if file.exists() else fresh
    kept = kept.unique(KEY, keep="first", maintain_order=True).sort(KEY)
    aside = file.with_suffix(".aside")
    kept.write_parquet(aside, compression="zstd")
    aside.replace(file)
