"""The registry of providers: one line each. A new provider is its module and its line here."""

from types import ModuleType

from sources import (
    bgeometrics,
    binance,
    binance_vision,
    bitfinex,
    bitmex,
    bitstamp,
    bitview,
    blockchain,
    bls,
    braiins,
    bybit,
    cboe,
    cftc,
    coinbase,
    coinglass,
    coinmetrics,
    deribit,
    farside,
    fed,
    fred,
    fred_api,
    glassnode,
    hyperliquid,
    kraken,
    kraken_futures,
    luxor,
    mempool,
    okx,
    sosovalue,
    stooq,
    treasury,
    twelvedata,
    yahoo,
)
from sources.core.dataset import Dataset, Provider

MODULES: tuple[ModuleType, ...] = (
    binance,
    bybit,
    okx,
    coinbase,
    kraken,
    bitstamp,
    deribit,
    bitmex,
    hyperliquid,
    kraken_futures,
    bitfinex,
    cftc,
    coinglass,
    farside,
    sosovalue,
    coinmetrics,
    mempool,
    treasury,
    fred,
    yahoo,
    cboe,
    fed,
    bls,
    fred_api,
    twelvedata,
    stooq,
    bitview,
    glassnode,
    binance_vision,
    bgeometrics,
    blockchain,
    braiins,
    luxor,
)

PROVIDERS: tuple[Provider, ...] = tuple(module.PROVIDER for module in MODULES)
DATASETS: tuple[Dataset, ...] = tuple(dataset for module in MODULES for dataset in module.DATASETS)


def dataset(dataset_id: str) -> Dataset:
    """The declared dataset of that id, such as `binance.funding_rate`. Raises KeyError with the known ids."""
    for declared in DATASETS:
        if declared.id == dataset_id:
            return declared
    raise KeyError(f"There is no dataset {dataset_id!r}. Known: {', '.join(known.id for known in DATASETS)}.")
