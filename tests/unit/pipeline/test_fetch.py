"""Asking several providers at once, against upstreams that answer, fail and have nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from cli.main import main
from pipeline.fetch import DatasetPlan, FetchOutcome, FetchResult, fetch
from pipeline.ingest import KnownData, remaining
from pipeline.plan import RunPeriod, asks, cut_off, midnight
from pipeline.settings import Settings
from sources.core.errors import Failure
from sources.registry import dataset
from warehouse.home import Home
from warehouse.landing import Landing

FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2026, 1, 31)
SPAN = RunPeriod(midnight(FIRST_DAY), cut_off(LAST_DAY), clocked=True, each_instant=True)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """A folder with nothing but funding rates of Binance and of Bybit's first half of the month."""
    times = pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 31, 16), "8h", eager=True, time_unit="us")
    frames = [
        pl.DataFrame({"venue": venue, "funding_time": stamps, "rate": 0.0001, "interval_hours": 8})
        for venue, stamps in (("binance", times), ("bybit", times.filter(times < datetime(2026, 1, 15))))
    ]
    folder = tmp_path / "market"
    folder.mkdir()
    pl.concat(frames).cast({"interval_hours": pl.Int32}).write_parquet(folder / "funding.parquet")
    return folder


@pytest.fixture
def ask(
    market: Path, sandbox: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, FetchResult]]:
    """`ask(dataset ids…, faults=None) -> how each ended`."""

    def run(*ids: str, faults: str | None = None) -> dict[str, FetchResult]:
        monkeypatch.setenv("LEADLINE_UPSTREAM", sandbox(market, faults=faults))
        plan = [DatasetPlan(dataset(id), asks(dataset(id), SPAN)) for id in ids]
        ended = fetch(plan, Settings(_env_file=None), Landing(Home(tmp_path / "home")))
        return {fetched.dataset.id: fetched for answered in ended for fetched in answered}

    return run


def test_what_answered_is_landed_and_covered(ask: Callable[..., dict[str, FetchResult]]) -> None:
    fetched = ask("binance.funding_rate")["binance.funding_rate"]
    assert fetched.outcome is FetchOutcome.ANSWERED
    assert fetched.message == ""
    assert fetched.requests >= 2  # more than one month: more than one window
    assert fetched.covered is not None
    assert (fetched.covered.start, fetched.covered.end) == (SPAN.start, SPAN.end)
    assert all(file.path.exists() for file in fetched.files)


def test_a_dead_provider_costs_only_its_own_datasets(ask: Callable[..., dict[str, FetchResult]]) -> None:
    ended = ask("binance.funding_rate", "bybit.funding_rate", faults="fapi.binance.com=down")
    assert ended["binance.funding_rate"].outcome is FetchOutcome.FAILED
    assert ended["binance.funding_rate"].failure is Failure.OUTAGE
    assert ended["binance.funding_rate"].covered is None
    assert "next run tries again" in ended["binance.funding_rate"].message
    assert ended["bybit.funding_rate"].outcome is FetchOutcome.ANSWERED


def test_a_keyed_dataset_without_a_key_is_not_asked(
    ask: Callable[..., dict[str, FetchResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEADLINE_KEY_COINGLASS", raising=False)
    fetched = ask("coinglass.liquidation")["coinglass.liquidation"]
    assert fetched.outcome is FetchOutcome.NEEDS_KEY
    assert fetched.requests == 0
    assert fetched.message == "Set LEADLINE_KEY_COINGLASS to turn it on."


def test_a_mistake_in_one_module_does_not_sink_the_others(
    ask: Callable[..., dict[str, FetchResult]], sandbox: Callable[..., str], market: Path, tmp_path: Path
) -> None:
    def broken(session: object, window: object) -> object:
        raise ZeroDivisionError("a mistake")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADLINE_UPSTREAM", sandbox(market))
        plan = [
            DatasetPlan(replace(dataset("cboe.vix"), fetch=broken), asks(dataset("cboe.vix"), SPAN)),
            DatasetPlan(dataset("bybit.funding_rate"), asks(dataset("bybit.funding_rate"), SPAN)),
        ]
        answers = fetch(plan, Settings(_env_file=None), Landing(Home(tmp_path / "home")))
        ended = {fetched.dataset.id: fetched for answered in answers for fetched in answered}
    assert ended["cboe.vix"].outcome is FetchOutcome.FAILED
    assert ended["cboe.vix"].message == "ZeroDivisionError: a mistake. This is a bug of Leadline; report it."
    assert ended["bybit.funding_rate"].outcome is FetchOutcome.ANSWERED


def test_a_full_disk_ends_the_run_instead_of_blaming_a_provider(
    ask: Callable[..., dict[str, FetchResult]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "landing").write_text("")  # where the landing folder should be
    with pytest.raises(OSError, match="landing"):
        ask("binance.funding_rate")


def test_nothing_left_to_ask_is_no_failure(tmp_path: Path) -> None:
    [[fetched]] = fetch([DatasetPlan(dataset("cboe.vix"), [])], Settings(_env_file=None), Landing(Home(tmp_path)))
    assert fetched.outcome is FetchOutcome.NOT_ASKED


def _at(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        ([], None),
        ([(_at(1), _at(10))], _at(10)),
        ([(_at(8), _at(20)), (_at(1), _at(10))], _at(20)),
        ([(_at(1), _at(5)), (_at(8), _at(20))], _at(5)),  # a gap: what lies behind it does not count
        ([(_at(3), _at(20))], None),  # begins after the start
    ],
)
def test_how_far_earlier_runs_came(asked: list[tuple[datetime, datetime]], until: datetime | None) -> None:
    assert KnownData(asked=asked).asked_until(_at(1)) == until


def test_a_back_fill_goes_on_where_it_stopped_and_asks_the_newest_again() -> None:
    questions = asks(dataset("okx.open_interest"), SPAN)
    half = questions[len(questions) // 2]
    left = remaining(questions, KnownData(asked=[(SPAN.start or _at(1), half.window.end)]), SPAN)
    assert left == questions[len(questions) // 2 + 1 :]
    everything = KnownData(asked=[(SPAN.start or _at(1), SPAN.end)])
    assert remaining(questions, everything, SPAN) == questions[-1:]


def test_a_probe_tells_who_answers_and_who_does_not(
    market: Path, sandbox: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEADLINE_KEY_GLASSNODE", raising=False)
    monkeypatch.setenv("LEADLINE_UPSTREAM", sandbox(market, faults="api.bybit.com=down"))
    result = CliRunner().invoke(main, ["probe", "--select", "binance.funding_rate", "--select", "glassnode.metric"])
    assert result.exit_code == 0, result.output
    assert "22 rows" in result.output
    assert "set LEADLINE_KEY_GLASSNODE" in result.output
    result = CliRunner().invoke(main, ["probe", "--select", "bybit"])
    assert result.exit_code == 3
    assert "no answer" in result.output
