"""The warehouse made again: after a kill, after damage, from a backup. Always the same rows."""

import re
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from sources.core.dataset import Dataset
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed, Payload
from tests.unit.warehouse.marts import REGIMES, build
from tests.unit.warehouse.world import BARS, NEW_YEAR, OTHER, answer, bar, land, land_and_load, load, query, versions
from warehouse.backup import backup
from warehouse.database import Warehouse
from warehouse.errors import DamagedError, LandingError, LoadError
from warehouse.fingerprint import table_hash
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader
from warehouse.logs import Attempt, log_attempts, log_regimes
from warehouse.rebuild import RebuildResult, rebuild

REPOSITORY = Path(__file__).resolve().parents[2]
DATASETS = (BARS, OTHER)
TABLES = (
    "raw.demo__bar",
    "raw.demo__other_bar",
    "raw.load_ledger",
    "raw.loaded_file",
    "raw.watermark",
    "raw.quarantine",
    "raw.attempt",
    "raw.regime_log",
    "raw.dataset",
)

# Lands and loads page after page, and says so after each; killed from outside, at any moment.
LOADING = """
import sys
from pathlib import Path
from tests.integration.test_rebuild import pages
from tests.unit.warehouse.world import land_and_load
from warehouse.home import Home

for page in pages():
    land_and_load(Home(Path(sys.argv[1])), page)
    print("loaded", flush=True)
"""


# Loads what is landed, where no file may grow beyond so many bytes: to a program, a full disk.
LOADING_ON_A_FULL_DISK = """
import resource
import re
import signal
import sys
from pathlib import Path
from tests.unit.warehouse.world import load
from warehouse.home import Home
from warehouse.landing import Landing

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
home = Home(Path(sys.argv[1]))
for file in Landing(home).files():
    load(home, [file])
    print("loaded", flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def pages() -> list[Payload]:
    """Days that overlap, with a correction in each page."""
    return [
        answer([bar(day, 100.0 + day + (page == day % 7) / 4) for day in range(page, page + 40)], 50 + page)
        for page in range(8)
    ]


def hashes(home: Home) -> dict[str, str]:
    with Warehouse(home) as warehouse:
        return {table: table_hash(warehouse.connection, table) for table in TABLES}


def a_life(home: Home) -> None:
    """Everything that a home can go through: revisions, late pages, refusals, a blocked batch released, logs."""
    for page in pages():
        land_and_load(home, page)
    land_and_load(home, answer([bar(0, 1.0), bar(1, 2.0)], 30))  # older than what is loaded: the table is derived again
    land_and_load(home, answer([bar(0), bar(1, "n/a")], 60), dataset=OTHER)
    with pytest.raises(LoadError):
        land_and_load(home, answer([bar(n, "n/a") for n in range(5)], 61), dataset=OTHER)
    with pytest.raises(LoadError) as blocked:
        land_and_load(home, answer([bar(60, 1e9)], 62))
    with pytest.raises(LoadError):
        land_and_load(home, answer([bar(61, 1e9)], 63))  # stays blocked
    with Warehouse(home) as warehouse:
        Loader(warehouse).accept(BARS, blocked.value.load_id, who="Ann", why="a new unit, announced")
        log_attempts(warehouse, [Attempt("demo.bar", NEW_YEAR, NEW_YEAR, "failed", "outage", "down", 3, 0)])
    build(home, REGIMES)
    with Warehouse(home) as warehouse:
        log_regimes(warehouse, code_version="abc", published_at=NEW_YEAR)


def test_a_rebuild_gives_the_same_rows_in_every_table(home: Home) -> None:
    a_life(home)
    before = hashes(home)
    result = rebuild(home, DATASETS)
    assert hashes(home) == before
    assert (result.skipped, result.lost) == ((), ())
    assert result.set_aside is not None
    assert (result.set_aside / "warehouse.duckdb").exists()


def test_a_rebuilt_warehouse_goes_on_where_the_old_one_was(home: Home) -> None:
    files = land(home, *pages())
    load(home, files[:5])
    rebuild(home, DATASETS)
    assert load(home, files[:5]).repeated
    with Warehouse(home) as warehouse:
        assert Loader(warehouse).pending(BARS) == files[5:]


def test_a_damaged_file_and_its_wal_are_set_aside_untouched(home: Home) -> None:
    a_life(home)
    before = hashes(home)
    home.build_file.write_bytes(b"damage" * 1000)
    wal = home.build_file.with_name("warehouse.duckdb.wal")
    wal.write_bytes(b"perhaps the only copy of something")
    with pytest.raises(DamagedError, match="leadline rebuild"), Warehouse(home):
        pass
    result = rebuild(home, DATASETS)
    assert hashes(home) == before
    assert result.set_aside is not None
    assert (result.set_aside / "warehouse.duckdb").read_bytes() == b"damage" * 1000
    assert (result.set_aside / wal.name).read_bytes() == b"perhaps the only copy of something"


def test_a_lost_build_file_is_made_again(home: Home) -> None:
    a_life(home)
    before = hashes(home)
    home.build_file.unlink()
    assert rebuild(home, DATASETS).set_aside is None
    assert hashes(home) == before


def test_an_interrupted_rebuild_is_begun_again(home: Home) -> None:
    a_life(home)
    before = hashes(home)
    (home.build / "rebuild.duckdb").write_bytes(b"half")
    rebuild(home, DATASETS)
    assert hashes(home) == before


def test_a_rebuild_without_all_its_landing_files_leaves_the_old_file(home: Home) -> None:
    first, *_ = land(home, *pages())
    load(home, Landing(home).files())
    before = versions(home)
    first.path.unlink()
    with pytest.raises(LandingError, match="is gone"):
        rebuild(home, DATASETS)
    assert versions(home) == before


def test_datasets_that_are_no_longer_declared_are_named(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1), dataset=OTHER)
    only_bars: list[Dataset] = [BARS]
    assert rebuild(home, only_bars).skipped == ("demo.other_bar",)


def test_what_newer_code_cannot_read_any_more_is_named(home: Home) -> None:
    def read_nothing(payload: Payload) -> Parsed:
        raise SourceError(Failure.CHANGED_LAYOUT, "The reader is newer than this answer.")

    land_and_load(home, answer([bar(0)], 1))
    result = rebuild(home, [replace(BARS, read=read_nothing), OTHER])
    assert [reason.split(":")[0] for reason in result.lost] == ["demo.bar"]
    assert versions(home) == []


def test_an_empty_home_can_be_rebuilt(home: Home) -> None:
    assert rebuild(home, DATASETS) == RebuildResult(0, (), (), None)
    assert versions(home) == []


@pytest.mark.parametrize("acknowledged", [1, 4])
def test_a_killed_load_done_again_gives_the_rows_of_an_undisturbed_one(
    home: Home, tmp_path: Path, acknowledged: int
) -> None:
    command = [sys.executable, "-c", LOADING, str(home.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as loading:
        assert loading.stdout is not None
        for _ in range(acknowledged):
            assert loading.stdout.readline() == "loaded\n"
        loading.send_signal(signal.SIGKILL)
    assert loading.returncode == -signal.SIGKILL

    kept = query(home, "select count(*) from raw.load_ledger where verdict = 'loaded'")
    assert kept[0][0] >= acknowledged
    for page in pages():
        with Warehouse(home) as warehouse:
            pending = Loader(warehouse).pending(BARS)
        load(home, [*land(home, page), *pending])
    undisturbed = Home(tmp_path / "undisturbed")
    for page in pages():
        land_and_load(undisturbed, page)
    assert versions(home) == versions(undisturbed)
    before = hashes(home)
    rebuild(home, DATASETS)
    assert hashes(home) == before


def test_a_full_disk_loses_nothing_that_was_acknowledged(home: Home, tmp_path: Path) -> None:
    land_and_load(home, pages()[0])
    room = home.build_file.stat().st_size + 400_000
    large = answer([bar(day % 40, day + 0.123456789, symbol=f"M{day}") for day in range(100_000)], 90)
    land(home, pages()[1], large)
    command = [sys.executable, "-c", LOADING_ON_A_FULL_DISK, str(home.path), str(room)]
    filled = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert filled.returncode != 0
    assert filled.stdout == "loaded\n" * 2
    assert "Error" in filled.stderr
    assert query(home, "select count(*) from raw.load_ledger") == [(2,)]

    assert load(home, Landing(home).files()).rows_new == 100_000
    undisturbed = Home(tmp_path / "undisturbed")
    land_and_load(undisturbed, *pages()[:2], large)
    assert versions(home) == versions(undisturbed)


def test_a_backup_holds_what_a_new_home_needs(home: Home, tmp_path: Path) -> None:
    home.claim_origin("made up")
    a_life(home)
    before = hashes(home)
    kept = backup(home)
    assert kept.landing_files == len(list(home.landing.rglob("*.json.gz")))
    assert [path.name for path in home.backup.iterdir()] == [kept.folder.name]

    restored = Home(tmp_path / "restored")
    restored.path.mkdir()
    with tarfile.open(kept.folder / "landing.tar") as archive:
        archive.extractall(restored.path, filter="data")
    rebuild(restored, DATASETS)
    assert hashes(restored) == before

    quick = Home(tmp_path / "quick")
    quick.build.mkdir(parents=True)
    (kept.folder / "warehouse.duckdb").rename(quick.build_file)
    assert hashes(quick) == before
    assert (kept.folder / "origin").read_text() == "made up\n"


def _decision_files(home: Home) -> list[Path]:
    return sorted((home.landing / "decisions").iterdir())


@pytest.mark.parametrize("which", [0, 1, -1], ids=["first", "middle", "newest"])
def test_a_decision_that_is_gone_is_missed_and_named(home: Home, which: int) -> None:
    for page in pages():
        land_and_load(home, page)
    _decision_files(home)[which].unlink()
    before = home.build_file.read_bytes()
    with pytest.raises(LandingError, match="are missing"):
        rebuild(home, DATASETS)
    assert home.build_file.read_bytes() == before
    result = rebuild(home, DATASETS, without_damaged=True)
    assert len(result.damaged) == 1
    assert "number" in result.damaged[0]
    assert Landing(home).missing_decisions()  # it stays known


def test_nothing_is_missed_where_nothing_is_gone(home: Home) -> None:
    for page in pages():
        land_and_load(home, page)
    assert Landing(home).missing_decisions() == []
    # Decisions from before they were numbered count too.
    older, *_ = _decision_files(home)
    older.rename(older.with_name(re.sub(r"-\d{8}-(?=[0-9a-f]{16})", "-", older.name)))
    assert Landing(home).missing_decisions() == []
    (home.landing / ".decisions").unlink()
    land_and_load(home, answer([bar(0, 7.0)], 90))
    assert Landing(home).missing_decisions() == []
    assert rebuild(home, DATASETS).damaged == ()


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_landing_file_is_left_out_by_one_command_and_the_next_run_goes_on(home: Home, damage: str) -> None:
    for page in pages():
        land_and_load(home, page)
    loaded = len(query(home, "from raw.demo__bar"))
    file = Landing(home).files()[0].path
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    with pytest.raises(LandingError, match="--without-damaged"):
        rebuild(home, DATASETS)
    result = rebuild(home, DATASETS, without_damaged=True)
    assert [file.name in what for what in result.damaged] == [True]
    assert result.set_aside is not None
    assert (result.set_aside / file.parent.name / file.name).exists() is (damage != "gone")
    assert not file.exists()
    land_and_load(home, answer([bar(0, 7.0)], 90))
    assert 0 < len(query(home, "from raw.demo__bar")) <= loaded + 1
    again = rebuild(home, DATASETS, without_damaged=True)
    assert len(again.damaged) == 1


def test_an_interrupted_rebuild_leaves_no_second_file(home: Home) -> None:
    land_and_load(home, answer([bar(0, 7.0)], 90))
    (home.build / "rebuild.duckdb").write_bytes(b"half")
    (home.build / "rebuild.duckdb.wal").write_bytes(b"half")
    result = rebuild(home, DATASETS)
    assert not list(home.build.glob("rebuild*"))
    assert result.set_aside is not None
    assert [path.name for path in result.set_aside.iterdir()] == [home.build_file.name]


def test_an_interrupted_backup_is_removed_by_the_next(home: Home) -> None:
    land_and_load(home, answer([bar(0, 7.0)], 90))
    half = home.backup / ".20260101T000000000000Z.1"
    half.mkdir(parents=True)
    (half / "landing.tar").write_bytes(b"half")
    folder = backup(home).folder
    assert sorted(home.backup.iterdir()) == [folder]
