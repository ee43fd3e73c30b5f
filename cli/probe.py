"""`leadline probe`: one cheap request to each provider, so that a new user sees in ten seconds what will work."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from cli import terminal
from cli.errors import EXIT_DEAD_SOURCES, EXIT_PUBLISHED
from cli.request import chosen
from pipeline.origin import newest
from pipeline.probe import ANSWERED, ProbeResult, lightest, looks_offline, probe_all
from pipeline.settings import Settings
from pipeline.shape_record import ShapeReport, folder, record_shape
from sources.registry import DATASETS
from warehouse.home import Home


def probe_providers(selected: Sequence[str], record: bool = False) -> int:
    """Print one line a provider. With `record` an answer of each is kept and its shape compared.

    Returns 3 when one does not answer, or answers in another shape than the reader expects.
    """
    settings = Settings()
    results = probe_all(lightest(chosen(selected) if selected else DATASETS), settings, _clock(settings))
    console = terminal.console()
    if looks_offline(results):
        console.say((f"You look offline: none of {len(results)} providers could be reached.", "red"))
        console.print("Check the network of this machine. Behind a company's proxy set HTTPS_PROXY.", highlight=False)
        return EXIT_DEAD_SOURCES
    console.print(_answers(results))
    is_fine = all(result.is_fine for result in results)
    if record:
        home = Home(settings.home)
        reports = [record_shape(home, result, settings) for result in results]
        _show_shapes(console, reports, settings, home)
        is_fine = is_fine and not any(report.differs for report in reports)
    return EXIT_PUBLISHED if is_fine else EXIT_DEAD_SOURCES


def _clock(settings: Settings) -> datetime | None:
    return newest(settings) if settings.upstream else None


def _answers(results: Sequence[ProbeResult]) -> Table:
    table = Table("provider", "answer", "ms", "dataset", "detail", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for answer in results:
        latency = "" if answer.latency_ms is None else f"{answer.latency_ms:,.0f}"
        table.add_row(
            answer.dataset.provider.name,
            Text(answer.words, "green" if answer.words == ANSWERED else "yellow" if answer.is_fine else "red"),
            latency,
            answer.dataset.name,
            answer.detail,
        )
    return table


def _show_shapes(
    console: terminal.PlainConsole, reports: Sequence[ShapeReport], settings: Settings, home: Home
) -> None:
    """What differs in each answer that was compared, and where the answers are."""
    compared = [report for report in reports if not report.why_not]
    console.print("\nShape of the answers:")
    for report in compared:
        state = ("differs", "red") if report.differs else ("as expected", "green")
        console.say(f"  {report.dataset.id}: ", state)
        for change in report.changes:
            mark = "" if change.matters else " (no fault)"
            console.say(f"    {change.what}: {change}{mark}")
    for report in reports:
        if report.why_not:
            console.say(f"  {report.dataset.id}: not compared ({report.why_not})")
    if settings.upstream:
        console.print("A stand-in answered, so no shape is settled by this.", highlight=False)
    if compared:
        console.print(f"Kept without keys in {folder(home, settings)}", highlight=False, soft_wrap=True)
