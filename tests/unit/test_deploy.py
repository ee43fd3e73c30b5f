"""What `deploy/` ships can be read by what runs it, and opens nothing to the world."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cli.main import main
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in {".service", ".timer"})


def commands() -> list[list[str]]:
    """Every `leadline` command that a unit or the compose file starts, without the program."""
    units = [
        line.split()[1:]
        for name in UNITS
        for line in (DEPLOY / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("ExecStart=")
    ]
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return [*units, *(service["command"] for service in services.values())]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_each_command_that_is_started_exists(command: list[str]) -> None:
    name, *arguments = command
    context = main.commands[name].make_context(name, list(arguments))
    assert context.args == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_reads_every_unit(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/leadline/.venv/bin/leadline", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    complaints = [line for line in verified.stderr.splitlines() if "leadline" in line]
    assert complaints == []
    assert verified.returncode == 0, verified.stderr


def test_every_timer_has_its_service_and_every_service_comes_back() -> None:
    for name in UNITS:
        if name.endswith(".timer"):
            assert (DEPLOY / name).with_suffix(".service").exists()
    service = (DEPLOY / "leadline.service").read_text(encoding="utf-8")
    assert "Restart=always" in service
    assert "KillMode=mixed" in service
    assert "--host" not in service  # loopback only


def test_the_container_is_reached_from_this_machine_only_and_may_do_little() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert services["leadline"]["restart"] == "unless-stopped"
    named = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert named <= set(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["volumes"])
