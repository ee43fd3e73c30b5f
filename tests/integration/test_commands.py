"""Every command on a filled home: the demo's for looking, a small one of its own for changing."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from cli.main import main
from pipeline.origin import PUBLIC_SOURCES
from sources.registry import DATASETS
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.loader import Loader


def leadline(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments), env={"LEADLINE_HOME": str(home), "LEADLINE_UPSTREAM": ""})
    return result.exit_code, result.output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home of public sources."""
    Home(tmp_path).claim_origin(PUBLIC_SOURCES)
    return tmp_path


@pytest.fixture
def sample(samples: Path) -> Path:
    [file] = (samples / "cboe").glob("vix.*")
    return file


def test_the_board_of_a_day_is_shown_in_both_languages_and_for_programs(scenario_home: Path) -> None:
    code, english = leadline(scenario_home, "show", "2026-02-06")
    assert code == 0
    assert "Relief rally" in english
    assert "SIMULATED" in english
    code, chinese = leadline(scenario_home, "show", "2026-02-06", "--lang", "zh")
    assert code == 0
    assert "超跌反弹" in chinese
    code, text = leadline(scenario_home, "show", "2026-02-06", "--json")
    assert code == 0
    assert json.loads(text)["regime"]["regime"] == "relief_rally"


def test_a_day_without_a_board_is_refused_with_the_days_that_there_are(scenario_home: Path) -> None:
    code, said = leadline(scenario_home, "show", "2030-01-01")
    assert code == 1
    assert "2024-11-01 to 2026-02-10" in said


def test_every_rule_is_listed_with_its_reading_and_its_distance(scenario_home: Path) -> None:
    code, said = leadline(scenario_home, "rules", "2026-02-06")
    assert code == 0
    [line] = [line for line in said.splitlines() if line.startswith("options.skew_30d")]
    assert "✓" in line
    assert "rr25_30d <= -8" in line


def test_every_dataset_has_its_state(scenario_home: Path) -> None:
    code, said = leadline(scenario_home, "status")
    assert code == 0
    states = said.split("\n\n")[0].splitlines()[1:]  # what is missing of them follows
    assert {line.split()[0] for line in states} == {dataset.id for dataset in DATASETS}
    assert "fresh" in said


def test_sources_say_when_each_last_answered(scenario_home: Path) -> None:
    code, said = leadline(scenario_home, "sources")
    assert code == 0
    line, _its_evidence = [line for line in said.splitlines() if "okx.open_interest" in line]
    with duckdb.connect(str(Home(scenario_home).published), read_only=True) as connection:
        [[answered]] = connection.execute(
            "select max(finished_at) from raw.attempt where dataset_id = 'okx.open_interest' and outcome = 'answered'"
        ).fetchall()
    assert line.rstrip().endswith(f"{answered:%Y-%m-%d %H:%M}")


def test_sql_reads_the_published_warehouse_and_nothing_else(scenario_home: Path) -> None:
    query = "select regime from marts.fct_regime_daily where signal_date = date '2026-02-05'"
    assert leadline(scenario_home, "sql", query) == (0, "regime\ncapitulation\n")
    for forbidden in (
        "drop table marts.dim_origin",
        "from read_csv('/etc/passwd')",
        "from '/etc/passwd'",
        "from glob('/tmp/*')",
        "copy (select 1) to 'copied.csv'",
        "attach 'other.duckdb'",
        "load httpfs",
        "call start_ui()",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "from console",  # a variable of the program itself
    ):
        code, said = leadline(scenario_home, "sql", forbidden)
        assert code == 1
        assert said.startswith("leadline: ")


def test_the_sql_prompt_goes_on_after_a_mistake(scenario_home: Path) -> None:
    result = CliRunner().invoke(
        main, ["sql"], input="selct 1\nselect 41 + 1 as answer\nexit\n", env={"LEADLINE_HOME": str(scenario_home)}
    )
    assert result.exit_code == 0
    assert "syntax error" in result.output
    assert "answer\n42" in result.output


def test_a_page_saved_by_hand_is_landed_loaded_and_survives_a_rebuild(home: Path, sample: Path) -> None:
    code, said = leadline(home, "load", "cboe.vix", str(sample), "--fetched-at", "2026-02-10T12:00")
    assert code == 0, said
    with Warehouse(Home(home)) as warehouse:
        [(rows, known_at)] = warehouse.connection.execute(
            "select count(*), max(known_at) from raw.cboe__vix"
        ).fetchall()
    assert rows > 0
    assert known_at <= datetime(2026, 2, 10, 12)

    Home(home).build_file.unlink()
    code, said = leadline(home, "rebuild")
    assert code == 0, said
    with duckdb.connect(str(Home(home).published), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.cboe__vix").fetchall() == [(rows,)]


def test_loading_by_hand_wants_one_dataset(home: Path, sample: Path) -> None:
    code, said = leadline(home, "load", "binance", str(sample))
    assert code == 1
    assert "name one: binance." in said


def test_a_hand_load_of_the_wrong_page_is_refused_and_loads_nothing(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "wrong.csv"
    page.write_text("<html><body>Please verify you are human</body></html>")
    code, said = leadline(home, "load", "cboe.vix", str(page))
    assert code == 1
    assert "cboe" in said
    assert "blocked" in said


def _index_file(path: Path, days: int, scale: float) -> Path:
    """The history of a volatility index from 2026-01-01 on, in the provider's format."""
    lines = [
        f"{date(2026, 1, 1) + timedelta(days=day):%m/%d/%Y},{15 * scale},{16 * scale},{14 * scale},{15 * scale}"
        for day in range(days)
    ]
    path.write_text("\n".join(["DATE,OPEN,HIGH,LOW,CLOSE", *lines]) + "\n")
    return path


def test_a_blocked_reading_is_released_by_a_named_person(home: Path) -> None:
    usual = _index_file(home / "usual.csv", 20, 1)
    assert leadline(home, "load", "cboe.vix", str(usual), "--fetched-at", "2026-02-10T12:00")[0] == 0
    moved = _index_file(home / "moved.csv", 24, 100)  # the provider moved the decimal point
    code, said = leadline(home, "load", "cboe.vix", str(moved), "--fetched-at", "2026-02-11T12:00")
    assert code == 1
    assert "blocked" in said
    with Warehouse(Home(home)) as warehouse:
        [(_, load_id, _)] = Loader(warehouse).blocked()

    code, said = leadline(home, "accept", load_id[:10], "--by", "A. Analyst", "--reason", "the index was rebased")
    assert code == 0, said
    assert "released by A. Analyst" in said
    code, said = leadline(home, "accept", load_id[:10], "--by", "A. Analyst", "--reason", "again")
    assert code == 1
    assert "Waiting: none" in said


def test_a_backup_holds_what_a_rebuild_needs(home: Path, sample: Path) -> None:
    assert leadline(home, "load", "cboe.vix", str(sample))[0] == 0
    code, said = leadline(home, "backup")
    assert code == 0
    assert {path.name for path in Path(said.strip()).iterdir()} == {"landing.tar", "warehouse.duckdb", "origin"}
