"""A small Apache Spark cluster on this machine: one master, some workers, each a process of its own on loopback.

Needs pyspark and Java 17. It is a real standalone cluster, so a worker can be killed as any machine can die.
"""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_HOST = "127.0.0.1"
_START_S = 120  # a Java process takes seconds, on a busy machine a minute
_PAUSE_S = 0.1


@dataclass
class Worker:
    """A worker process and the executors that it has started, which form one process group."""

    process: subprocess.Popen[bytes]
    folder: Path

    def shuffled(self) -> set[Path]:
        """Files that executors of this worker have written for others to ask for."""
        return set(self.folder.glob("local/**/shuffle_*.data"))

    def kill(self) -> None:
        """SIGKILL to the worker and its executors: none of them gets to say goodbye."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Cluster:
    """A running cluster."""

    master_url: str
    workers: list[Worker]
    _state_url: str

    def state(self) -> dict[str, Any]:
        """What the master's page says of workers and applications."""
        with urllib.request.urlopen(self._state_url, timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
        return state


@contextmanager
def running_cluster(folder: Path, *, workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """A cluster of so many workers with one core each, that ends with the block; logs are in the folder.

    Raises RuntimeError when it does not come up.
    """
    home = _spark_home()
    processes: list[subprocess.Popen[bytes]] = []
    port, page = _free_port(), _free_port()
    url = f"spark://{_HOST}:{port}"
    try:
        processes.append(
            _start(
                home,
                folder / "master",
                "org.apache.spark.deploy.master.Master",
                ["--port", str(port), "--webui-port", str(page)],
            )
        )
        _until(lambda: _answers(port), "the master does not listen", folder)
        members = []
        for number in range(workers):
            place = folder / f"worker-{number}"
            arguments = ["--webui-port", "0", "-c", "1", "-m", memory, "-d", str(place), url]
            members.append(Worker(_start(home, place, "org.apache.spark.deploy.worker.Worker", arguments), place))
            processes.append(members[-1].process)
        cluster = Cluster(url, members, f"http://{_HOST}:{page}/json/")
        _until(lambda: cluster.state()["aliveworkers"] == workers, f"{workers} workers do not come up", folder)
        yield cluster
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _spark_home() -> Path:
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RuntimeError("pyspark is not installed: make spark")
    return Path(spec.origin).parent


def _start(home: Path, folder: Path, daemon: str, arguments: list[str]) -> "subprocess.Popen[bytes]":
    folder.mkdir(parents=True)
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": _HOST,
        "SPARK_LOCAL_HOSTNAME": _HOST,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_CONF_DIR": str(folder),  # none of the user's
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [home / "bin" / "spark-class", daemon, "--host", _HOST, *arguments],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


def _until(holds: Callable[[], bool], otherwise: str, folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except (OSError, json.JSONDecodeError):
            pass  # its page is not up yet, or still empty
        time.sleep(_PAUSE_S)
    logs = "\n".join(f"{log}: {log.read_text(errors='replace')[-600:]}" for log in sorted(folder.glob("*/log")))
    raise RuntimeError(f"{otherwise} in {_START_S} s.\n{logs}")
