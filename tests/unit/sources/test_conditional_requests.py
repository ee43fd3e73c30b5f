"""What has not changed is not sent again: validators of a landed answer go out, 304 gives that answer back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.fetch import DatasetPlan, FetchOutcome, fetch
from pipeline.plan import PlannedRequest
from pipeline.settings import Settings
from sandbox.server import running
from sources.core.dataset import Provider, Window
from sources.core.errors import SourceError
from sources.core.http import Session
from sources.core.payload import Payload
from sources.registry import dataset
from tests.unit.market_folder import macro_rows, write_table
from tests.unit.sources.scripted import answer, scripted
from warehouse.home import Home
from warehouse.landing import Landing

URL = "https://data.example/file"
PROVIDER = Provider("example", "Example", "https://data.example", ("data.example",), 60, "made up", True)
BEFORE = Payload(
    URL, {}, 200, {"etag": '"v1"', "last-modified": "Thu, 05 Feb 2026 00:00:00 GMT"}, b"[1]",
    datetime(2026, 2, 5, tzinfo=UTC),
)  # fmt: skip
CLOCK = datetime(2026, 2, 6, tzinfo=UTC)


def session(upstream: str, before: Payload | None, received: list[Payload], clock: datetime = CLOCK) -> Session:
    def kept(url: str, params: Mapping[str, str]) -> Payload | None:
        return before if url == URL and not params else None

    return Session(PROVIDER, upstream=upstream, clock=clock, receive=received.append, kept=kept)


def test_an_unchanged_answer_is_the_one_that_is_here_and_nothing_new_is_received() -> None:
    received: list[Payload] = []
    with scripted(answer(b"", "304 Not Modified", Content_Length="")) as server:
        payload = session(server.base_url, BEFORE, received).get(URL)
    assert (payload.body, payload.status, payload.fetched_at) == (b"[1]", 200, CLOCK)
    assert received == []
    assert 'If-None-Match: "v1"' in server.received[0]
    assert "If-Modified-Since: Thu, 05 Feb 2026 00:00:00 GMT" in server.received[0]


def test_a_changed_answer_is_received_like_any_other() -> None:
    received: list[Payload] = []
    with scripted(answer(b"[2]", ETag='"v2"')) as server:
        assert session(server.base_url, BEFORE, received).get(URL).body == b"[2]"
    assert [payload.body for payload in received] == [b"[2]"]


@pytest.mark.parametrize(
    ("before", "clock"),
    [
        (None, CLOCK),
        (replace(BEFORE, headers={}), CLOCK),  # the provider offered nothing to compare
        (replace(BEFORE, body=b"<!DOCTYPE html><title>Just a moment...</title>"), CLOCK),  # a bot wall is no answer
        (BEFORE, CLOCK - timedelta(days=3)),  # not known yet at that instant
    ],
    ids=["nothing", "no validators", "bot wall", "later"],
)
def test_without_a_good_earlier_answer_the_whole_one_is_asked_for(before: Payload | None, clock: datetime) -> None:
    with scripted(answer(b"[2]")) as server:
        session(server.base_url, before, [], clock).get(URL)
    assert "If-None-Match" not in server.received[0]
    assert "If-Modified-Since" not in server.received[0]


def test_not_modified_without_having_asked_is_no_data() -> None:
    with scripted(answer(b"", "304 Not Modified", Content_Length="")) as server, pytest.raises(SourceError):
        session(server.base_url, None, []).get(URL)


def test_a_second_look_at_an_unchanged_file_lands_nothing_and_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "market").mkdir()
    market = write_table(tmp_path / "market", "macro_1d", macro_rows("vix", {date(2026, 2, 4): 17.5}))
    landing = Landing(Home(tmp_path / "home"))
    vix = dataset("cboe.vix")

    def look(upstream: str, clock: datetime) -> None:
        settings = Settings(_env_file=None, home=tmp_path / "home", upstream=upstream)
        [[fetched]] = fetch(
            [DatasetPlan(vix, [PlannedRequest(Window(clock - timedelta(days=7), clock), clock)])], settings, landing
        )
        assert fetched.outcome is FetchOutcome.ANSWERED
        assert [file.path.exists() for file in fetched.files] == [True]

    with running(market) as upstream:
        look(upstream.base_url, datetime(2026, 2, 6, tzinfo=UTC))
        look(upstream.base_url, datetime(2026, 2, 7, tzinfo=UTC))
    assert [request.status for request in upstream.requests] == [200, 304]
    assert len(landing.files(vix.id)) == 1
    assert all(request.user_agent.startswith("Leadline/") for request in upstream.requests)
