"""What readers get: the published warehouse, extracts and report, after the regime log took its line."""

import dagster as dg

from orchestration.forecast_assets import FORECAST_LOG, MARTS
from orchestration.scope import POOL, Scope
from pipeline.code_version import code_version
from pipeline.progress import progress
from pipeline.shown import is_shown, remember_shown
from reporting.published import BoardError
from warehouse.database import Warehouse
from warehouse.extracts import is_current, write_extracts
from warehouse.home import Home
from warehouse.logs import log_regimes
from warehouse.publish import publish

GROUP = "published"
REGIME_LOG = dg.AssetKey([GROUP, "regime_log"])
WAREHOUSE = dg.AssetKey([GROUP, "warehouse"])
EXTRACTS = dg.AssetKey([GROUP, "extracts"])
REPORT = dg.AssetKey([GROUP, "report"])
SITE = dg.AssetKey([GROUP, "site"])
UNCHANGED = "unchanged: the publication says the same as the last one"


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
    written = 0
    for target, public in _readers(home, scope):
        if not is_current(home, target, csv=scope.csv):
            write_extracts(home, target, public=public, csv=scope.csv)
            written += 1
    return dg.MaterializeResult(
        metadata={"path": dg.MetadataValue.path(home.extracts), "state": "written" if written else UNCHANGED}
    )


@dg.asset(key=REPORT, deps=[WAREHOUSE], group_name=GROUP, kinds={"html"}, owners=["team:leadline"])
def report(scope: Scope) -> dg.MaterializeResult[None]:
    """The board as a page that needs nothing but a browser; for the public also without what may not be passed on."""
    home = scope.readers_home()
    state = UNCHANGED
    try:
        for target, public in _readers(home, scope):
            page = target.report / "index.html"
            if is_shown(home, page):
                continue
            from reporting.page import write_report  # the plotting library would slow down every start of Dagster

            write_report(home.published, target.report, public=public)
            remember_shown(home, page)
            state = "written"
    except BoardError as error:
        # A first run of a few sources has no day to report on yet; what it published stands all the same.
        return dg.MaterializeResult(metadata={"state": str(error)})
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(home.report / "index.html"), "state": state})


@dg.asset(key=SITE, deps=[WAREHOUSE], group_name=GROUP, kinds={"html"}, owners=["team:leadline"])
def site(scope: Scope) -> dg.MaterializeResult[None]:
    """A page a day, a signal and a bucket, with files for programs; only pages whose content changed are written."""
    home, base = scope.readers_home(), scope.settings().site_url
    days = rewritten = 0
    state = UNCHANGED
    try:
        for target, public in _readers(home, scope):
            if is_shown(home, target.site / "index.html", base):
                continue
            from reporting.site.build import write_site

            written = write_site(home.published, target.site, public=public, base=base)
            remember_shown(home, target.site / "index.html", base)
            days, rewritten, state = written.days, rewritten + written.rewritten_days, "written"
    except BoardError as error:
        return dg.MaterializeResult(metadata={"state": str(error)})
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(home.site),
            "days": days,
            "days written anew": rewritten,
            "state": state,
        }
    )


def _readers(home: Home, scope: Scope) -> list[tuple[Home, bool]]:
    """Where to publish, and whether only what may be passed on."""
    return [(home, False), (home.public, True)] if scope.public else [(home, False)]
