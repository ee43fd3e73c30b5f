"""The warehouse: landing zone, loader, published snapshots, backup and rebuild. Knows no provider and no Dagster."""

from warehouse.backup import Backup, backup
from warehouse.database import Warehouse
from warehouse.decisions import Decision
from warehouse.errors import (
    BusyError,
    DamagedError,
    HomeError,
    LandingError,
    LoadError,
    LoadVerdict,
    PublishError,
    WarehouseError,
)
from warehouse.extracts import write_extracts
from warehouse.fingerprint import table_hash
from warehouse.home import Home
from warehouse.landing import Landing, LandingFile
from warehouse.loader import Loader, LoadResult
from warehouse.logs import Attempt, log_attempts, log_regimes
from warehouse.publish import publish
from warehouse.rebuild import RebuildResult, rebuild

__all__ = [
    "Attempt",
    "Backup",
    "BusyError",
    "DamagedError",
    "Decision",
    "Home",
    "HomeError",
    "Landing",
    "LandingError",
    "LandingFile",
    "LoadError",
    "LoadResult",
    "LoadVerdict",
    "Loader",
    "PublishError",
    "RebuildResult",
    "Warehouse",
    "WarehouseError",
    "backup",
    "log_attempts",
    "log_regimes",
    "publish",
    "rebuild",
    "table_hash",
    "write_extracts",
]
