"""All routes of the stand-in upstream: one line a provider."""

from collections.abc import Mapping

from sandbox import (
    binance,
    bitfinex,
    bitmex,
    bitstamp,
    bitview,
    bybit,
    cboe,
    coinbase,
    coinglass,
    coinmetrics,
    deribit,
    farside,
    fred,
    glassnode,
    hyperliquid,
    kraken,
    kraken_futures,
    mempool,
    okx,
    treasury,
    yahoo,
)
from sandbox.serving import Handler

ROUTES: Mapping[str, Handler] = {
    **binance.ROUTES,
    **bybit.ROUTES,
    **okx.ROUTES,
    **coinbase.ROUTES,
    **kraken.ROUTES,
    **bitstamp.ROUTES,
    **deribit.ROUTES,
    **bitmex.ROUTES,
    **hyperliquid.ROUTES,
    **kraken_futures.ROUTES,
    **bitfinex.ROUTES,
    **coinglass.ROUTES,
    **farside.ROUTES,
    **coinmetrics.ROUTES,
    **mempool.ROUTES,
    **treasury.ROUTES,
    **fred.ROUTES,
    **yahoo.ROUTES,
    **cboe.ROUTES,
    **bitview.ROUTES,
    **glassnode.ROUTES,
}
