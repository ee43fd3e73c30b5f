"""`leadline load`: a file saved by hand goes the way of a fetched one, whatever its format, or is refused with why."""

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from cli.main import main
from pipeline.origin import PUBLIC_SOURCES
from sandbox.faults import BOT_WALL
from sources.registry import dataset
from warehouse.home import Home

# A page, a table, JSON, a zip.
LOADABLE = ("farside.etf_flow", "treasury.par_yield", "okx.funding_rate", "binance_vision.metrics")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Home(tmp_path / "home").claim_origin(PUBLIC_SOURCES)
    return tmp_path / "home"


def load(home: Path, name: str, file: Path) -> tuple[int, str]:
    arguments = ["load", name, str(file), "--fetched-at", "2026-11-01T00:00"]
    result = CliRunner().invoke(main, arguments, env={"LEADLINE_HOME": str(home), "LEADLINE_UPSTREAM": ""})
    return result.exit_code, " ".join(result.output.split())


def sample_of(samples: Path, name: str) -> Path:
    provider, _, table = name.partition(".")
    [file] = (samples / provider).glob(f"{table}.*")
    return file


def rows_in(home: Path, name: str) -> int:
    with duckdb.connect(str(Home(home).build_file), read_only=True) as connection:
        [[rows]] = connection.execute(f"select count(*) from raw.{dataset(name).table}").fetchall()
    return int(rows)


@pytest.mark.parametrize("name", LOADABLE)
def test_a_file_saved_by_hand_is_loaded_once(home: Path, samples: Path, name: str) -> None:
    code, said = load(home, name, sample_of(samples, name))
    assert code == 0, said
    assert f"{name}:" in said
    rows = rows_in(home, name)
    assert rows > 0
    assert f"{rows:,} new rows" in said
    code, said = load(home, name, sample_of(samples, name))
    assert code == 0
    assert "0 new rows, 0 revised" in said
    assert rows_in(home, name) == rows


@pytest.mark.parametrize("name", LOADABLE)
@pytest.mark.parametrize("other", [*LOADABLE, "a bot wall's page", "nothing"])
def test_another_file_is_refused_with_the_dataset_and_what_is_wrong(
    home: Path, samples: Path, tmp_path: Path, name: str, other: str
) -> None:
    if name == other:
        return
    file = tmp_path / "saved"
    content = {"a bot wall's page": BOT_WALL.encode(), "nothing": b""}
    file.write_bytes(content[other] if other in content else sample_of(samples, other).read_bytes())
    code, said = load(home, name, file)
    assert code == 1
    assert said.startswith(f"leadline: {name}: ")
    assert any(f"{name}: {failure}: " in said for failure in ("not_data", "blocked", "changed_layout", "no_data"))
    assert rows_in(home, name) == 0
