"""The command line. Every import of weight is inside its command, so that `--help` is instant."""

import sys
from datetime import UTC, date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import ClassVar

import click

EXIT_REFUSED = 1  # as in cli.request, which is too heavy to import before it is needed


class _Day(click.ParamType[date]):
    """A UTC day, written as 2026-02-06."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day. Write it as 2026-02-06.", param, ctx)


class _Instant(click.ParamType[datetime]):
    """A UTC instant: 2026-02-07T01:00 or 2026-02-07T01:00:00Z; a bare day is its midnight."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no instant. Write it as 2026-02-07T01:00.", param, ctx)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


class _Bytes(click.ParamType[int]):
    """An amount of memory in decimal units, written as 8GB or 500MB."""

    name = "size"
    _units: ClassVar = {"MB": 10**6, "GB": 10**9}

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip().upper()
        try:
            return int(float(text[:-2]) * self._units[text[-2:]])
        except (ValueError, KeyError, OverflowError):
            self.fail(f"{value!r} is no amount of memory. Write it as 8GB or 500MB.", param, ctx)


class _Days(click.ParamType[tuple[int, ...]]):
    """Numbers of days, written as 30,365,1825."""

    name = "days"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            days = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            days = (-1,)
        if min(days) < 0:
            self.fail(f"{value!r} are no numbers of days. Write them as 30,365,1825.", param, ctx)
        return days


DAY = _Day()
DAYS = _Days()
INSTANT = _Instant()
BYTES = _Bytes()


class _Commands(click.Group):
    """Turns the errors that a person can meet into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except (click.ClickException, click.Abort):
            raise  # click shows its own
        except Exception as error:
            from cli.messages import message_of

            message = message_of(error)
            if message is None:
                raise
            click.echo(f"leadline: {message}", err=True)
            raise click.exceptions.Exit(EXIT_REFUSED) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="leadline", prog_name="leadline")
def main() -> None:
    """Leadline: a daily signal warehouse for Bitcoin. Does the price level hold, or is this only a pause?"""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal shows a question mark rather than nothing


@main.command()
def demo() -> None:
    """The whole warehouse on a simulated market: no network, no keys."""
    from cli.demo import run_demo

    sys.exit(run_demo())


@main.command()
@click.option("--from", "first", type=DAY, help="First day to fetch; default: what is new since the last run.")
@click.option("--to", "last", type=DAY, help="Last day to fetch; default: now.")
@click.option("--select", "selected", multiple=True, metavar="SOURCE", help="A provider, or provider.dataset.")
@click.option("--as-of", type=INSTANT, help="Build what one would have seen then, in as_of/ beside the warehouse.")
@click.option("--upstream", metavar="URL", help="A stand-in upstream on this machine instead of public sources.")
def run(
    first: date | None, last: date | None, selected: tuple[str, ...], as_of: datetime | None, upstream: str | None
) -> None:
    """The main job: fetch, load, build, publish."""
    from cli.request import RunRequest
    from cli.run import run_and_tell

    sys.exit(run_and_tell(RunRequest("refresh", first, last, selected, as_of), upstream=upstream))


@main.command()
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day.")
@click.option("--select", "selected", multiple=True, metavar="SOURCE", help="A provider, or provider.dataset.")
@click.option("--upstream", metavar="URL", help="A stand-in upstream on this machine instead of public sources.")
def backfill(first: date, last: date, selected: tuple[str, ...], upstream: str | None) -> None:
    """History in windows. Interrupt it at will: the next call goes on where this one stopped."""
    from cli.request import RunRequest
    from cli.run import run_and_tell

    sys.exit(run_and_tell(RunRequest("backfill", first, last, selected), upstream=upstream))


@main.command()
@click.option("--as-of", type=INSTANT, help="Build what one would have seen then, in as_of/ beside the warehouse.")
def build(as_of: datetime | None) -> None:
    """Models, publication, extracts and report from what is loaded."""
    from cli.request import RunRequest
    from cli.run import run_and_tell

    sys.exit(run_and_tell(RunRequest("build", as_of=as_of)))


@main.command()
@click.option("--public", is_flag=True, help="Also write under public/ what may be passed on, for publishing.")
@click.option("--csv", is_flag=True, help="Add a CSV to each extract, for spreadsheets.")
def publish(public: bool, csv: bool) -> None:
    """Publication, extracts and report from what is built."""
    from cli.request import RunRequest
    from cli.run import run_and_tell

    sys.exit(run_and_tell(RunRequest("publish", public=public, csv=csv)))


@main.command()
@click.argument("dataset")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--fetched-at", type=INSTANT, help="When the files were saved; default: their own time stamp.")
def load(dataset: str, files: tuple[Path, ...], fetched_at: datetime | None) -> None:
    """Land and load payloads saved by hand, such as a page behind a bot wall."""
    from cli.maintenance import load_by_hand

    load_by_hand(dataset, files, fetched_at)


@main.command()
@click.argument("day", type=DAY, required=False)
@click.option("--as-of", type=INSTANT, help="The board as it stood then; needs an earlier build with the same --as-of.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--full", is_flag=True, help="Every rule with its reading, beyond the first screen.")
def show(day: date | None, as_of: datetime | None, lang: str, as_json: bool, full: bool) -> None:
    """The board of a day, the newest by default."""
    from cli.show import show_board

    show_board(day, as_of, lang, as_json, full)


@main.command()
@click.option("--serve", is_flag=True, help="Show it on this machine, with the interfaces for programs.")
@click.option("--export", "target", type=click.Path(file_okay=False, path_type=Path), help="Write it to this folder.")
@click.option("--public", is_flag=True, help="Leave out values whose source forbids passing them on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8320, show_default=True)
def site(serve: bool, target: Path | None, public: bool, port: int) -> None:
    """The site: a page a day. Written after every publication; this writes it anew, for any web server."""
    from cli.site import make_site, serve_site

    folder = make_site(target, public)
    if serve:
        serve_site(folder, port)


@main.command()
@click.option("--public", is_flag=True, help="Leave out values whose source forbids passing them on.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8320, show_default=True)
def serve(public: bool, host: str, port: int) -> None:
    """The site and its read-only interfaces on HTTP: pages, /api/v1, and a backend for OpenBB Workspace."""
    from cli.site import serve_site, site_folder

    serve_site(site_folder(public), port, host)


@main.command()
@click.argument("day", type=DAY, required=False)
def rules(day: date | None) -> None:
    """Every rule: whether it holds, and how far it is from its flip."""
    from cli.rules import show_rules

    show_rules(day)


@main.command("what-if")
@click.argument("day", type=DAY)
@click.option(
    "--set", "readings", multiple=True, metavar="SIGNAL=VALUE", help="A reading of that day; may be given repeatedly."
)
@click.option("--more-days", type=click.IntRange(0, 30), default=0, help="As many days that read the same come after.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def what_if(day: date, readings: tuple[str, ...], more_days: int, as_json: bool) -> None:
    """What the rules would say of a day if readings had been others: buckets, conditions and regime that change."""
    from cli.what_if import show_what_if

    show_what_if(day, readings, more_days, as_json)


@main.command()
@click.option("--public", is_flag=True, help="Leave out values whose source forbids passing them on.")
def mcp(public: bool) -> None:
    """A read-only server for assistants (Model Context Protocol) on standard input and output."""
    from cli.assistants import serve_assistants

    serve_assistants(public)


@main.command()
@click.option("--dry-run", is_flag=True, help="Show what would be sent.")
def alerts(dry_run: bool) -> None:
    """Tell people what changed, each thing once; LEADLINE_ALERT_URL says whom."""
    from cli.alerts import show_alerts

    show_alerts(dry_run)


@main.command()
@click.argument("load_id")
@click.option("--by", "who", required=True, help="Who releases the reading.")
@click.option("--reason", required=True, help="Why it is right after all.")
def accept(load_id: str, who: str, reason: str) -> None:
    """Release a blocked reading; who, when and why are kept."""
    from cli.maintenance import accept_blocked

    accept_blocked(load_id, who, reason)


@main.command()
def status() -> None:
    """Freshness and coverage of every dataset."""
    from cli.status import show_status

    show_status()


@main.command()
def sources() -> None:
    """What is declared: datasets, keys needed or not, licences."""
    from cli.sources import show_sources

    show_sources()


@main.command()
@click.argument("query", required=False)
def sql(query: str | None) -> None:
    """A read-only query on the published warehouse; without QUERY a prompt."""
    from cli.sql import query_published

    query_published(query)


@main.command()
@click.option("--from", "first", type=DAY, help="First day to compute again; default: the first forecast.")
@click.option("--to", "last", type=DAY, help="Last day to compute again; default: the newest.")
def verify(first: date | None, last: date | None) -> None:
    """The log of forecasts: its chain of hashes, what is shown, and days computed again from the landing files."""
    from cli.verify import verify_log

    sys.exit(verify_log(first, last))


@main.command()
@click.option("--without-damaged", is_flag=True, help="Leave out what cannot be read, and say what that was.")
def rebuild(without_damaged: bool) -> None:
    """The warehouse from its landing files."""
    from cli.maintenance import rebuild_home
    from cli.request import RunRequest
    from cli.run import run_and_tell

    rebuild_home(without_damaged)
    sys.exit(run_and_tell(RunRequest("build")))


@main.command()
def backup() -> None:
    """A consistent copy of the warehouse in backup/."""
    from cli.maintenance import back_up

    back_up()


@main.command()
def docs() -> None:
    """The documentation site of every model and column."""
    from cli.maintenance import write_docs

    write_docs()


@main.command()
@click.option("--market", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Market tables to serve.")
@click.option("--port", type=click.IntRange(0, 65535), default=8321, show_default=True)
@click.option("--faults", metavar="SPEC", help="Misbehave on purpose: api.binance.com=down,farside.co.uk=garbage …")
def sandbox(market: Path | None, port: int, faults: str | None) -> None:
    """The stand-in upstream alone; without --market it serves the simulated one."""
    from cli.demo import serve_stand_in

    serve_stand_in(market, port, faults)


@main.command()
@click.option("--select", "selected", multiple=True, metavar="SOURCE", help="A provider, or provider.dataset.")
@click.option("--record", is_flag=True, help="Keep an answer of each and compare its shape with what is expected.")
def probe(selected: tuple[str, ...], record: bool) -> None:
    """One cheap request to each provider: answered, blocked, needs a key, changed."""
    from cli.probe import probe_providers

    sys.exit(probe_providers(selected, record))


@main.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen. There is no login: see the docs."
)
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True)
@click.option("--served-as", multiple=True, metavar="NAME", help="A name that a reverse proxy serves it under.")
def up(host: str, port: int, served_as: tuple[str, ...]) -> None:
    """Dagster's web server and schedules, until interrupted."""
    from cli.up import serve

    sys.exit(serve(host, port, served_as))


@main.command()
@click.option("--heartbeat", is_flag=True, help="Only whether the last publication is recent; for cron and systemd.")
@click.option("--hours", type=click.IntRange(1), default=26, show_default=True, help="How old it may be.")
def doctor(heartbeat: bool, hours: int) -> None:
    """Checks the installation, configuration, keys (never shown), the home, disk and clock."""
    from cli.doctor import examine, listen

    sys.exit(listen(hours) if heartbeat else examine())


@main.group()
def chain() -> None:
    """Coins by the day they were created and spent, from the chain itself."""


@chain.command()
@click.option("--from-height", type=click.IntRange(0), help="Where an empty store begins; default: the first block.")
@click.option("--to-height", type=click.IntRange(0), help="Where to stop; default: the newest block.")
def follow(from_height: int | None, to_height: int | None) -> None:
    """Take in every block that is new, from the node in LEADLINE_BITCOIN_RPC. Interrupt it at will."""
    from cli.chain_follow import follow_chain

    sys.exit(follow_chain(from_height, to_height))


@chain.command("status")
def chain_status() -> None:
    """How far the cells reach, and how far they are valued."""
    from cli.chain_follow import show_chain

    show_chain()


@chain.command("show")
@click.argument("day", type=DAY, required=False)
@click.option(
    "--bin", "bin_usd", type=click.IntRange(1), help="Width of price bins in dollars; default: as configured."
)
@click.option("--ages", type=DAYS, help="Where age bands begin, in days: 30,365,1825; default: the usual ones.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def chain_show(day: date | None, bin_usd: int | None, ages: tuple[int, ...] | None, as_json: bool) -> None:
    """A day's realised profit and loss, coin-days destroyed, cost basis and ages, the newest closed day by default."""
    from cli.chain_show import show_day

    show_day(day, bin_usd, ages, as_json)


@chain.command("join")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True)
@click.option("--memory", type=BYTES, default="8GB", show_default=True, help="What DuckDB may use; it spills the rest.")
@click.option("--master", metavar="URL", help="The Spark cluster, like spark://host:7077.")
def join_chain(source: Path, engine: str, memory: int, master: str | None) -> None:
    """Cells from SOURCE, a folder with blocks/ and transactions/ of the public Parquet copy.

    Interrupt it at will: the same command goes on where it stopped.
    """
    from cli.chain_join import join_public_copy

    join_public_copy(source, engine, memory, master)
