"""`leadline sources`: every declared dataset, its terms, and when it last answered."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from rich.table import Table

from cli import terminal
from cli.published import PLAIN, minute
from pipeline.origin import PUBLIC_SOURCES, origin_of
from pipeline.settings import Settings
from pipeline.shape_record import settled
from sources.core.dataset import Access, Bucket, Dataset
from sources.core.evidence import EvidenceKind
from sources.registry import DATASETS, PROVIDERS
from warehouse.database import connect
from warehouse.home import Home


def show_sources() -> None:
    """Every declared dataset and its terms; needs no warehouse, but says when each last answered where there is one."""
    settings = Settings()
    answered = _last_answers(Home(settings.home).published)
    names = ("bucket", "dataset", "asked", "out after", "history", "key", "pass on", "last answer")
    table = Table(*names, padding=(0, 1, 0, 0), **PLAIN)
    for column in table.columns:
        column.no_wrap = True
    for dataset in _by_bucket():
        provider = dataset.provider
        key = "" if provider.key_variable is None else "set" if settings.key(provider.name) else "needed"
        table.add_row(
            dataset.bucket,
            dataset.id,
            "named" if dataset.access is Access.ARCHIVE else dataset.cadence.value,
            _after(dataset.publication_lag),
            _reach(dataset),
            key,
            "yes" if provider.may_republish else "no",
            minute(answered.get(dataset.id)),
        )
    console = terminal.console()
    console.print(table)
    console.print()
    console.print(_evidence(_settled(settings, answered)))
    terms = Table("provider", "key", "licence", "described by", **PLAIN)
    for provider in sorted(PROVIDERS, key=lambda provider: provider.name):
        key = "none needed"
        if provider.key_variable:
            key = "set" if settings.key(provider.name) else f"needs a key: {provider.key_variable}"
        terms.add_row(provider.name, key, provider.licence, str(provider.described_by))
    console.print()
    console.print(terms)
    console.print(
        "\nasked: the schedule, or only when named with --select · out after: how long after the end of its period a\n"
        "value is published · pass on: whether values may be republished\n"
        "question, shape: what shows that it is asked rightly and answers as expected · unverified: no real answer of\n"
        "it is known yet; `leadline probe --record` settles it",
        highlight=False,
    )


def _settled(settings: Settings, answered: Mapping[str, datetime]) -> Mapping[str, str]:
    """Since when a live answer of each dataset is known to have the expected shape: the day."""
    live = {dataset_id: at[:10] for dataset_id, at in settled(Home(settings.home)).items()}
    if origin_of(settings.home) != PUBLIC_SOURCES:
        return live
    return {**{dataset_id: f"{at:%Y-%m-%d}" for dataset_id, at in answered.items()}, **live}


def _evidence(live: Mapping[str, str]) -> Table:
    """What shows that each dataset is asked for rightly and answers as its reader expects."""
    table = Table("dataset", "question", "shape", "not shown", **PLAIN)
    for dataset in _by_bucket():
        found = dataset.evidence
        question = "no evidence" if found.question.kind is EvidenceKind.NONE else found.question.kind.value
        shape = f"recorded: {found.shape.source}" if found.is_shape_verified else "shape unverified"
        if dataset.id in live:
            shape = f"answered as expected on {live[dataset.id]}"
        table.add_row(dataset.id, question, shape, found.unproven)
    return table


def _by_bucket() -> list[Dataset]:
    return sorted(DATASETS, key=lambda dataset: (list(Bucket).index(dataset.bucket), dataset.id))


def _last_answers(published: Path) -> Mapping[str, datetime]:
    """When each dataset last answered, as the published warehouse has it; empty before there is one."""
    if not published.exists():
        return {}
    with connect(published, read_only=True) as connection:
        return dict(
            connection.execute(
                "select dataset_id, max(finished_at) from raw.attempt where outcome = 'answered' group by dataset_id"
            ).fetchall()
        )


def _after(lag: timedelta) -> str:
    """How long after the end of its period a value is out."""
    if not lag:
        return "at once"
    for unit, name, most in (("minutes", "min", timedelta(hours=1)), ("hours", "h", timedelta(days=2))):
        if lag < most:
            return f"{lag / timedelta(**{unit: 1}):.0f} {name}"
    return f"{lag / timedelta(days=1):.0f} d"


def _reach(dataset: Dataset) -> str:
    """How far back a provider can be asked."""
    if dataset.access is Access.NOW:
        return "now only"
    return "whole" if dataset.depth is None else f"{dataset.depth / timedelta(days=1):.0f} d"
