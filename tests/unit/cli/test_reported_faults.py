"""Faults that people who fetch this data reported in public, each as the smallest file that shows it, loaded by hand.

The files lie beside the repository; what each shows is in the README there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from warehouse.database import connect
from warehouse.home import Home


@dataclass(frozen=True)
class Told:
    """What the command said, on one line."""

    code: int
    text: str


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def load(home: Path, real: Path) -> Callable[..., Told]:
    """`load(dataset, fetched at, files…)`."""

    def run(dataset: str, at: str, *files: str) -> Told:
        paths = [str(real / "cases/inputs" / file) for file in files]
        result = CliRunner().invoke(main, ["load", dataset, *paths, "--fetched-at", at])
        return Told(result.exit_code, " ".join(result.output.split()))

    return run


def rows(home: Path, query: str) -> list[tuple[object, ...]]:
    with connect(Home(home).build_file, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_calendar_without_stamps(home: Path, load: Callable[..., Told]) -> None:
    assert load("bls.release", "2026-08-01T00:00:00Z", "bls_min.ics").code == 0
    assert rows(home, "select listed_on, release, release_date from raw.bls__release") == [
        (date(2026, 8, 1), "Consumer Price Index", date(2026, 8, 12))
    ]


def test_a_quantity_that_is_never_zero_is_missing_where_it_is(home: Path, load: Callable[..., Told]) -> None:
    files = [f"BTCUSDT-metrics-2022-03-0{day}.zip" for day in range(4, 9)]
    told = load("binance_vision.metrics", "2026-11-20T00:00:00Z", *files)
    assert told.code == 0
    assert "102 rejected" in told.text
    assert rows(home, "select count(*) from raw.binance_vision__metrics where open_interest_btc = 0") == [(0,)]
    reasons = rows(home, "select distinct reason from raw.quarantine")
    [(reason,)] = reasons
    assert str(reason).endswith("is zero where there is always some: it stands for no value")


@pytest.mark.parametrize("first", ["oi1.json", "oi1z.json"])
def test_one_zero_in_the_past_opens_no_gate(load: Callable[..., Told], first: str) -> None:
    assert load("binance.open_interest", "2026-04-21T00:20:00Z", first).code == 0
    told = load("binance.open_interest", "2026-04-22T00:20:00Z", "oik.json")
    assert told.code != 0
    assert "times its usual size" in told.text


def test_a_later_page_that_begins_in_the_middle_revises_nothing(home: Path, load: Callable[..., Told]) -> None:
    load("binance.funding_rate", "2026-05-02T04:20:00Z", "fund_a.json")
    told = load("binance.funding_rate", "2026-05-03T00:20:00Z", "fund_b.json")
    assert "0 revised" in told.text
    versions = "select max(n) from (select count(*) as n from raw.binance__funding_rate group by funding_time)"
    assert rows(home, versions) == [(1,)]


def test_of_two_bars_of_a_session_the_later_counts_and_it_is_said(home: Path, load: Callable[..., Told]) -> None:
    told = load("yahoo.daily_bar", "2019-01-26T00:20:00Z", "y_610.json")
    assert "1 left out (earlier bar of a session that stands twice)" in told.text
    assert rows(home, "select high, low from raw.yahoo__daily_bar where trade_date = '2019-01-25'") == [
        (1683.48, 1661.61)
    ]


def test_a_stamp_an_hour_early_belongs_to_the_session_that_begins(home: Path, load: Callable[..., Told]) -> None:
    load("yahoo.daily_bar", "2026-03-12T04:20:00Z", "y_dst2.json")
    assert rows(home, "select trade_date, close from raw.yahoo__daily_bar order by 1") == [
        (date(2026, 3, 10), 5150.0),
        (date(2026, 3, 11), 5120.0),
    ]


def test_a_column_that_stops_costs_only_itself(home: Path, load: Callable[..., Told]) -> None:
    told = load("coinmetrics.asset_metric", "2026-03-05T00:00:00Z", "cm_stop.csv")
    assert "60 new rows" in told.text
    counts = "select count(*), count(price_usd), count(exchange_inflow_usd) from raw.coinmetrics__asset_metric"
    assert rows(home, counts) == [(60, 60, 30)]


@pytest.mark.parametrize(("dataset", "file"), [("yahoo.daily_bar", "y_max.json"), ("fred.observation", "DGS10.csv")])
def test_rows_before_the_beginning_are_passed_over_and_counted(
    load: Callable[..., Told], dataset: str, file: str
) -> None:
    told = load(dataset, "2026-02-06T00:00:00Z", file)
    assert told.code == 0
    assert "left out (is before 2009-01-03)" in told.text


@pytest.mark.parametrize(
    ("dataset", "file"),
    [("kraken_futures.funding_rate", "PF_XBTUSD_missing.json"), ("binance.funding_rate", "fund_missing.json")],
)
def test_a_row_that_lacks_a_field_costs_that_row(load: Callable[..., Told], dataset: str, file: str) -> None:
    told = load(dataset, "2026-11-20T00:00:00Z", file)
    assert told.code == 0
    assert "1 rejected" in told.text


@pytest.mark.parametrize(
    ("dataset", "file", "says"),
    [
        ("stooq.daily_bar", "xauusd_d_key.csv", "a key is wanted"),
        ("stooq.daily_bar", "xauusd_d_pl.csv", "a quota is used up"),
        ("stooq.daily_bar", "xauusd_d_brak.csv", "there is nothing"),
        ("yahoo.daily_bar", "y_fin.json", "the provider is down or failed"),
        ("bitmex.funding_rate", "rl_bm.json", "too many requests"),
        ("coinbase.spot_candle_1d", "rl_cb.json", "too many requests"),
    ],
)
def test_a_text_in_place_of_data_is_named_for_what_it_is(
    load: Callable[..., Told], dataset: str, file: str, says: str
) -> None:
    told = load(dataset, "2026-11-20T00:00:00Z", file)
    assert told.code != 0
    assert says in told.text
    assert "changed its format" not in told.text


def test_a_compressed_file_is_opened(load: Callable[..., Told]) -> None:
    told = load("fred.observation", "2026-02-06T00:00:00Z", "DGS10.csv.gz")
    assert told.code == 0
    assert "1 new rows" in told.text


@pytest.mark.parametrize(
    ("dataset", "file", "says"),
    [
        ("binance.spot_candle_1d", "binance_weekly.json", "of a bar of 7 days"),
        ("kraken.spot_candle_1d", "kraken_weekly.json", "7 days, 0:00:00 apart"),
    ],
)
def test_bars_of_another_length_are_refused_by_their_own_stamps(
    load: Callable[..., Told], dataset: str, file: str, says: str
) -> None:
    told = load(dataset, "2026-11-20T00:00:00Z", file)
    assert told.code != 0
    assert says in told.text


def test_a_file_of_another_dataset_is_recognised(tmp_path: Path, home: Path, samples: Path) -> None:
    sample = samples / "coinbase" / "spot_candle_1h.json"
    result = CliRunner().invoke(
        main, ["load", "bybit.funding_rate", str(sample), "--fetched-at", datetime(2026, 11, 1, tzinfo=UTC).isoformat()]
    )
    assert result.exit_code != 0
    assert "looks like coinbase.spot_candle_1h" in " ".join(result.output.split())
