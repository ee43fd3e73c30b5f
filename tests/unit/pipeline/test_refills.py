"""A venue that lacks days for a while, over simulated days: the hole is named, asked for again, and filled."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import Response

from pipeline.ingest import IngestResult, ingest
from pipeline.plan import RunPeriod, cut_off, midnight
from pipeline.settings import Settings
from sandbox import coinbase
from sandbox.provider_request import ProviderRequest, json_answer
from sandbox.server import running
from sources.registry import dataset
from tests.unit.venue_market import DAY, bars, folder
from warehouse.home import Home

FIRST = datetime(2026, 1, 1)
LACKING = {date(2026, 1, 6), date(2026, 1, 7)}
[ROUTE] = [route for route in coinbase.ROUTES if route.endswith("candles")]
CANDLES = dataset("coinbase.spot_candle_1d")


class Venue:
    """Coinbase without the days of LACKING until it has been told to mend."""

    def __init__(self) -> None:
        self.is_mended = False

    def candles(self, question: ProviderRequest) -> Response:
        answer = coinbase.ROUTES[ROUTE](question)
        if self.is_mended or answer.status_code != 200:
            return answer
        kept = [
            bar for bar in json.loads(bytes(answer.body)) if datetime.fromtimestamp(bar[0], UTC).date() not in LACKING
        ]
        return json_answer(kept)


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def upstream(tmp_path: Path, venue: Venue) -> Iterator[str]:
    market = folder(tmp_path / "market", {"price_1d": bars("coinbase", "spot", FIRST, DAY, 40)})
    with running(market, routes={ROUTE: venue.candles}) as server:
        yield server.base_url


def test_a_hole_is_named_asked_for_again_and_filled(
    tmp_path: Path, venue: Venue, upstream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADLINE_UPSTREAM", upstream)
    home, settings = Home(tmp_path / "home"), Settings(_env_file=None)

    def run(day: date, first: date | None = None) -> IngestResult:
        span = RunPeriod(midnight(first) if first else None, cut_off(day), clocked=True)
        [result] = ingest(home, settings, [CANDLES], span)
        return result

    days = [FIRST.date() + timedelta(days=n) for n in range(10, 20)]
    told = str(run(days[0], FIRST.date()).coverage)
    assert told == "2026-01-06 to 2026-01-07 of BTC-USD missing, asked 1 times"
    again = [run(day).coverage.gaps[0].asked for day in days[1:5]]
    assert again == sorted(again)
    assert again[-1] > 1  # outside of the days that are read again anyway
    venue.is_mended = True
    filled = [run(day) for day in days[5:]]
    assert filled[-1].coverage.gaps == ()
    assert sum(result.load.rows_new for result in filled if result.load) == len(LACKING) + len(filled)
