"""No date ever sees what was known later: six dates of the bundled scenario; `make test-asof` takes sixty."""

from datetime import UTC, date, datetime, time, timedelta

import duckdb
import pytest

from pipeline import dbt_project
from pipeline.as_of import frozen_copy
from pipeline.plan import cut_off
from tests.asof.conftest import SIX_DATES
from tests.asof.equality import same_as_known, same_marts
from tests.asof.history import Life, keep_marts
from tests.asof.models import MODELS, VARIABLES

SIXTH = date(2026, 2, 6)


@pytest.mark.parametrize("day", SIX_DATES, ids=str)
def test_an_as_of_build_is_what_one_would_have_built_then(life: Life, day: date) -> None:
    assert same_marts(life.kept, f"absent {day}", f"as of {day}") == []


@pytest.mark.parametrize("day", SIX_DATES, ids=str)
def test_a_full_build_says_of_a_date_what_could_be_said_at_its_cut_off(life: Life, day: date) -> None:
    assert same_as_known(life.kept, "full", f"as of {day}", day) == []


def test_dbt_itself_builds_the_same_rows(life: Life) -> None:
    """The builds above run dbt's compiled statements; this one goes the way of `leadline build --as-of`."""
    home = frozen_copy(life.home, cut_off(SIXTH))
    built = dbt_project.build(
        home.build_file,
        {"as_of": cut_off(SIXTH).strftime("%Y-%m-%d %H:%M:%S"), **VARIABLES},
        select=MODELS,
    )
    assert not built.failures
    keep_marts(home.build_file, life.kept, "by dbt")
    assert same_marts(life.kept, "by dbt", f"as of {SIXTH}") == []


def test_a_late_fund_holds_the_total_back_until_it_has_come(life: Life) -> None:
    """The largest fund of 2 February was printed at half past ten the next morning, the others before five."""
    day = date(2026, 2, 2)
    early, later = build_in_the_morning(life, day, 5), build_in_the_morning(life, day, 11)
    assert prints(life, early, day, "IBIT") == []
    assert prints(life, early, day, "FBTC") == [(98.0, False)]
    assert net_flow(life, early, day)[0] is None
    assert prints(life, later, day, "IBIT") == [(256.1, True)]
    assert net_flow(life, later, day)[0] == 521.6


def test_a_corrected_fund_shows_its_first_print_on_the_first_morning(life: Life) -> None:
    day = date(2026, 1, 23)
    early, later = build_in_the_morning(life, day, 5), build_in_the_morning(life, day, 11)
    assert prints(life, early, day, "HODL") == [(14.4, True)]
    assert net_flow(life, early, day)[0] == 198.7
    for schema in (later, "full"):
        assert prints(life, schema, day, "HODL") == [(5.4, True)]
        assert first_print(life, schema, day, "HODL") == 14.4
        assert net_flow(life, schema, day)[0] == 189.7


def test_the_sixth_of_february_is_not_known_at_its_own_cut_off(life: Life) -> None:
    fifth = date(2026, 2, 5)
    assert prints(life, f"as of {SIXTH}", SIXTH, "TOTAL") == []
    assert net_flow(life, f"as of {SIXTH}", SIXTH) == (None, -434.1, fifth)
    assert prints(life, "full", SIXTH, "TOTAL") == [(371.1, True)]
    assert net_flow(life, "full", SIXTH) == (371.1, -434.1, fifth)


def build_in_the_morning(life: Life, day: date, hour: int) -> str:
    """Build as of an hour (UTC) of the morning after a trading date; the name under which the marts are kept."""
    name = f"{day}, the morning after at {hour}"
    life.build(name, datetime.combine(day + timedelta(days=1), time(hour), UTC))
    return name


def prints(life: Life, schema: str, day: date, fund: str) -> list[tuple[float, bool]]:
    """The flow of a fund, nothing if it is not known: million USD, and whether the date is final."""
    with duckdb.connect(str(life.kept), read_only=True) as kept:
        return kept.execute(
            f'select flow_usd / 1e6, is_final from "{schema}".fct_etf_flow_daily where signal_date = ? and fund = ?',
            [day, fund],
        ).fetchall()


def first_print(life: Life, schema: str, day: date, fund: str) -> float:
    """What stood on the page for a fund first, million USD."""
    with duckdb.connect(str(life.kept), read_only=True) as kept:
        row = kept.execute(
            f'select first_print_usd / 1e6 from "{schema}".fct_etf_flow_daily where signal_date = ? and fund = ?',
            [day, fund],
        ).fetchone()
        assert row is not None
        return row[0]


def net_flow(life: Life, schema: str, day: date) -> tuple[float | None, float | None, date | None]:
    """The day's net flow: settled and as known, in million USD, and the date of the latter."""
    with duckdb.connect(str(life.kept), read_only=True) as kept:
        [row] = kept.execute(
            f"select round(value / 1e6, 1), round(value_as_known / 1e6, 1), observed_date "
            f'from "{schema}".fct_signal_daily where signal_date = ? and signal_id = ?',
            [day, "etf_net_flow_usd"],
        ).fetchall()
        return row
