"""No date ever sees what was known later: sixty dates over the whole bundled scenario. Run by `make test-asof`."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.plan import cut_off
from tests.asof.equality import same_as_known, same_marts
from tests.asof.history import Life, beginning

pytestmark = pytest.mark.slow

FIRST_DAY, LAST_DAY = date(2024, 11, 1), date(2026, 2, 10)
# Every seventh or eighth day, so that all days of a week, of a month and around holidays have their turn; then the
# days that the warehouse was made for.
DATES = sorted(
    {date(2024, 11, 9) + timedelta(days=round(7.4 * number)) for number in range(61)}
    | {date(2026, 2, 4), date(2026, 2, 5), date(2026, 2, 6)}
)


@pytest.fixture(scope="module")
def life(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A life through the whole scenario. Kept: `absent <date>` of each date, and `full`."""
    with beginning(tmp_path_factory.mktemp("long_life"), market, FIRST_DAY) as life:
        for day in DATES:
            life.live_until(day)
            life.build(f"absent {day}")
        life.live_until(LAST_DAY)
        life.build("full")
        yield life


def test_there_are_sixty_dates() -> None:
    assert len(DATES) >= 60


@pytest.mark.parametrize("day", DATES, ids=str)
def test_a_build_of_then_an_as_of_build_and_a_full_build_agree(life: Life, day: date) -> None:
    life.build(f"as of {day}", cut_off(day))
    assert same_marts(life.kept, f"absent {day}", f"as of {day}") == []
    assert same_as_known(life.kept, "full", f"as of {day}", day) == []
