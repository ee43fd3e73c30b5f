"""The progress display of a run: one line a dataset while fetching, one a stage after that."""

from threading import Lock
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from pipeline.progress import Progress
from sources.core.plain_text import printable

WIDE = 200  # columns where nobody looks: a pipe or a file must not lose half a word to a narrow table


class PlainConsole(Console):
    """A console to which text is data: no markup is read in it, and no control character reaches the terminal.

    What it prints quotes providers and people. Styles are given beside the text.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich does, of the harmless text."""
        return super().render_str(printable(text), **options)

    def say(self, *parts: str | tuple[str, str]) -> None:
        """A line of texts, each alone or with its style."""
        harmless = [printable(part) if isinstance(part, str) else (printable(part[0]), part[1]) for part in parts]
        self.print(Text.assemble(*harmless), soft_wrap=True)


def console() -> PlainConsole:
    """The terminal as it is; for a pipe wide enough for every table."""
    here = PlainConsole()
    return here if here.is_terminal else PlainConsole(width=WIDE)


class RichProgress(Progress):
    """Bars on a terminal; on anything else plain lines, one a dataset and a stage."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = Lock()
        self._tasks: dict[str, TaskID] = {}
        self._stage: TaskID | None = None
        self._troubled: set[str] = set()
        self._bars = Bars(
            TextColumn("{task.description:<34}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
            refresh_per_second=4,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "RichProgress":
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def stage(self, name: str) -> None:
        """Begin a line for a stage, end the one before."""
        with self._lock:
            if self._stage is not None:
                self._bars.update(self._stage, total=1, completed=1)
            self._stage = self._bars.add_task(name, total=None, note="")
        if not self._console.is_terminal:
            self._console.print(f"· {name}", highlight=False)

    def planned(self, dataset: str, asks: int) -> None:
        """Begin a line for a dataset."""
        with self._lock:
            self._tasks[dataset] = self._bars.add_task(f"  {dataset}", total=asks, note="")

    def asked(self, dataset: str) -> None:
        """One step on a dataset's line."""
        self._bars.advance(self._tasks[dataset])

    def fetched(self, dataset: str, trouble: str) -> None:
        """End a dataset's line, or leave it standing with its trouble."""
        if trouble:
            self._bars.update(self._tasks[dataset], note=trouble[:60])
            if not self._console.is_terminal:
                self._console.print(f"  {dataset}: {trouble}", highlight=False, markup=False, soft_wrap=True)
        else:
            self._bars.remove_task(self._tasks[dataset])

    def loaded(self, dataset: str, new: int, revised: int) -> None:
        """What a dataset brought, where nobody watches bars."""
        if not self._console.is_terminal and (new or revised):
            self._console.print(f"  {dataset}: {new:,} new, {revised:,} revised", highlight=False)

    def built(self, node: str, done: int, total: int) -> None:
        """One step on the line of the models."""
        if self._stage is not None:
            self._bars.update(self._stage, total=total, completed=done, note=node)
