"""When the manifest is prepared, and that a build leaves nothing open."""

import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline import dbt_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "target").mkdir()
    for name in ("dbt_project.yml", "models/a.sql", "target/manifest.json", "target/partial_parse.msgpack"):
        (tmp_path / name).write_text("")
    dbt_project.seal(tmp_path / "target")
    _made_at(tmp_path, 1_000)
    return tmp_path


def _made_at(project: Path, seconds: int) -> None:
    for path in (project, *project.rglob("*")):
        os.utime(path, (seconds, seconds))


def _is_stale(project: Path) -> bool:
    return dbt_project.is_stale(project / "target" / "manifest.json", project)


def test_an_untouched_project_is_not_parsed_again(project: Path) -> None:
    assert not _is_stale(project)


@pytest.mark.parametrize("changed", ["models/a.sql", "dbt_project.yml", "models"])
def test_an_edited_added_or_removed_file_makes_the_manifest_stale(project: Path, changed: str) -> None:
    os.utime(project / changed, (2_000, 2_000))  # the folder's own time is what an added or removed file changes
    assert _is_stale(project)


@pytest.mark.parametrize("missing", ["manifest.json", "partial_parse.msgpack"])
def test_a_missing_manifest_is_stale(project: Path, missing: str) -> None:
    (project / "target" / missing).unlink()
    assert _is_stale(project)


@pytest.mark.parametrize("damaged", ["manifest.json", "partial_parse.msgpack", "prepared.sha256"])
def test_a_changed_or_cut_file_of_the_cache_is_made_again(project: Path, damaged: str) -> None:
    (project / "target" / damaged).write_bytes(b"\xff cut")
    _made_at(project, 1_000)
    assert _is_stale(project)


def test_a_damaged_cache_heals_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = dbt_project.prepare().parent
    target = tmp_path / "prepared"
    shutil.copytree(prepared, target)
    monkeypatch.setattr(dbt_project, "TARGET", target)
    for name in ("manifest.json", "partial_parse.msgpack"):
        content = (target / name).read_bytes()
        (target / name).write_bytes(content[: len(content) // 2])
    assert dbt_project.is_stale(target / "manifest.json")
    dbt_project.prepare()
    assert not dbt_project.is_stale(target / "manifest.json")
    assert json.loads((target / "manifest.json").read_bytes())["nodes"]


def test_what_dbt_writes_itself_does_not_count(project: Path) -> None:
    (project / "target" / "run_results.json").write_text("")
    os.utime(project / "target", (2_000, 2_000))
    assert not _is_stale(project)
