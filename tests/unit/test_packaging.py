"""How Leadline is installed: from its checkout and in a container, and not as a wheel."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import build_backend

REPOSITORY = Path(__file__).resolve().parents[2]
HADOLINT = Path(sys.executable).with_name("hadolint")


def test_a_wheel_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refusal:
        build_backend.build_wheel(str(tmp_path))
    assert re.fullmatch(
        r"Leadline runs from its checkout: [^.]*`pip install -e \.`[^.]*`pip install \.`", str(refusal.value)
    )
    assert list(tmp_path.iterdir()) == []


def test_an_editable_install_is_not_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    metadata = build_backend.prepare_metadata_for_build_editable(str(tmp_path))
    assert "Name: leadline" in (tmp_path / metadata / "METADATA").read_text(encoding="utf-8")


def test_the_container_file_passes_its_linter() -> None:
    linted = subprocess.run([HADOLINT, "Dockerfile"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_container_runs_as_nobody_special_and_says_whether_it_is_well() -> None:
    steps = [
        line for line in (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1].isupper()
    ]
    instructions = [step.split(maxsplit=1) for step in steps]
    users = [what for name, what in instructions if name == "USER"]
    assert users
    assert int(users[-1].partition(":")[0]) > 0
    assert "HEALTHCHECK" in [name for name, _ in instructions]
    copied = [what.split()[0] for name, what in instructions if name == "COPY"]
    assert all((REPOSITORY / name).exists() for name in copied)


@pytest.mark.parametrize("secret", [".env", ".git", "data"])
def test_what_must_not_be_in_the_container_is_left_out(secret: str) -> None:
    assert secret in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
