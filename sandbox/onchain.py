"""What a vendor of chain data knew at an instant: figures of finished days, and cost basis in buckets of one width."""

from datetime import date, timedelta

import polars as pl

from sandbox.provider_request import ProviderRequest

KNOWN_AFTER = timedelta(days=1, minutes=40)  # a day's figures stand there from 00:40 UTC of the next day

# USD a PH/s and day: revenue over hashrate, in which a day's luck with blocks cancels.
HASHPRICE = (pl.col("issuance_btc") + pl.col("fees_btc")) * pl.col("price_usd") / (pl.col("hashrate_ehs") * 1000)


def newest_day(request: ProviderRequest) -> date:
    """The newest day whose figures are out."""
    return (request.clock - KNOWN_AFTER).date()


def metric(request: ProviderRequest, column: str | pl.Expr) -> pl.DataFrame:
    """`date` and `value` of a column of `onchain_1d`, or of what its columns make, oldest first, nulls kept."""
    return request.market.table("onchain_1d").filter(pl.col("date") <= newest_day(request)).select("date", value=column)


def open_interest_usd(request: ProviderRequest) -> pl.DataFrame:
    """`date` and `value`: the last figure of each day over all venues, of `open_interest`."""
    return (
        request.market.table("open_interest")
        .filter(pl.col("venue") == "aggregate")
        .group_by(date=pl.col("time").dt.date(), maintain_order=True)
        .agg(value=pl.col("oi_usd").last())
        .filter(pl.col("date") <= newest_day(request))
    )


def cost_basis(request: ProviderRequest, day: date, width_usd: float | None = None) -> pl.DataFrame:
    """`floor`, `supply` (BTC) and `cap` (USD at the middle of each bucket) of a day; empty where there is none."""
    buckets = request.market.table("cost_basis").filter(pl.col("date") == day, pl.col("date") <= newest_day(request))
    low, supply = pl.col("price_low_usd"), pl.col("supply_btc")
    floor = low if width_usd is None else (low / width_usd + 1e-9).floor() * width_usd
    cap = supply * (low + pl.col("price_high_usd")) / 2
    return buckets.group_by(floor=floor).agg(supply=supply.sum(), cap=cap.sum()).sort("floor")


def price_usd(request: ProviderRequest, day: date) -> float:
    """Closing price of a day, zero where no table has it."""
    closes = request.market.table("onchain_1d").filter(pl.col("date") == day)["price_usd"].drop_nulls()
    return float(closes[0]) if len(closes) else 0.0
