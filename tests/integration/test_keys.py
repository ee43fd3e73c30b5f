"""A key goes where its provider takes it and nowhere else: each with a canary, in runs that succeed and that fail.

Whoever declares a key is covered here by declaring it.
"""

import gzip
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path

import duckdb
import pytest
from starlette.responses import Response

from cli.errors import EXIT_DEAD_SOURCES, EXIT_PUBLISHED
from cli.request import RunRequest
from cli.run import run_and_tell
from pipeline.settings import environment
from sandbox import scenario
from sandbox.provider_request import ProviderRequest, RouteHandler
from sandbox.routes import all_routes
from sandbox.server import RunningServer, running
from sources.registry import PROVIDERS

KEYED = tuple(provider for provider in PROVIDERS if provider.key_variable)
CANARIES = {provider.name: f"canary-of-{provider.name}-6f1d0c" for provider in KEYED}
DAY = date(2026, 2, 6)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    scenario.generate(folder)
    return folder


def host_of(route: str) -> str:
    return route.partition(" ")[2].partition("/")[0]


def repeating_its_key(canary: str) -> RouteHandler:
    """Answers that repeat the key in every place a provider might: bodies, pages, headers, a redirect."""
    turns = count()

    def answer(question: ProviderRequest) -> Response:
        said = f"the key {canary} is not valid"
        answers = (
            lambda: Response(
                f'{{"code": "401", "msg": "{said}", "error": "{said}"}}', 401, media_type="application/json"
            ),
            lambda: Response(f"<html><body>{said}</body></html>", 403, media_type="text/html"),
            lambda: Response(said, 200, media_type="text/plain"),
            lambda: Response(f'{{"code": "500", "msg": "{said}"}}', 200, media_type="application/json"),
            lambda: Response(said, 302, {"Location": f"https://elsewhere.example/?key={canary}", "ETag": canary}),
            lambda: Response(said, 400, {"Server": canary, "Content-Type": f"text/plain; said={canary}"}),
        )
        return answers[next(turns) % len(answers)]()

    return answer


def failing() -> Mapping[str, RouteHandler]:
    owners = {host: provider.name for provider in KEYED for host in provider.hosts}
    echo = {name: repeating_its_key(canary) for name, canary in CANARIES.items()}
    return {
        route: echo[owners[host_of(route)]] if host_of(route) in owners else own for route, own in all_routes().items()
    }


@contextmanager
def upstream_with_keys(home: Path, market: Path, routes: Mapping[str, RouteHandler]) -> Iterator[RunningServer]:
    keys = {provider.key_variable: CANARIES[provider.name] for provider in KEYED if provider.key_variable}
    with (
        running(market, routes=routes) as upstream,
        environment(LEADLINE_HOME=str(home), LEADLINE_UPSTREAM=upstream.base_url, **keys),
    ):
        yield upstream


def assert_in_no_file(home: Path) -> None:
    """Neither in the bytes of a file, decompressed where it is, nor in a value of a database or an extract."""
    files = [path for path in home.rglob("*") if path.is_file()]
    for path in files:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for canary in CANARIES.values():
            assert canary.encode() not in content, path
    # A database packs its texts, so its bytes alone prove nothing.
    for path in (path for path in files if path.suffix == ".duckdb"):
        with duckdb.connect(str(path), read_only=True) as connection:
            tables = connection.execute(
                "select format('{}.{}', schema_name, table_name) from duckdb_tables() where not internal"
            ).fetchall()
            assert tables, path
            for (table,) in tables:
                assert_in_no_row(connection, table)
    with duckdb.connect() as connection:
        for path in (path for path in files if path.suffix == ".parquet"):
            assert_in_no_row(connection, f"read_parquet('{path}')")


def assert_in_no_row(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    for canary in CANARIES.values():
        found = connection.execute(f"select 1 from {table} as t where contains(t::varchar, ?) limit 1", [canary])
        assert found.fetchone() is None, table


def test_there_are_keyed_providers() -> None:
    assert {"coinglass", "glassnode"} <= set(CANARIES)


def test_no_file_of_a_run_holds_a_key(market: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    selected = (*CANARIES, "binance.spot_candle_1d")  # without a price there is no board to report
    with upstream_with_keys(tmp_path, market, all_routes()) as upstream:
        assert run_and_tell(RunRequest("backfill", DAY, DAY, selected)) == EXIT_PUBLISHED
    for provider in KEYED:
        asked = [request for request in upstream.requests if request.host in provider.hosts]
        canary = CANARIES[provider.name]
        assert asked, f"{provider.name} was not asked"
        for request in asked:
            headers = {name for name, value in request.headers.items() if canary in value}
            parameters = {name for name, value in request.params.items() if canary in value}
            assert headers == ({provider.key_header.lower()} if provider.key_header else set())
            assert parameters == ({provider.key_parameter} if provider.key_parameter else set())
            assert canary not in request.path
        assert any((tmp_path / "landing").glob(f"{provider.name}__*/*-200-*.json.gz"))
    assert [path for path in tmp_path.rglob("*") if path.name == "index.html"], "a report"
    assert any(tmp_path.rglob("*.parquet")), "extracts"
    assert any(path.suffix == ".db" for path in (tmp_path / ".dagster").rglob("*")), "the event store"
    assert_in_no_file(tmp_path)

    with upstream_with_keys(tmp_path, market, failing()) as upstream:
        assert run_and_tell(RunRequest("backfill", DAY, DAY, selected)) == EXIT_DEAD_SOURCES
    said = capfd.readouterr()
    for provider in KEYED:
        assert any(request.host in provider.hosts for request in upstream.requests)
        assert provider.name in said.out
    landed = b"".join(gzip.decompress(path.read_bytes()) for path in tmp_path.rglob("*.json.gz"))
    assert b"is not valid" in landed, "the refusals were landed, without the key"
    assert_in_no_file(tmp_path)
    assert not any(canary in text for canary in CANARIES.values() for text in (said.out, said.err))
    assert not any(canary in value for canary in CANARIES.values() for value in os.environ.values())
