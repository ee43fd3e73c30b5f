"""Progress of a run for the person who waits. Without a command line it says nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Progress:
    """Listens to a run and says nothing."""

    def stage(self, name: str) -> None:
        """A stage of the run begins: fetching, option surface, models, publishing."""

    def planned(self, dataset: str, asks: int) -> None:
        """A dataset will be asked this many times."""

    def asked(self, dataset: str) -> None:
        """One question was answered. Called from fetching threads."""

    def fetched(self, dataset: str, trouble: str) -> None:
        """A dataset's answers are all here; `trouble` says why not, empty when nothing went wrong."""

    def loaded(self, dataset: str, new: int, revised: int) -> None:
        """A dataset's rows are in the warehouse."""

    def built(self, node: str, done: int, total: int) -> None:
        """dbt finished a node."""


_listening: ContextVar[Progress | None] = ContextVar("progress", default=None)


def progress() -> Progress:
    """Whoever listens to the run in hand."""
    return _listening.get() or Progress()


@contextmanager
def listening(listener: Progress) -> Iterator[None]:
    """Let a listener hear of the runs inside the block."""
    token = _listening.set(listener)
    try:
        yield
    finally:
        _listening.reset(token)
