"""The chain as assets: cells that follow the node, and what they are worth in the warehouse."""

from collections.abc import Iterator

import dagster as dg

from chain.errors import ChainError
from chain.published import current
from orchestration.scope import POOL, Scope
from pipeline import chain
from pipeline.analytics_tables import CHAIN_TABLES
from pipeline.progress import progress
from sources.core.errors import SourceError

CELLS_KEY = dg.AssetKey(["chain", "cells"])
VALUED_KEYS = {name: dg.AssetKey(["analytics", name]) for name in CHAIN_TABLES}
FOLLOWED = "followed"
PRICED = "priced"


@dg.multi_asset(
    name="chain_cells",
    specs=[
        dg.AssetSpec(
            CELLS_KEY,
            group_name="chain",
            description="Satoshi sums by day created and day spent, from a node or the public copy of the chain.",
            kinds={"python", "parquet"},
            owners=["team:leadline"],
        )
    ],
    check_specs=[dg.AssetCheckSpec(FOLLOWED, asset=CELLS_KEY, description="The node answered, if one is configured.")],
)
def chain_cells(context: dg.AssetExecutionContext, scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """Follow the node that is configured and publish cells. Never sinks the day."""
    progress().stage("chain")
    settings = scope.settings()
    followed, trouble = None, ""
    try:
        followed = chain.follow_configured(settings, most_blocks=chain.BLOCKS_A_RUN)
    except (SourceError, ChainError) as error:
        trouble = str(error)
        context.log.warning("chain: %s", trouble)
    cells = current(chain.root(settings.home))
    yield dg.MaterializeResult(
        asset_key=CELLS_KEY,
        metadata={
            "new blocks": followed.blocks if followed else 0,
            "orphaned blocks": followed.orphaned if followed else 0,
            "height": cells.reach.last_height if cells else "none",
            "last closed day": str(cells.reach.last_day) if cells else "none",
            "state": trouble or ("followed" if followed else chain.NOT_CONFIGURED),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=FOLLOWED,
                passed=not trouble,
                severity=dg.AssetCheckSeverity.ERROR,
                description=trouble or "nothing went wrong",
            )
        ],
    )


@dg.multi_asset(
    name="chain_values",
    specs=[
        dg.AssetSpec(
            key,
            deps=[CELLS_KEY, dg.AssetKey(["raw", "coinmetrics__asset_metric"])],
            group_name="analytics",
            description=CHAIN_TABLES[name].comment,
            kinds={"python", "duckdb"},
            owners=["team:leadline"],
        )
        for name, key in VALUED_KEYS.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(PRICED, asset=VALUED_KEYS["chain_day"], description="Every day has the prices it needs.")
    ],
    pool=POOL,
)
def chain_values(scope: Scope) -> Iterator[dg.MaterializeResult[None]]:
    """Realised figures, cost basis and ages of the days that are new."""
    progress().stage("chain values")
    valued = chain.value_published(scope.home(), scope.settings())
    priced = dg.AssetCheckResult(
        check_name=PRICED,
        passed=not valued.waiting,
        severity=dg.AssetCheckSeverity.WARN,
        description=valued.reason or "every day has its prices",
    )
    for name, key in VALUED_KEYS.items():
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={"new days": valued.new, "days valued again": valued.again, "days waiting": valued.waiting},
            check_results=[priced] if name == "chain_day" else [],
        )
