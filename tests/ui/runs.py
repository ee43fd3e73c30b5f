"""Two refreshes and a back-fill, one after the other, in a process of their own: `python -m tests.ui.runs ROUNDS`."""

import sys
from datetime import date

from cli.errors import EXIT_PUBLISHED
from cli.request import RunRequest
from cli.run import execute

ROUND = (
    RunRequest("refresh"),
    RunRequest("backfill", date(2026, 2, 9), date(2026, 2, 10)),
    RunRequest("refresh"),
)

if __name__ == "__main__":
    codes = [execute(request).exit_code for _ in range(int(sys.argv[1])) for request in ROUND]
    sys.exit(max(codes, default=EXIT_PUBLISHED))
