"""Runs against upstreams that misbehave: the right error, exit code 3, and everything else published.

All through Dagster and over HTTP, on a few days of the bundled scenario.
"""

import re
import shutil
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import duckdb
import pytest

from cli.demo import demo_settings
from cli.errors import EXIT_DEAD_SOURCES, EXIT_PUBLISHED
from cli.request import RunRequest
from cli.run import execute, run_and_tell
from cli.terminal import PlainConsole
from pipeline.settings import environment
from sandbox import scenario
from sandbox.server_process import running_apart
from sources.registry import DATASETS
from warehouse.errors import HomeError
from warehouse.home import Home

FIRST_DAY, LAST_DAY = date(2026, 2, 2), date(2026, 2, 6)
NEXT_DAY = date(2026, 2, 7)
REQUEST = RunRequest("backfill", FIRST_DAY, LAST_DAY, keeps_history=False)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    scenario.generate(folder)
    return folder


@pytest.fixture(scope="module")
def sound(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was filled when everything answered. Copied before use."""
    home = tmp_path_factory.mktemp("sound")
    code, told = run(home, market)
    assert code == EXIT_PUBLISHED, told
    return home


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "home", symlinks=True)


def run(home: Path, market: Path, faults: str | None = None, request: RunRequest = REQUEST) -> tuple[int, str]:
    """Exit code and what the terminal said, with its line breaks taken out."""
    said = StringIO()
    console = PlainConsole(width=200, file=said)
    with running_apart(market, faults=faults) as upstream, environment(**demo_settings(home, upstream)):
        code = run_and_tell(request, console=console)
    return code, " ".join(said.getvalue().split())


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(Home(home).published), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("faults", "dataset", "said"),
    [
        ("api.binance.com=down", "binance.spot_candle_1d", r"dead source binance\.spot_candle_1d: outage: .* next run"),
        ("farside.co.uk=garbage", "farside.etf_flow", r"dead source farside\.etf_flow: .*(not_data|changed_layout)"),
        ("cdn.cboe.com=header", "cboe.vix", r"dead source cboe\.vix: .*changed_layout.* changed its format"),
    ],
    ids=["dead provider", "page of garbage", "changed header"],
)
def test_one_broken_source_is_named_and_everything_else_is_published(
    market: Path, home: Path, faults: str, dataset: str, said: str
) -> None:
    table = f"raw.{dataset.replace('.', '__')}"
    before = rows(home, f"select count(*) from {table}")
    longer = RunRequest("backfill", FIRST_DAY, NEXT_DAY, keeps_history=False)

    code, told = run(home, market, faults, longer)

    assert code == EXIT_DEAD_SOURCES, told
    assert re.search(said, told), told
    assert rows(home, f"select count(*) from {table}") == before  # the last good data stays
    assert rows(home, "select max(signal_date) from marts.fct_regime_daily") == [(NEXT_DAY,)]
    assert rows(home, "select max(open_time)::date from raw.okx__spot_candle_1d") == [(NEXT_DAY,)]
    [(message,)] = rows(
        home, f"select message from raw.attempt where dataset_id = '{dataset}' order by started_at desc limit 1"
    )
    assert message

    if faults.endswith("=down"):  # the next run makes good what was left out
        assert run(home, market, None, longer)[0] == EXIT_PUBLISHED
        assert rows(home, f"select max(open_time)::date from {table}") == [(NEXT_DAY,)]


def test_a_second_run_changes_nothing_and_says_so(market: Path, home: Path) -> None:
    count = " union all ".join(f"select '{dataset.id}', count(*) from raw.{dataset.table}" for dataset in DATASETS)
    before = rows(home, count)

    code, told = run(home, market)

    assert code == EXIT_PUBLISHED, told
    assert "published nothing new" in told
    assert rows(home, count) == before


def test_a_keyed_source_without_a_key_is_no_error(market: Path, tmp_path: Path) -> None:
    with running_apart(market) as upstream:
        settings = {name: value for name, value in demo_settings(tmp_path, upstream).items() if "KEY" not in name}
        with pytest.MonkeyPatch.context() as patch:
            for name in ("LEADLINE_KEY_COINGLASS", "LEADLINE_KEY_GLASSNODE"):
                patch.delenv(name, raising=False)
            with environment(**settings):
                outcome = execute(
                    RunRequest("backfill", LAST_DAY, LAST_DAY, ("coinglass", "cboe"), keeps_history=False)
                )
    assert outcome.exit_code == EXIT_PUBLISHED
    assert not outcome.dead
    states = rows(tmp_path, "select dataset_id, outcome from raw.attempt order by all")
    assert ("coinglass.liquidation", "needs_key") in states
    assert ("cboe.vix", "answered") in states


def test_rows_of_another_origin_never_enter_a_home(market: Path, home: Path, tmp_path: Path) -> None:
    other = shutil.copytree(market, tmp_path / "other")
    (other / "dvol_1h.parquet").unlink()
    with pytest.raises(HomeError, match=r"the two are never mixed\. Set LEADLINE_HOME"):
        run(home, other)


def test_a_build_as_of_an_earlier_instant_leaves_the_warehouse_alone(market: Path, home: Path) -> None:
    instant = datetime(2026, 2, 5, 1, tzinfo=UTC)
    before = Home(home).published.stat().st_mtime_ns
    logged = rows(home, "select count(*) from raw.regime_log")

    code, told = run(home, market, request=RunRequest("build", as_of=instant, keeps_history=False))

    assert code == EXIT_PUBLISHED, told
    assert Home(home).published.stat().st_mtime_ns == before
    assert rows(home, "select count(*) from raw.regime_log") == logged
    then = Home(home).as_of(instant)
    with duckdb.connect(str(then.published), read_only=True) as connection:
        [(newest, known_at)] = connection.execute(
            "select (select max(signal_date) from marts.fct_regime_daily), "
            "(select max(known_at) from marts.fct_signal_daily)"
        ).fetchall()
    assert newest == date(2026, 2, 4)
    assert known_at <= instant.replace(tzinfo=None)
    assert (then.report / "index.html").exists()
    assert (then.extracts / "manifest.json").exists()
