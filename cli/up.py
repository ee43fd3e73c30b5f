"""`leadline up`: code server, daemon and guarded web server of one home, which live and end together."""

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from dagster._serdes import serialize_value

from cli import terminal
from cli.errors import EXIT_PUBLISHED, EXIT_REFUSED, RequestError
from orchestration.guard import LOOPBACK
from orchestration.instance import instance_for, reference
from orchestration.liveness import history_of
from pipeline.settings import PROJECT, Settings

LONGEST_SOCKET_PATH = 100
WORKSPACE = """load_from:
  - grpc_server:
      host: localhost
      socket: {socket}
      location_name: leadline
"""
LOOK_S = 1.0
GRACE_S = 20.0  # for a run to write down that it was interrupted


def serve(host: str, port: int, served_as: Sequence[str]) -> int:
    """Start the three, wait until one ends or this process is told to; end the others. Returns the exit code.

    The exit code is 1 when one of them ended by itself, so that systemd or Docker starts all of them anew.
    """
    home = Settings().home
    home.mkdir(parents=True, exist_ok=True)
    with instance_for(home):
        pass  # places that killed runs hold are given back before anything queues
    console = terminal.console()
    if host not in LOOPBACK:
        console.say(
            (f"Whoever reaches {host}:{port} can start runs: there is no login. ", "yellow"),
            "Put a reverse proxy with one in front, see docs/production.md.",
        )
    told_to_stop = _TermSignal()
    with _only_one(home):
        socket = _socket(home)
        workspace = history_of(home) / "workspace.yaml"
        workspace.write_text(WORKSPACE.format(socket=socket), encoding="utf-8")
        instance = ("--instance-ref", serialize_value(reference(home)))
        quiet = ("--log-level", "warning")
        commands = {
            "code server": (
                *("-m", "dagster", "api", "grpc", "--lazy-load-user-code", "--use-python-environment-entry-point"),
                *("--location-name", "leadline", "-m", "orchestration.definitions", "--socket", str(socket)),
                *(*quiet, *instance),
            ),
            "daemon": ("-m", "dagster._daemon", "run", "--workspace", str(workspace), *quiet, *instance),
            "web server": ("-m", "orchestration.web", host, str(port), str(workspace), *served_as),
        }
        processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in commands.items():
                processes[name] = _start(command, socket if name != "code server" else None)
            console.print(f"http://{host}:{port}, home {home}", highlight=False, soft_wrap=True)
            while not told_to_stop.is_set:
                for name, process in processes.items():
                    if process.poll() is not None:
                        console.say((f"The {name} ended with code {process.returncode}.", "red"))
                        return EXIT_REFUSED
                time.sleep(LOOK_S)
        except KeyboardInterrupt:
            pass
        finally:
            _end(list(processes.values()))
    return EXIT_PUBLISHED


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One daemon a home: two would start each schedule twice. Raises RequestError."""
    with (history_of(home) / "up.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RequestError(
                f"`leadline up` serves {home} already (process {lock.read().strip()}). End that one first, or set "
                "LEADLINE_HOME to another folder."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _socket(home: Path) -> Path:
    """Where the code server listens: the same at each start, because Dagster knows schedules by it.

    Beside the history, or in a folder of our own where that path is longer than a socket's may be.
    """
    socket = history_of(home) / "code.sock"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        folder = Path(tempfile.gettempdir()) / f"leadline-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise RequestError(f"{folder} belongs to somebody else. Set TMPDIR or LEADLINE_HOME to another folder.")
        socket = folder / "code.sock"
    socket.unlink(missing_ok=True)
    return socket


class _TermSignal:
    """Whether SIGTERM came; systemd and Docker stop a service with it."""

    def __init__(self) -> None:
        self.is_set = False
        signal.signal(signal.SIGTERM, self._set)

    def _set(self, number: int, frame: FrameType | None) -> None:
        self.is_set = True


def _start(command: Sequence[str], awaited: Path | None) -> subprocess.Popen[bytes]:
    # The daemon asks the code server at its start, and gives up for a minute when nobody answers.
    until = time.monotonic() + 60
    while awaited is not None and not awaited.exists() and time.monotonic() < until:
        time.sleep(0.1)
    return subprocess.Popen([sys.executable, *command], cwd=PROJECT, env=os.environ, start_new_session=True)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + GRACE_S
    for process in reversed(processes):
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
