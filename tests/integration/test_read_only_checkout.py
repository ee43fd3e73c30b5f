"""Leadline from a checkout that cannot be written, in a folder with a space in its name."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1


def without_the_power_to_write_everywhere() -> None:
    """The superuser may write whatever the file mode says; the started program must not."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot give up CAP_DAC_OVERRIDE")


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    copy = tmp_path / "a checkout"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, files.stdout.split("\0")):
        if not name.startswith(("tests/", "benchmarks/", "docs/")) and (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((REPOSITORY / name).read_bytes())
    folders = [copy, *(path for path in copy.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield copy
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_checkout_builds_and_publishes_into_a_home_elsewhere(checkout: Path, tmp_path: Path) -> None:
    home = tmp_path / "a home"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(checkout),
        "LEADLINE_HOME": str(home),
    }
    before = sorted(path.relative_to(checkout) for path in checkout.rglob("*"))
    ran = subprocess.run(
        [sys.executable, "-m", "orchestration", "build"],
        cwd=checkout,
        env=environment,
        preexec_fn=without_the_power_to_write_everywhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert sorted(path.relative_to(checkout) for path in checkout.rglob("*")) == before
    assert (home / "dbt" / "prepared" / "manifest.json").exists()
    with duckdb.connect(str(home / "leadline.duckdb"), read_only=True) as published:
        assert published.sql("select count(*) from marts.dim_bucket").fetchall() == [(7,)]
