"""What readers get: the published warehouse, extracts and report, after the regime log took its line."""

import dagster as dg

from orchestration.forecast_assets import FORECAST_LOG, MARTS
from orchestration.scope import POOL, Scope
from pipeline.code_version import code_version
from pipeline.progress import progress
from reporting.published import BoardError
from warehouse.database import Warehouse
from warehouse.extracts import write_extracts
from warehouse.logs import log_regimes
from warehouse.publish import publish

GROUP = "published"
REGIME_LOG = dg.AssetKey([GROUP, "regime_log"])
WAREHOUSE = dg.AssetKey([GROUP, "warehouse"])
EXTRACTS = dg.AssetKey([GROUP, "extracts"])
REPORT = dg.AssetKey([GROUP, "report"])
SITE = dg.AssetKey([GROUP, "site"])


@dg.asset(
    key=REGIME_LOG, deps=[*MARTS, FORECAST_LOG], group_name=GROUP, kinds={"duckdb"}, owners=["team:leadline"], pool=POOL
)
def regime_log(scope: Scope) -> dg.MaterializeResult[None]:
    """The regimes of today, kept permanently. A build as of an earlier instant adds nothing."""
    progress().stage("publishing")
    if scope.known_at() is not None:
        return dg.MaterializeResult(metadata={"new entries": 0, "state": "left alone: this is a build as of earlier"})
    with Warehouse(scope.home()) as warehouse:
        added = log_regimes(warehouse, code_version=code_version())
    return dg.MaterializeResult(metadata={"new entries": added})


@dg.asset(key=WAREHOUSE, deps=[REGIME_LOG], group_name=GROUP, kinds={"duckdb"}, owners=["team:leadline"], pool=POOL)
def published_warehouse(scope: Scope) -> dg.MaterializeResult[None]:
    """The DuckDB file that SQL users open, replaced in one step; readers of the old one keep their snapshot."""
    home = scope.readers_home()
    publish(home, as_of=scope.known_at(), code_version=code_version())
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(home.published), "bytes": home.published.stat().st_size}
    )


@dg.asset(key=EXTRACTS, deps=[WAREHOUSE], group_name=GROUP, kinds={"parquet"}, owners=["team:leadline"])
def extracts(scope: Scope) -> dg.MaterializeResult[None]:
    """Each mart as Parquet, with a manifest of schema, units, rows and hashes."""
    home = scope.readers_home()
    write_extracts(home, csv=scope.csv)
    if scope.public:
        write_extracts(home, home.public, public=True, csv=scope.csv)
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(home.extracts)})


@dg.asset(key=REPORT, deps=[WAREHOUSE], group_name=GROUP, kinds={"html"}, owners=["team:leadline"])
def report(scope: Scope) -> dg.MaterializeResult[None]:
    """The board as a page that needs nothing but a browser; for the public also without what may not be passed on."""
    from reporting.page import write_report  # the plotting library would slow down every start of Dagster

    home = scope.readers_home()
    try:
        page = write_report(home.published, home.report)
        if scope.public:
            write_report(home.published, home.public.report, public=True)
    except BoardError as error:
        # A first run of a few sources has no day to report on yet; what it published stands all the same.
        return dg.MaterializeResult(metadata={"state": str(error)})
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(page)})


@dg.asset(key=SITE, deps=[WAREHOUSE], group_name=GROUP, kinds={"html"}, owners=["team:leadline"])
def site(scope: Scope) -> dg.MaterializeResult[None]:
    """A page a day, a signal and a bucket, with files for programs; only pages whose content changed are written."""
    from reporting.site.build import write_site

    home, base = scope.readers_home(), scope.settings().site_url
    try:
        written = write_site(home.published, home.site, base=base)
        if scope.public:
            write_site(home.published, home.public.site, public=True, base=base)
    except BoardError as error:
        return dg.MaterializeResult(metadata={"state": str(error)})
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(written.folder),
            "days": written.days,
            "days written anew": written.rewritten_days,
        }
    )
