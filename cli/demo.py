"""The demo: the whole warehouse on a simulated market, and the stand-in upstream that serves it."""

import hashlib
import shutil
from datetime import date
from pathlib import Path

from rich.console import Console

from cli import terminal
from cli.errors import EXIT_REFUSED
from cli.request import RunRequest
from cli.run import run_and_tell
from cli.show import print_board
from pipeline.settings import PROJECT, Settings, environment
from sandbox import scenario
from sandbox.server import serve
from sandbox.server_process import running_apart
from sources.registry import PROVIDERS

FIRST_DAY, LAST_DAY = date(2024, 11, 1), date(2026, 2, 10)
GOLDEN_DAY = date(2026, 2, 6)  # the day that the article is about
DEMO_KEY = "any-key-will-do"
LABEL = "SIMULATED DATA: every number comes from a generator, anchored on one article's figures; none is a market's."


def run_demo(console: terminal.PlainConsole | None = None) -> int:
    """Run the main job on the simulated market in `<home>/demo` and print the board. Returns the exit code."""
    console = console or terminal.console()
    home = Settings().home / "demo"
    console.say((LABEL, "bold yellow"), "\n")
    market = simulated_market(home / "market", forget=home)
    with running_apart(market) as upstream, environment(**demo_settings(home, upstream)):
        code = run_and_tell(RunRequest("backfill", FIRST_DAY, LAST_DAY, keeps_history=False), console=console)
    if code == EXIT_REFUSED:
        return code
    for day in (GOLDEN_DAY, LAST_DAY):
        console.print()
        print_board(home / "leadline.duckdb", day, console=console)
    console.say("\n", (LABEL, "bold yellow"))
    for what, where in (
        ("warehouse", home / "leadline.duckdb"),
        ("extracts", home / "extracts"),
        ("report", home / "report" / "index.html"),
        ("site", home / "site" / "index.html"),
    ):
        console.print(f"  {what:<10}{where}", highlight=False, soft_wrap=True)
    console.print("\nNext:")
    for command, does in (
        ("leadline show --full", "every rule with its reading; shows the demo until there is a run of your own"),
        (f"LEADLINE_HOME={home} leadline serve", "the site of the demo on http://127.0.0.1:8320/"),
        ("leadline run", "the real market, from public sources"),
    ):
        console.print(f"  {command}  # {does}", highlight=False, soft_wrap=True)
    return code


def simulated_market(folder: Path, *, forget: Path | None = None) -> Path:
    """Market tables of the bundled scenario in a folder, generated again only when the generator has changed.

    Another market is another origin, so what a home made of the old one is forgotten with it.
    """
    made_by = folder / "generator.sha256"
    if not made_by.exists() or made_by.read_text() != _generator_hash():
        shutil.rmtree(forget or folder, ignore_errors=True)
        folder.mkdir(parents=True)
        scenario.generate(folder)
        made_by.write_text(_generator_hash())
    return folder


def _generator_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted((PROJECT / "sandbox" / "scenario").glob("*.*")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def demo_settings(home: Path, upstream: str) -> dict[str, str]:
    """Settings of a run against the stand-in. Keyed providers accept any key there."""
    keys = {provider.key_variable: DEMO_KEY for provider in PROVIDERS if provider.key_variable}
    return {"LEADLINE_HOME": str(home), "LEADLINE_UPSTREAM": upstream, **keys}


def serve_stand_in(market: Path | None, port: int, faults: str | None) -> None:
    """Serve market tables until interrupted; without a folder those of the bundled scenario."""
    folder = market or simulated_market(Settings().home / "demo" / "market")
    console = Console(stderr=True)
    console.print(f"Stand-in upstream on http://127.0.0.1:{port}, serving {folder}. Use it in another terminal:")
    console.print(f"  leadline run --upstream http://127.0.0.1:{port}", highlight=False)
    serve(folder, port, faults)
