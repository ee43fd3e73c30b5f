"""All routes of the stand-in upstream: of every module of this folder that plays a provider."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import sandbox
from sandbox.provider_request import RouteHandler


@cache
def stand_ins() -> tuple[ModuleType, ...]:
    """The modules with ROUTES of a provider, imported when first asked for."""
    found = (import_module(f"sandbox.{module.name}") for module in iter_modules(sandbox.__path__))
    return tuple(module for module in found if hasattr(module, "ROUTES"))


@cache
def all_routes() -> Mapping[str, RouteHandler]:
    """Method and address -> what answers there, of all providers."""
    return {route: handler for module in stand_ins() for route, handler in module.ROUTES.items()}
