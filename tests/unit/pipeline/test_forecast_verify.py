"""Verification of the log: an untouched home agrees, and one altered byte is named, wherever it lies."""

import gzip
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from cli.errors import EXIT_REFUSED
from cli.verify import verify_log
from pipeline import forecast as step
from pipeline.verify import Verified, verify
from tests.unit.pipeline.forecast_home import home_with, midnight
from warehouse.database import Warehouse, connect
from warehouse.home import Home
from warehouse.publish import publish

DAYS = 1500
LAST = date(2014, 4, 1) + timedelta(days=DAYS - 1)
MARTS = {
    "fct_forecast_log": "forecast_log",
    "fct_forecast_strike_daily": "forecast_strike_log",
    "fct_forecast_head": "forecast_head",
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = home_with(tmp_path_factory.mktemp("verify"), DAYS, implied_days=60)
    with Warehouse(home) as warehouse:
        step.forecast(warehouse, code_version="test", issued_at=midnight(LAST) + timedelta(days=1, minutes=30))
        for mart, book in MARTS.items():
            warehouse.connection.execute(f"create or replace view marts.{mart} as select * from raw.{book}")
    publish(home)
    return home


@pytest.fixture
def home(original: Home, tmp_path: Path) -> Home:
    shutil.copytree(original.path, tmp_path / "home")
    return Home(tmp_path / "home")


def said(found: Verified) -> str:
    return "\n".join(f"{fault.where}: {fault.what}" for fault in found.faults)


def recent(home: Home) -> Verified:
    return verify(home, LAST - timedelta(days=10), LAST)


def test_an_untouched_home_agrees(home: Home) -> None:
    found = recent(home)
    assert found.faults == []
    assert (found.publications, found.forecasts, found.days) == (1, 33, 11)


def test_an_altered_byte_of_a_landing_file_is_named(home: Home) -> None:
    [file, *_] = sorted((home.landing / "bitstamp__spot_history_1d").iterdir())
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert str(file) in said(recent(home))


def test_a_landed_bar_that_was_forged_with_all_its_hashes_gives_another_forecast(home: Home) -> None:
    """Content and name of the file agree again; the forecast that was made of it does not."""
    import hashlib

    folder = home.landing / "bitstamp__spot_history_1d"
    [*_, file] = sorted(folder.iterdir())
    about, _, body = gzip.decompress(file.read_bytes()).partition(b"\n")
    answer = json.loads(body)
    bar = answer["data"]["ohlc"][-5]
    bar["high"] = f"{float(bar['high']) * 1.01:.2f}"
    body = json.dumps(answer).encode()
    digest = hashlib.sha256(body).hexdigest()
    facts = json.loads(about) | {"sha256": digest}
    file.write_bytes(gzip.compress(json.dumps(facts).encode() + b"\n" + body))
    found = said(recent(home))
    assert f"forecast_log {LAST - timedelta(days=4)}, 7 days" in found.splitlines()[0]
    assert "inputs_sha256" in found.splitlines()[0]


def test_an_altered_number_in_the_published_log_is_named_with_its_row(home: Home) -> None:
    with connect(home.published) as connection:
        connection.execute(
            "update marts.fct_forecast_log set p05_usd = p05_usd + 0.01 where forecast_date = ? and horizon_days = 21",
            [LAST - timedelta(days=3)],
        )
    found = said(recent(home))
    assert f"fct_forecast_log {LAST - timedelta(days=3)}, 21 days" in found


def test_an_altered_probability_in_the_published_log_is_named_with_its_row(home: Home) -> None:
    with connect(home.published) as connection:
        connection.execute(
            "update marts.fct_forecast_strike_daily set prob_holds = prob_holds + 0.001 "
            "where forecast_date = ? and horizon_days = 7 and role = 'level'",
            [LAST],
        )
    found = said(recent(home))
    assert f"fct_forecast_strike_daily {LAST}, 7 days" in found
    assert "level" in found


def test_an_altered_byte_of_the_landed_log_is_named(home: Home) -> None:
    [file] = (home.landing / "decisions").glob("*-forecasts-*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    assert str(file) in said(recent(home))


def test_the_command_names_an_altered_byte_of_the_only_publication_and_of_its_bars(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [log] = (home.landing / "decisions").glob("*-forecasts-*")
    bars = min((home.landing / "bitstamp__spot_history_1d").iterdir())
    for file in (log, bars):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(bytes(content))
    monkeypatch.setenv("LEADLINE_HOME", str(home.path))
    assert verify_log(None, None) == EXIT_REFUSED
    printed = capsys.readouterr().out
    assert f"differs landing file {log}" in printed
    assert f"differs landing file {bars}" in printed


def test_a_forged_row_of_the_landed_log_is_named_though_its_file_is_whole(home: Home) -> None:
    import hashlib

    [file] = (home.landing / "decisions").glob("*-forecasts-*")
    landed = json.loads(gzip.decompress(file.read_bytes()))
    table = landed["record"]["tables"]["forecast_log"]
    place = table["columns"].index("p95_usd")
    table["rows"][-1][place] = repr(float(table["rows"][-1][place]) + 1)
    text = json.dumps(landed, sort_keys=True).encode()
    file.unlink()
    name = "-".join([*file.name.split("-")[:3], hashlib.sha256(text).hexdigest()[:16]]) + ".json.gz"
    (file.parent / name).write_bytes(gzip.compress(text))
    found = said(recent(home))
    assert f"forecast_log {LAST}, 90 days" in found.splitlines()[0]
    assert "the row was changed" in found.splitlines()[0]


def test_a_publication_that_was_taken_out_breaks_the_chain(home: Home) -> None:
    with Warehouse(home) as warehouse:
        warehouse.connection.execute(
            "insert into raw.bitstamp__spot_history_1d select * replace (open_time + interval 1 day as open_time, "
            "known_at + interval 1 day as known_at) from raw.bitstamp__spot_history_1d "
            "where open_time = (select max(open_time) from raw.bitstamp__spot_history_1d)"
        )
        warehouse.connection.execute(
            "insert into marts.fct_regime_daily select * replace (signal_date + 1 as signal_date) "
            "from marts.fct_regime_daily where signal_date = (select max(signal_date) from marts.fct_regime_daily)"
        )
        at = midnight(LAST) + timedelta(days=2, minutes=30)
        assert step.forecast(warehouse, code_version="test", issued_at=at).live == 3
    first = min((home.landing / "decisions").glob("*-forecasts-*"))
    first.unlink()
    assert "publication 1 of the chain is missing" in said(recent(home))
