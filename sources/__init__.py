"""The registry of providers: one line each. A new provider is its module and its line here."""

from types import ModuleType

from sources.dataset import Dataset, Provider

MODULES: tuple[ModuleType, ...] = ()

PROVIDERS: tuple[Provider, ...] = tuple(module.PROVIDER for module in MODULES)
DATASETS: tuple[Dataset, ...] = tuple(dataset for module in MODULES for dataset in module.DATASETS)


def dataset(id: str) -> Dataset:
    """The declared dataset of that id, such as `binance.funding_rate`. Raises KeyError with the known ids."""
    for declared in DATASETS:
        if declared.id == id:
            return declared
    raise KeyError(f"There is no dataset {id!r}. Known: {', '.join(sorted(known.id for known in DATASETS))}.")
