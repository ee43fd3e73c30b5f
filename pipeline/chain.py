"""The chain in the daily run: follows the configured node, publishes cells and values them.

"Not configured" is no error.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from chain.errors import ChainError
from chain.follow import FollowResult, Node, follow
from chain.nodes import CoreNode, EsploraNode
from chain.published import current
from chain.store import BlockStore
from pipeline.analytics_tables import ensure_tables
from pipeline.chain_valuation import CoinMigration, ValuationOptions, ValuationResult, value
from pipeline.settings import PROJECT, Settings
from sources.bitcoin_core import BitcoinCore, Credentials
from sources.core.http import Session
from sources.esplora import PROVIDER, Esplora
from warehouse.database import Warehouse
from warehouse.home import Home

BLOCKS_A_RUN = 1_008  # a week; a first sync of the whole chain is no part of a daily run
MAIN = "main"  # what Bitcoin Core calls the real network
MIGRATIONS = PROJECT / "dbt_project" / "seeds" / "chain_migrations.csv"
NOT_CONFIGURED = "not configured: set LEADLINE_BITCOIN_RPC to follow a node, see docs/chain.md"


def root(home: Path) -> Path:
    """Where everything of the chain lies."""
    return home / "chain"


@contextmanager
def configured(settings: Settings) -> Iterator[Node | None]:
    """The way in that is configured, a node before Esplora; None when there is none."""
    if settings.bitcoin_rpc is not None:
        yield _core(settings, settings.bitcoin_rpc)
    elif settings.esplora:
        bundle = str(settings.ca_bundle) if settings.ca_bundle else None
        with Session(PROVIDER, upstream=settings.upstream, ca_bundle=bundle) as session:
            yield EsploraNode(Esplora(session))
    else:
        yield None


def _core(settings: Settings, address: str) -> CoreNode:
    """The configured node. Raises SourceError for one that may not be asked, ChainError for one of another network.

    A node of the real network never feeds a home of simulated rows, nor a test network one of real rows.
    """
    password = settings.bitcoin_password
    core = BitcoinCore(
        address,
        Credentials(settings.bitcoin_cookie, settings.bitcoin_user, password.get_secret_value() if password else None),
        ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
    )
    network, simulated = core.network(), settings.upstream is not None
    if (network == MAIN) == simulated:
        raise ChainError(
            f"The node follows the network {network!r} and this home holds "
            f"{'simulated' if simulated else 'real'} data; the two are never mixed. Set LEADLINE_HOME or "
            "LEADLINE_BITCOIN_RPC to another."
        )
    return CoreNode(core)


def follow_configured(
    settings: Settings,
    *,
    first_height: int | None = None,
    last_height: int | None = None,
    most_blocks: int | None = None,
    taken: Callable[[int, int], None] = lambda height, last: None,
) -> FollowResult | None:
    """Follow the configured way in and publish the cells; None when none is configured.

    An empty store begins with the cells of the join over the public Parquet copy where those are published, else at
    `first_height`, else at the first block. Raises ChainError and SourceError, and ChainError when more than
    `most_blocks` are missing.
    """
    folder = root(settings.home)
    with configured(settings) as node:
        if node is None:
            return None
        with BlockStore(folder) as store:
            if store.first_height is None and first_height is None and (history := current(folder)) is not None:
                store.load_history(history)
            elif first_height is not None:
                store.begin_at(first_height, node.way)
            if most_blocks is not None:
                _require_near(store, node, most_blocks)
            try:
                return follow(store, node, last_height=last_height, taken=taken)
            finally:
                if store.first_height is not None:
                    store.publish()


def _require_near(store: BlockStore, node: Node, most_blocks: int) -> None:
    missing = node.tip_height() - (-1 if store.first_height is None else store.next_height() - 1)
    if missing > most_blocks:
        raise ChainError(
            f"{missing} blocks are missing, more than the {most_blocks} that a daily run takes in. Run "
            "`leadline chain follow` once; it can be interrupted and goes on where it stopped."
        )


def value_published(home: Home, settings: Settings, now: datetime | None = None) -> ValuationResult:
    """Value the days of the published cells that are new; nothing when none are published. Raises CellsError."""
    with Warehouse(home) as warehouse:
        cells = current(root(home.path))
        if cells is None:
            ensure_tables(warehouse.connection)
            return ValuationResult(0, 0, 0)
        return value(warehouse, cells, options(settings), now or datetime.now(UTC))


def options(settings: Settings) -> ValuationOptions:
    """What is chosen about valuation."""
    return ValuationOptions(
        bin_usd=settings.cost_basis_bin_usd,
        leave_out_own=settings.without_self_transfers,
        migrations=migrations() if settings.without_migrations else (),
    )


def migrations() -> tuple[CoinMigration, ...]:
    """The known migrations of the seed, oldest first."""
    rows = pl.read_csv(MIGRATIONS, schema_overrides=dict.fromkeys(CoinMigration.__annotations__, pl.Date))
    return tuple(
        CoinMigration(*row) for row in rows.select(*CoinMigration.__annotations__).sort("moved_day").iter_rows()
    )
