"""The registry of providers: every module of this folder that declares datasets."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import sources
from sources.core.dataset import Dataset, Provider


def _provider_modules() -> tuple[ModuleType, ...]:
    names = (module.name for module in iter_modules(sources.__path__) if module.name != __name__.split(".")[-1])
    found = (import_module(f"{sources.__name__}.{name}") for name in names)
    return tuple(module for module in found if hasattr(module, "DATASETS"))


MODULES: tuple[ModuleType, ...] = _provider_modules()
PROVIDERS: tuple[Provider, ...] = tuple(module.PROVIDER for module in MODULES)
DATASETS: tuple[Dataset, ...] = tuple(dataset for module in MODULES for dataset in module.DATASETS)


def dataset(dataset_id: str) -> Dataset:
    """The declared dataset of that id, such as `binance.funding_rate`. Raises KeyError with the known ids."""
    for declared in DATASETS:
        if declared.id == dataset_id:
            return declared
    raise KeyError(f"There is no dataset {dataset_id!r}. Known: {', '.join(known.id for known in DATASETS)}.")
