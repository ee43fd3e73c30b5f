"""A day's refresh as the upstream sees it: who asks, how often, and nothing twice."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest

from pipeline.ingest import ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from sandbox import scenario
from sandbox.server import LoggedRequest, running
from sources.core.dataset import Access, Provider
from sources.core.http import USER_AGENT
from sources.registry import DATASETS, PROVIDERS
from warehouse.home import Home

KEYLESS = [each for each in DATASETS if not each.provider.key_variable and each.access is not Access.ARCHIVE]
MOST_REQUESTS = 10  # for one dataset and one day; series, tenors and funds are asked one by one


@pytest.fixture(scope="module")
def refreshes(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Sequence[LoggedRequest]]:
    """The requests of a day's refresh, and of the same one again."""
    market, home = tmp_path_factory.mktemp("market"), tmp_path_factory.mktemp("home")
    scenario.generate(market)
    with running(market) as upstream:
        settings = Settings(_env_file=None, home=home, upstream=upstream.base_url)

        def asked(span: RunPeriod) -> list[LoggedRequest]:
            before = len(upstream.requests)
            ended = list(ingest(Home(home), settings, KEYLESS, span))
            assert [each.trouble for each in ended if each.trouble] == []
            return upstream.requests[before:]

        asked(RunPeriod(midnight(date(2026, 1, 22)), cut_off(date(2026, 2, 4)), clocked=True))
        today = RunPeriod(None, cut_off(date(2026, 2, 5)), clocked=True)
        return asked(today), asked(today)


def test_every_request_names_the_project(refreshes: Sequence[Sequence[LoggedRequest]]) -> None:
    agents = {request.user_agent for requests in refreshes for request in requests}
    assert agents == {USER_AGENT}
    assert USER_AGENT.startswith("Leadline/")
    assert "github.com" in USER_AGENT
    assert len({request.host for request in refreshes[0]}) > 10


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_refresh_stays_within_a_minutes_allowance(
    refreshes: Sequence[Sequence[LoggedRequest]], provider: Provider
) -> None:
    first, _ = refreshes
    asked = sum(request.host in provider.hosts for request in first)
    declared = sum(each.provider is provider for each in KEYLESS)
    assert asked <= provider.requests_per_minute
    assert asked <= MOST_REQUESTS * declared


def test_nothing_is_asked_for_twice_in_one_refresh(refreshes: Sequence[Sequence[LoggedRequest]]) -> None:
    for requests in refreshes:
        counts = Counter(
            (each.host, each.path, each.clock, tuple(sorted(each.params.items()))) for each in requests
            if each.method == "GET"
        )  # fmt: skip
        assert [question for question, count in counts.items() if count > 1] == []


def test_what_offers_a_tag_is_not_sent_again(refreshes: Sequence[Sequence[LoggedRequest]]) -> None:
    _, again = refreshes
    tagged = [request for request in again if request.host == "cdn.cboe.com"]
    assert [request.status for request in tagged] == [304] * len(tagged)
    assert tagged
    assert all(request.headers["if-none-match"] for request in tagged)
