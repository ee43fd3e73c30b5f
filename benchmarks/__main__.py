"""Measures the claims about speed: `python -m benchmarks [NAME…]`. The exit code is 1 when a claim does not hold."""

import os
import platform
import sys

import click

from benchmarks.claim import Claim, Size
from benchmarks.registry import BENCHMARKS, LONG, benchmark


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--small", is_flag=True, help="A small input: shows that it runs; its figures claim nothing.")
def main(names: tuple[str, ...], small: bool) -> None:
    """Measure what is claimed, each figure beside its limit. Without NAMES all are run but the long ones."""
    size = Size.SMALL if small else Size.FULL
    click.echo(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, size {size.value}")
    broken = 0
    for name in names or [name for name in BENCHMARKS if name not in LONG]:
        click.echo(f"\n{name}")
        for claim in benchmark(name)(size):
            broken += not claim.holds
            click.echo(f"  {told(claim)}")
    if broken and size is Size.FULL:
        click.echo(f"\n{broken} claims do not hold on this machine")
        sys.exit(1)


def told(claim: Claim) -> str:
    """A claim in one line: does it hold, what was measured, what it is held to."""
    line = (
        f"{'holds' if claim.holds else 'FAILS'}  {claim.what}: {claim.measured:,.4g} {claim.unit} "
        f"({claim.bound.value} {claim.limit:,.4g})"
    )
    return f"{line}; {claim.detail}" if claim.detail else line


if __name__ == "__main__":
    main()
