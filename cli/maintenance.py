"""Commands that keep the warehouse in order: hand loads, releases, rebuild, backup, docs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chain.published import current
from cli import terminal
from cli.errors import RequestError
from cli.request import chosen
from pipeline import dbt_project
from pipeline.chain import root
from pipeline.hand_files import CompressedFileError, looks_like, opened
from pipeline.origin import origin
from pipeline.plan import FIRST_HISTORY
from pipeline.settings import PROJECT, Settings, environment
from sources.core.errors import SourceError
from sources.core.payload import Payload
from sources.registry import DATASETS
from warehouse.backup import backup
from warehouse.database import Warehouse
from warehouse.errors import LoadError
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader
from warehouse.rebuild import rebuild

# Where docs/hooks.py finds what it writes about.
DOCS_WAREHOUSE = "LEADLINE_DOCS_WAREHOUSE"
DOCS_DBT = "LEADLINE_DOCS_DBT"


def load_by_hand(name: str, files: Sequence[Path], fetched_at: datetime | None) -> None:
    """Land and load payloads that a person saved, as if they had been fetched when they were saved."""
    [dataset, *others] = chosen([name])
    if others:
        raise RequestError(f"{name} has several datasets; name one: {', '.join(d.id for d in [dataset, *others])}.")
    settings = Settings()
    home = Home(settings.home)
    home.claim_origin(origin(settings))
    landing = Landing(home)
    landed = []
    for file in files:
        try:
            body = opened(dataset, file.read_bytes(), file.name)
        except CompressedFileError as error:
            raise RequestError(str(error)) from error
        payload = Payload(
            url=f"{dataset.provider.home}#saved-by-hand/{file.name}",
            params={},
            status=200,
            headers={},
            body=body,
            fetched_at=fetched_at or datetime.fromtimestamp(file.stat().st_mtime, UTC),
        )
        landed.append(landing.store(dataset.id, payload) or landing.find(dataset.id, payload))
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables(DATASETS)
        loader = Loader(warehouse)
        # What is named is read even where it looks like an error page, so that a person hears what is wrong with it.
        named = [file for file in landed if file is not None]
        try:
            result = loader.load(dataset, [*named, *loader.pending(dataset)])
        except (SourceError, LoadError) as error:
            alike = [name for file in named for name in looks_like(landing.read(file), other_than=dataset)]
            if alike:
                hint = f"The file looks like {' or '.join([*dict.fromkeys(alike)][:3])}."
                raise RequestError(f"{error} {hint}") from error
            raise
    console = terminal.console()
    console.print(
        f"{dataset.id}: {result.rows_new:,} new rows, {result.rows_revised:,} revised, {result.rejects:,} rejected"
        f"{''.join(f', {count:,} left out ({reason})' for reason, count in result.left_out.items())}. "
        "`leadline build` brings them to the board.",
        highlight=False,
    )


def accept_blocked(load_id: str, who: str, reason: str) -> None:
    """Release a blocked load; who, when and why become a landed decision."""
    with Warehouse(_home()) as warehouse:
        warehouse.ensure_tables(DATASETS)
        loader = Loader(warehouse)
        waiting = {full: owner for owner, full, _ in loader.blocked() if full.startswith(load_id)}
        if len(waiting) != 1:
            known = ", ".join(full for _, full, _ in loader.blocked()) or "none"
            raise RequestError(f"There is not one blocked load {load_id!r}. Waiting: {known}.")
        [(full, owner)] = waiting.items()
        result = loader.accept(chosen([owner])[0], full, who=who, why=reason)
    terminal.console().print(
        f"{owner}: released by {who}, {result.rows_new:,} new rows. `leadline build` brings them to the board.",
        highlight=False,
    )


def rebuild_home(without_damaged: bool = False) -> None:
    """Make the build file again from the landing files."""
    rebuilt = rebuild(_home(), DATASETS, without_damaged=without_damaged)
    console = terminal.console()
    console.print(f"{rebuilt.decisions:,} decisions replayed.", highlight=False)
    if rebuilt.set_aside:
        console.print(f"What was there before is in {rebuilt.set_aside}.", highlight=False, soft_wrap=True)
    for what in rebuilt.damaged:
        console.say(("left out", "red"), f" {what}")
    if rebuilt.damaged:
        console.print("`leadline run` fetches what providers still have; `leadline backfill --from --to` older days.")
    if rebuilt.skipped:
        console.print(f"No longer declared, left out: {', '.join(rebuilt.skipped)}.", highlight=False)
    console.print("What is computed comes back with the next `leadline build`.", highlight=False)
    if current(root(_home().path)) is not None:
        console.print(
            f"It values the newest {FIRST_HISTORY.days} days of the chain anew from the cells (known_at_basis = "
            "assumed); earlier versions of a day are in the old build file only.",
            highlight=False,
        )
    for reason in rebuilt.lost:
        console.say(("turned away now", "yellow"), f" {reason}")


def back_up() -> None:
    """A consistent copy of the warehouse."""
    terminal.console().print(f"{backup(_home()).folder}", highlight=False, soft_wrap=True)


def write_docs() -> None:
    """The docs site of what was built last: prose, signals with plots, rules, tables, errors, and dbt's own page."""
    home = _home()
    if not (home.build_file.exists() and home.published.exists()):
        raise RequestError(f"Nothing is built in {home.path} yet. `leadline run` or `make demo` does.")
    try:
        from mkdocs.commands.build import build
        from mkdocs.config import load_config
    except ImportError as error:
        raise RequestError("The docs site needs mkdocs, which `make docs` installs.") from error
    pages = {DOCS_WAREHOUSE: str(home.published), DOCS_DBT: str(dbt_project.document(home.build_file))}
    with environment(**pages):
        build(load_config(str(PROJECT / "mkdocs.yml"), site_dir=str(home.docs), strict=True))
    terminal.console().print(f"{home.docs / 'index.html'}", highlight=False, soft_wrap=True)


def _home() -> Home:
    return Home(Settings().home)
