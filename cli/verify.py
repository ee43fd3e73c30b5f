"""The command that checks the log of forecasts: its chain, what is shown, and days computed again."""

from datetime import date

from cli import terminal
from cli.errors import EXIT_PUBLISHED, EXIT_REFUSED, RequestError
from pipeline.settings import Settings
from pipeline.verify import verify
from warehouse.home import Home

MOST_FAULTS = 20


def verify_log(first: date | None, last: date | None) -> int:
    """Check, and say what was found; the exit code, 0 when all agrees."""
    if first and last and first > last:
        raise RequestError(f"--from {first} is after --to {last}.")
    found = verify(Home(Settings().home), first, last)
    console = terminal.console()
    if not found.publications and not found.faults:
        console.print("There is no forecast in this home yet. `leadline run` or `leadline demo` makes the first ones.")
        return EXIT_REFUSED
    for fault in found.faults[:MOST_FAULTS]:
        console.print(f"differs {fault.where}: {fault.what}", highlight=False, soft_wrap=True)
    if len(found.faults) > MOST_FAULTS:
        console.print(f"… and {len(found.faults) - MOST_FAULTS} more", highlight=False)
    console.print(
        f"{found.publications} publications, head {found.head or 'none'}; "
        f"{found.forecasts:,} forecasts of {found.days:,} days computed again from the landing files: "
        f"{'all agree' if not found.faults else 'not all agree'}.",
        highlight=False,
        soft_wrap=True,
    )
    return EXIT_REFUSED if found.faults else EXIT_PUBLISHED
