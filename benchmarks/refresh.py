"""A day's refresh of all keyless sources, against a stand-in that answers each request in 200 ms.

The home holds the days before, as it does on any morning; then one run of everything without a key is timed, network
and loading together.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from starlette.responses import Response

from benchmarks.claim import Bound, Claim, Size
from pipeline.ingest import IngestResult, ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from sandbox import scenario
from sandbox.provider_request import ProviderRequest, RouteHandler
from sandbox.routes import all_routes
from sandbox.server import LoggedRequest, running
from sources.core.dataset import Access
from sources.registry import DATASETS, PROVIDERS
from warehouse.home import Home

LAST_DAY = date(2026, 2, 6)
DAYS_BEFORE = {Size.SMALL: 2, Size.FULL: 40}
LATENCY_S = 0.2
LIMIT_S = 15
KEYLESS = [each for each in DATASETS if not each.provider.key_variable and each.access is not Access.ARCHIVE]


def run(size: Size) -> Iterator[Claim]:
    with tempfile.TemporaryDirectory(prefix="leadline-bench-") as folder:
        home, market = Home(Path(folder) / "home"), Path(folder) / "market"
        scenario.generate(market)
        home.claim_origin("the bundled scenario")
        with running(market) as quick:
            before = LAST_DAY - timedelta(days=1)
            first = midnight(before - timedelta(days=DAYS_BEFORE[size]))
            refresh(home, quick.base_url, RunPeriod(first, cut_off(before), clocked=True, each_instant=True))
        with running(market, routes={route: late(handler) for route, handler in all_routes().items()}) as slow:
            started = time.perf_counter()
            ended = refresh(home, slow.base_url, RunPeriod(None, cut_off(LAST_DAY), clocked=True))
            elapsed = time.perf_counter() - started
        troubles = [each.trouble for each in ended if each.trouble]
        if troubles:
            raise RuntimeError(f"not every source answered: {'; '.join(troubles)}")
        most, name, allowed = busiest(slow.requests)
        told = f"{len(slow.requests)} requests for {len(KEYLESS)} datasets"
        yield Claim("refresh of all keyless sources", elapsed, Bound.AT_MOST, LIMIT_S, "s", told)
        yield Claim("requests of the busiest provider", most, Bound.AT_MOST, allowed, "a minute", name)


def refresh(home: Home, upstream: str, span: RunPeriod) -> list[IngestResult]:
    """Fetch and load every keyless dataset."""
    return list(ingest(home, Settings(_env_file=None, home=home.path, upstream=upstream), KEYLESS, span))


def late(handler: RouteHandler) -> RouteHandler:
    """The same answer, 200 ms later."""

    def answer(question: ProviderRequest) -> Response:
        time.sleep(LATENCY_S)
        return handler(question)

    return answer


def busiest(requests: list[LoggedRequest]) -> tuple[int, str, int]:
    """The provider that came nearest to what it allows a minute: its requests, its name and its limit."""
    asked = Counter(request.host for request in requests)
    counts = [(sum(asked[host] for host in each.hosts), each.name, each.requests_per_minute) for each in PROVIDERS]
    return max(counts, key=lambda count: count[0] / count[2])
