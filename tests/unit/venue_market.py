"""What the tests of all exchanges share: payloads by hand, small market folders, and a real loop over HTTP."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from sandbox.market import TABLES, Market
from sandbox.provider_request import ProviderRequest, RouteHandler
from sandbox.server import RunningServer, running
from sources.core.dataset import Dataset, Window
from sources.core.http import Session
from sources.core.payload import Payload

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def payload(content: object, *, fetched_at: datetime = datetime(2026, 9, 20, tzinfo=UTC), status: int = 200) -> Payload:
    """An answer with this body: bytes as they are, anything else as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Payload("https://exchange.example/path", {}, status, {}, body, fetched_at)


def table(name: str, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    """A market table from rows in the order of its columns."""
    return pl.DataFrame(rows, schema=TABLES[name], orient="row")


def bars(venue: str, market: str, start: datetime, step: timedelta, count: int) -> list[tuple[object, ...]]:
    """Made-up bars: the close of one is the open of the next; volume and taker buys follow the position."""
    return [
        (venue, market, start + i * step, 70000.0 + i, 70002.5 + i, 69999.25 + i, 70001.0 + i, 10.5 + i, 4.25 + i / 2)
        for i in range(count)
    ]


def folder(path: Path, tables: Mapping[str, list[tuple[object, ...]] | pl.DataFrame]) -> Path:
    """A folder of market tables."""
    path.mkdir(exist_ok=True)
    for name, rows in tables.items():
        frame = rows if isinstance(rows, pl.DataFrame) else table(name, rows)
        frame.write_parquet(path / f"{name}.parquet")
    return path


def question(path: Path, clock: datetime, names: Mapping[str, str] | None = None, **params: str) -> ProviderRequest:
    """A request at an instant, without the server around it; `names` are the parts of the path."""
    return ProviderRequest(Market(path), clock, params, names or {})


@contextmanager
def asking(
    dataset: Dataset, market: Path, clock: datetime, routes: Mapping[str, RouteHandler]
) -> Iterator[tuple[Session, RunningServer]]:
    """A session to a stand-in that listens on loopback, at an instant (naive UTC)."""
    with (
        running(market, routes=routes) as stand_in,
        Session(dataset.provider, upstream=stand_in.base_url, clock=clock.replace(tzinfo=UTC)) as session,
    ):
        yield session, stand_in


def rows_of(dataset: Dataset, session: Session, window: Window) -> pl.DataFrame:
    """All rows of a window in the order in which the pages gave them; nothing may be refused."""
    parsed = [dataset.read(page) for page in dataset.fetch(session, window)]
    assert not [reject for each in parsed for reject in each.rejects]
    return pl.concat([each.rows for each in parsed]) if parsed else pl.DataFrame(schema=dataset.schema)
