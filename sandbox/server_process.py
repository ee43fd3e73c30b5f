"""Runs the stand-in upstream in a separate process, so that client and server do not share one core."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from sandbox.server import running

STOP_TIMEOUT_S = 10


class StandInError(RuntimeError):
    """The stand-in upstream did not start."""


@contextmanager
def running_apart(market_folder: Path, *, faults: str | None = None) -> Iterator[str]:
    """A stand-in that listens while the block lasts. Yields its base address; raises StandInError."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_until_closed, args=(market_folder, faults, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        try:
            address = ours.recv()
        except EOFError:
            raise StandInError(f"The stand-in upstream for {market_folder} did not start; see above.") from None
        yield address
    finally:
        ours.close()  # the child reads the end of the pipe and stops; it does so too when this process is killed
        process.join(STOP_TIMEOUT_S)


def _serve_until_closed(market_folder: Path, faults: str | None, pipe: Connection) -> None:
    with running(market_folder, faults=faults) as server:
        pipe.send(server.base_url)
        with suppress(EOFError):
            pipe.recv()
