"""Which datasets a folder of market tables has nothing for, so that nobody asks for them in vain.

A stand-in plays more providers than any folder feeds. Asked all the same, each answers as it does when it has nothing.
A dataset that is not listed here is fed by a table of its own and is missed when that table is absent.
"""

from collections.abc import Mapping

from sandbox.market import Market

# Dataset -> the market table and the venue in it that feed it; None: no table does.
FED_BY: Mapping[str, tuple[str, str] | None] = {
    "bitfinex.liquidation": ("liquidations_1h", "bitfinex"),
    "bitfinex.open_interest": ("open_interest", "bitfinex"),
    "bitmex.funding_rate": ("funding", "bitmex"),
    "bitmex.open_interest": ("open_interest", "bitmex"),
    "bitstamp.spot_candle_1d": ("price_1d", "bitstamp"),
    "bitstamp.spot_history_1d": ("price_history_1d", "bitstamp"),
    "cftc.position": None,
    "coinglass.funding_rate": ("funding", "aggregate"),
    "deribit.future_summary": ("open_interest", "deribit"),
    "deribit.option_trade": None,
    "hyperliquid.funding_rate": ("funding", "hyperliquid"),
    "hyperliquid.open_interest": ("open_interest", "hyperliquid"),
    "kraken.spot_candle_1d": ("price_1d", "kraken"),
    "kraken_futures.funding_rate": ("funding", "kraken"),
    "kraken_futures.open_interest": ("open_interest", "kraken"),
    "okx.liquidation": ("liquidations_1h", "okx"),
}


def without(market: Market) -> list[str]:
    """Ids of the datasets that these tables have no row for, in order."""
    return sorted(dataset for dataset, fed_by in FED_BY.items() if fed_by is None or not _has(market, *fed_by))


def _has(market: Market, table: str, venue: str) -> bool:
    return bool((market.table(table)["venue"] == venue).any())
