"""Logs: attempts and regimes, appended, landed, never rewritten."""

from datetime import timedelta

from tests.unit.warehouse.marts import REGIMES, build
from tests.unit.warehouse.world import BARS, DAY, NEW_YEAR, answer, bar, known, land_and_load, query
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.logs import Attempt, log_attempts, log_regimes


def log(home: Home, day: float, code: str = "abc") -> int:
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS])
        return log_regimes(warehouse, code_version=code, published_at=NEW_YEAR + day * DAY)


def test_each_regime_is_logged_once(home: Home) -> None:
    build(home, REGIMES)
    assert (log(home, 40), log(home, 41)) == (2, 0)
    assert query(
        home,
        "select signal_date::varchar, regime, h1, h2, published_at, code_version, explanation "
        "from raw.regime_log order by 1",
    ) == [
        ("2026-02-05", "broken", False, None, known(40), "abc", 'Fell; "below".'),
        ("2026-02-06", "testing", True, None, known(40), "abc", "Back above."),
    ]


def test_a_changed_regime_is_added_and_the_old_words_stay(home: Home) -> None:
    build(home, REGIMES)
    log(home, 40)
    build(home, "update marts.fct_regime_daily set regime = 'holding' where signal_date = date '2026-02-06'")
    assert log(home, 41, "def") == 1
    said = query(
        home, "select regime, code_version from raw.regime_log where signal_date = '2026-02-06' order by published_at"
    )
    assert said == [("testing", "abc"), ("holding", "def")]


def test_a_condition_that_becomes_known_is_a_new_entry_and_a_wording_is_not(home: Home) -> None:
    build(home, REGIMES)
    log(home, 40)
    build(home, "update marts.fct_regime_daily set explanation = 'Other words', btc_close_usd = 70500.01")
    assert log(home, 41) == 0
    build(home, "update marts.fct_regime_daily set h2 = true where signal_date = date '2026-02-05'")
    assert log(home, 42) == 1


def test_without_marts_there_is_nothing_to_log(home: Home) -> None:
    assert log(home, 40) == 0
    assert list(Landing(home).decisions()) == []


def test_attempts_are_kept(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    attempt = Attempt(
        "demo.bar", NEW_YEAR, NEW_YEAR + timedelta(seconds=2), "failed", "outage", "down; it's 503", 3, 99
    )
    with Warehouse(home) as warehouse:
        log_attempts(warehouse, [attempt])
        log_attempts(warehouse, [])
    assert query(home, "select dataset_id, started_at, failure, message, requests, bytes from raw.attempt") == [
        ("demo.bar", known(0), "outage", "down; it's 503", 3, 99)
    ]
