"""Which datasets a folder of market tables has nothing for, so that no request is made for them.

A stand-in plays more providers than any folder feeds. Asked all the same, each answers as it does when it has nothing.
A dataset that no stand-in names in FED_BY is fed by a table of its own and is missed when that table is absent.
"""

from sandbox.market import Market
from sandbox.provider_request import FedBy
from sandbox.routes import stand_ins


def fed_by() -> FedBy:
    """Dataset -> the market table and the venue in it that feed it, of all stand-ins that name any."""
    named: list[FedBy] = [module.FED_BY for module in stand_ins() if hasattr(module, "FED_BY")]
    return {dataset: table for each in named for dataset, table in each.items()}


def without(market: Market) -> list[str]:
    """Ids of the datasets that these tables have no row for, in order."""
    return sorted(dataset for dataset, table in fed_by().items() if table is None or not _has(market, *table))


def _has(market: Market, table: str, venue: str) -> bool:
    return bool((market.table(table)["venue"] == venue).any())
