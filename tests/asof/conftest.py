"""One life through the end of the bundled scenario, shared by the tests of a session."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipeline.plan import cut_off
from sandbox import scenario
from tests.asof.history import Life, beginning

FIRST_DAY, LAST_DAY = date(2025, 10, 15), date(2026, 2, 10)
SIX_DATES = (
    date(2025, 12, 1),  # a month's first day
    date(2025, 12, 25),  # exchanges are closed
    date(2026, 1, 11),  # a Sunday, after a Friday whose largest fund came late
    date(2026, 2, 2),  # its fund flows came in two parts, the next morning
    date(2026, 2, 5),
    date(2026, 2, 6),
)


@pytest.fixture(scope="session", autouse=True)
def only_models() -> Iterator[None]:
    """dbt builds models here; its tests have a suite of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_INDIRECT_SELECTION", "empty")
        yield


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    scenario.generate(folder)
    return folder


@pytest.fixture(scope="session")
def life(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A life to the scenario's last day. Kept: `absent <date>` built at each of six cut-offs from all that had come by
    then, `as of <date>` built at the end as of the same cut-off, and `full`."""
    with beginning(tmp_path_factory.mktemp("life"), market, FIRST_DAY) as life:
        for day in SIX_DATES:
            life.live_until(day)
            life.build(f"absent {day}")
        life.live_until(LAST_DAY)
        life.build("full")
        for day in SIX_DATES:
            life.build(f"as of {day}", cut_off(day))
        yield life
