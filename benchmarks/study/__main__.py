"""The study, whole: `python -m benchmarks.study --market DIR`. From market tables to `docs/study/`, in one command.

The folder is served by the stand-in, loaded and built as any other history is; labels, durations, outcomes, stability
and baselines are computed from the built marts; the page and its pictures are written. Nothing of the folder itself
goes into them but dates, labels, returns and counts.
"""

import time
from datetime import date
from pathlib import Path

import click

from benchmarks.study import (
    baselines,
    chains,
    forward,
    history,
    plots,
    sanity,
    sensitivity,
    stress_windows,
    substitutes,
)
from benchmarks.study.durations import durations
from benchmarks.study.page import Findings, write
from benchmarks.study.spells import spells
from pipeline.settings import PROJECT, Settings
from warehouse.home import Home

STUDY = PROJECT / "docs" / "study"


def whole(context: click.Context, parameter: click.Parameter, archive: Path | None) -> Path | None:
    """Ask for the chains before the history is built, not after."""
    if archive is not None and (absent := chains.missing(archive)):
        raise click.BadParameter(f"there is no {absent[0]}; name the folder that data/options lies in.")
    return archive


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--market", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True, help="Market tables."
)
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), help="Where to build; default: study/ in LEADLINE_HOME."
)
@click.option(
    "--reuse",
    type=click.Choice(["nothing", "loaded", "built"]),
    default="nothing",
    show_default=True,
    help="Ask only what is left to ask; build marts of what is loaded; or take the marts as they are.",
)
@click.option(
    "--archive",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=whole,
    help="The folder that data/options with raw option chains lies in.",
)
@click.option("--draws", default=60, show_default=True, help="Variants with all thresholds moved at random.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=STUDY, show_default="docs/study")
def main(market: Path, home: Path | None, reuse: str, archive: Path | None, draws: int, out: Path) -> None:
    """Study the regimes over real history and write docs/study."""
    started = time.monotonic()

    def say(what: str) -> None:
        click.echo(f"{time.monotonic() - started:6.0f} s  {what}", err=True)

    where = Home((home or Settings().home / "study").resolve())
    if reuse == "nothing":
        say(f"loading {market} into {where.path}")
        history.build(market, where, say)
    elif reuse == "loaded":
        say(f"building the marts of {where.path}")
        history.build_marts(where, market, say)

    say("reading labels, runs and outcomes")
    past = history.read(where.build_file)
    runs = spells(past.regimes)
    days = stress_windows.read_days(where.build_file)
    outcomes = forward.outcomes(runs, past.prices)

    say("labelling the same days by price alone and by a hidden Markov model")
    labelled = past.regimes.select("signal_date", "regime")
    for other in (baselines.price_only(past.prices), baselines.hidden_states(past.prices)):
        labelled = labelled.join(other, on="signal_date", how="left")

    say("moving thresholds")
    rules = sensitivity.RuleSet(where.build_file)
    base = rules.base()
    variants = [
        sensitivity.judge(kind, name, base, rules.labels(rows))
        for kind, name, rows in sensitivity.plan(rules.rows, draws)
    ]
    without_volume = rules.labels(sensitivity.without_volume(rules.rows))

    compared = None
    if archive is not None:
        say("reading real option chains")
        compared = chains.compare(archive)

    say(f"writing {out}")
    out.mkdir(parents=True, exist_ok=True)
    closes = dict(past.prices.select("signal_date", "close").iter_rows())
    plots.history(past.regimes, past.prices, out / "history.svg")
    plots.durations(runs, out / "durations.svg")
    plots.forward(outcomes, closes, out / "forward.svg")
    plots.stability(variants, out / "stability.svg")
    plots.ribbons(labelled, date(baselines.FIRST_FIT_YEAR, 1, 1), out / "baselines.svg")
    if compared is not None:
        plots.surfaces(compared, out / "surfaces.svg")
    findings = Findings(
        past,
        runs,
        durations(runs),
        outcomes,
        days,
        labelled,
        rules.rows,
        variants,
        without_volume,
        substitutes.read(where.build_file),
        compared,
        sanity.checks(past, runs),
    )
    write(findings, out)
    for check in findings.checks:
        say(f"{'yes' if check.holds else 'NO '}  {check.claim}: {check.found}")
    say("done")


if __name__ == "__main__":
    main()
