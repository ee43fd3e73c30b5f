"""The command line: quick to help, clear when refused."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from cli.errors import RequestError
from cli.main import main
from cli.request import chosen
from sources.registry import DATASETS

HEAVY = ("dagster", "dbt", "duckdb", "polars", "pydantic", "requests", "rich", "starlette")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def _empty_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("LEADLINE_UPSTREAM", raising=False)


def test_help_imports_nothing_of_weight() -> None:
    code = (
        "import sys\n"
        "from cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "heavy: []" in answer.stdout


def test_looking_at_the_board_does_not_start_the_orchestrator() -> None:
    code = "import sys, cli.show, cli.status, cli.doctor\nprint('dagster' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_help_lists_every_command() -> None:
    code, output = run("--help")
    assert code == 0
    promised = (
        *("demo", "run", "backfill", "build", "publish", "load", "show", "rules", "accept", "status", "sources"),
        *("sql", "rebuild", "backup", "sandbox", "probe", "doctor"),
    )
    for command in promised:
        assert f"\n  {command} " in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--from", "6 February"), "is no day. Write it as 2026-02-06."),
        (("build", "--as-of", "yesterday"), "is no instant. Write it as 2026-02-07T01:00."),
        (("backfill", "--from", "2026-02-01"), "Missing option '--to'"),
        (("load", "binance.funding_rate", "/no/such/file"), "does not exist"),
    ],
)
def test_a_wrong_argument_is_refused_with_how_to_write_it(arguments: tuple[str, ...], said: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert said in output


@pytest.mark.parametrize("command", ["show", "status", "rules", "sql"])
def test_before_the_first_run_looking_says_what_to_do(command: str) -> None:
    code, output = run(command)
    assert code == 1
    assert "no published warehouse" in output
    assert "leadline run" in output


def test_sources_are_listed_with_their_keys_and_licences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADLINE_KEY_GLASSNODE", raising=False)
    monkeypatch.setenv("LEADLINE_KEY_COINGLASS", "not-to-be-shown")
    code, output = run("sources")
    assert code == 0
    lines = {line.split()[1]: line.split() for line in output.splitlines() if len(line.split()) > 6}
    assert set(lines) >= {declared.id for declared in DATASETS}
    assert lines["treasury.par_yield"] == ["macro", "treasury.par_yield", "daily", "at", "once", "whole", "yes"]
    assert lines["okx.open_interest"][-3:] == ["now", "only", "no"]
    assert lines["binance.open_interest"][-3:] == ["30", "d", "no"]
    assert lines["coinglass.liquidation"][-2:] == ["set", "no"]
    assert "needs a key: LEADLINE_KEY_GLASSNODE" in output
    assert "not-to-be-shown" not in output


def test_sources_are_chosen_by_provider_or_by_dataset() -> None:
    assert {dataset.provider.name for dataset in chosen(["binance", "cboe.vix"])} == {"binance", "cboe"}
    assert [dataset.id for dataset in chosen(["cboe.vix"])] == ["cboe.vix"]
    with pytest.raises(RequestError, match=r"No source is called nasa.*leadline sources"):
        chosen(["binance", "nasa"])


def test_days_in_the_wrong_order_are_refused() -> None:
    code, output = run("run", "--from", "2026-02-07", "--to", "2026-02-06")
    assert code == 1
    assert "--from 2026-02-07 is after --to 2026-02-06" in output


def test_a_stand_in_that_is_not_there_is_named() -> None:
    code, output = run("run", "--upstream", "http://127.0.0.1:9")
    assert code == 1
    assert "No stand-in upstream at http://127.0.0.1:9" in output


def test_doctor_finds_a_fresh_installation_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_KEY_COINGLASS", "not-to-be-shown")
    monkeypatch.setenv("LEADLINE_UPSTREAM", "http://127.0.0.1:9")  # so that it compares no clock
    code, output = run("doctor")
    assert code == 0, output
    assert "not-to-be-shown" not in output
    assert "key_coinglass" in output
