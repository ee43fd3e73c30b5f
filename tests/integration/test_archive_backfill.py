"""A back-fill from an archive, broken off at a file: the next one goes on there, and the tables come out the same."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from starlette.responses import Response

from pipeline.fetch import FetchOutcome
from pipeline.ingest import IngestResult, ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from sandbox import binance_vision
from sandbox.market import TABLES
from sandbox.provider_request import ProviderRequest, RouteHandler, text_answer
from sandbox.server import running
from sources.registry import dataset
from warehouse.home import Home

FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2026, 1, 12)
SPAN = RunPeriod(midnight(FIRST_DAY), cut_off(LAST_DAY), clocked=True, each_instant=True, archives=True)
DATASETS = ("binance_vision.metrics", "binance_vision.spot_candle_1h")
FILES = 24 - 2  # one a day and dataset; the last day's are not out yet at the cut-off


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    start, end = datetime(2026, 1, 1), datetime(2026, 1, 14)
    stamps = pl.datetime_range(start, end, "5m", eager=True, time_unit="us")
    noise = pl.Series(range(stamps.len())) * 0.25
    interest = pl.DataFrame({"venue": "binance", "time": stamps, "oi_btc": 80_000 + noise, "oi_usd": 7e9 + noise})
    interest.write_parquet(folder / "open_interest.parquet")
    hours = pl.datetime_range(start, end, "1h", eager=True, time_unit="us")
    prices = dict.fromkeys(("open", "high", "low", "close"), 90_000.0)
    bars = {"venue": "binance", "market": "spot", "open_time": hours, **prices, "volume_btc": 5.0, "taker_buy_btc": 2.0}
    pl.DataFrame(bars).select(list(TABLES["price_1h"])).write_parquet(folder / "price_1h.parquet")
    return folder


@dataclass
class Archive:
    """A stand-in archive that can break off: what it served, and what happens instead of its nth file."""

    served: list[str] = field(default_factory=list)
    breaks_at: int | None = None
    victim: int | None = None  # a process to kill at that file
    base_url: str = ""

    def wrapped(self, handler: RouteHandler) -> RouteHandler:
        def answer(question: ProviderRequest) -> Response:
            name = question.path["file"]
            if name.endswith(".zip") and self.breaks_at is not None and len(self._zips) >= self.breaks_at:
                if self.victim is not None:
                    os.kill(self.victim, signal.SIGKILL)
                return text_answer("broken off", 500)
            response = handler(question)
            if response.status_code == 200:
                self.served.append(name)
            return response

        return answer

    @property
    def _zips(self) -> list[str]:
        return [name for name in self.served if name.endswith(".zip")]


@contextmanager
def archive(market: Path) -> Iterator[Archive]:
    stand_in = Archive()
    routes = {route: stand_in.wrapped(handler) for route, handler in binance_vision.ROUTES.items()}
    with running(market, routes=routes) as server:
        stand_in.base_url = server.base_url
        yield stand_in


def back_fill(home: Path, upstream: str) -> Sequence[IngestResult]:
    settings = Settings(_env_file=None, home=home, upstream=upstream)
    return list(ingest(Home(home), settings, [dataset(each) for each in DATASETS], SPAN))


def tables(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(Home(home).build_file), read_only=True) as connection:
        return {
            each: connection.execute(
                f"select * exclude (load_id) from raw.{dataset(each).table} order by all"
            ).fetchall()
            for each in DATASETS
        }


@pytest.fixture(scope="module")
def undisturbed(market: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    home = tmp_path_factory.mktemp("undisturbed")
    with archive(market) as stand_in:
        ended = back_fill(home, stand_in.base_url)
    assert [(each.fetched.outcome, each.trouble) for each in ended] == [(FetchOutcome.ANSWERED, "")] * 2
    found = tables(home)
    assert [len(rows) for rows in found.values()] == [11 * 288, 11 * 24]
    return found


@pytest.mark.parametrize("breaks_at", [0, 7, 15])
def test_a_back_fill_goes_on_at_the_file_at_which_it_broke_off(
    market: Path, tmp_path: Path, undisturbed: dict[str, list[tuple[object, ...]]], breaks_at: int
) -> None:
    with archive(market) as stand_in:
        stand_in.breaks_at = breaks_at
        ended = back_fill(tmp_path, stand_in.base_url)
        assert any(each.fetched.outcome is FetchOutcome.FAILED for each in ended)
        before, stand_in.served[:] = list(stand_in.served), []
        stand_in.breaks_at = None
        ended = back_fill(tmp_path, stand_in.base_url)
        assert all(each.fetched.outcome is FetchOutcome.ANSWERED for each in ended)
        again = [name for name in stand_in.served if name.endswith(".zip")]
        assert len([name for name in before if name.endswith(".zip")]) + len(again) == FILES
        done = {name for name in before if name.endswith(".zip")}
        assert not done & set(stand_in.served)
        assert not {f"{name}.CHECKSUM" for name in done} & set(stand_in.served)
        stand_in.served.clear()
        assert all(not each.trouble for each in back_fill(tmp_path, stand_in.base_url))
        assert stand_in.served == []  # everything is here
    assert tables(tmp_path) == undisturbed


RUN = """
import sys
from pathlib import Path
from tests.integration.test_archive_backfill import back_fill
back_fill(Path(sys.argv[1]), sys.argv[2])
"""


def test_a_killed_back_fill_loses_nothing_and_fetches_nothing_twice(
    market: Path, tmp_path: Path, undisturbed: dict[str, list[tuple[object, ...]]]
) -> None:
    with archive(market) as stand_in:
        child = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), stand_in.base_url])
        stand_in.breaks_at, stand_in.victim = 14, child.pid
        assert child.wait() == -signal.SIGKILL
        done = {name for name in stand_in.served if name.endswith(".zip")}
        assert len(done) == 14
        stand_in.breaks_at = None
        stand_in.served.clear()
        ended = back_fill(tmp_path, stand_in.base_url)
        assert all(each.fetched.outcome is FetchOutcome.ANSWERED for each in ended)
        assert not done & set(stand_in.served)
    assert tables(tmp_path) == undisturbed
