"""Batches that are readable and yet not believable: blocked until a person says yes."""

from dataclasses import replace

import pytest

from sources.core.dataset import Dataset
from tests.unit.warehouse.world import (
    BARS,
    COLUMNS,
    OTHER,
    answer,
    bar,
    known,
    land,
    land_and_load,
    load,
    query,
    versions,
)
from warehouse.database import Warehouse
from warehouse.errors import LoadError, LoadVerdict
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader, LoadResult

USUAL = [bar(day, 100.0 + day) for day in range(30)]


def accept(home: Home, load_id: str, *, dataset: Dataset = BARS) -> LoadResult:
    with Warehouse(home) as warehouse:
        return Loader(warehouse).accept(dataset, load_id, who="Ann", why="checked on the provider's page")


@pytest.mark.parametrize("factor", [1000.0, 0.001, 60.0])
def test_another_unit_is_blocked_whole_and_shown_in_quarantine(home: Home, factor: float) -> None:
    land_and_load(home, answer(USUAL, 31))
    before = versions(home)
    with pytest.raises(LoadError, match=r"blocked: close_usd of BTC is .* times its usual size") as caught:
        land_and_load(home, answer([bar(30, 115 * factor), bar(31, 115 * factor)], 33))
    assert caught.value.verdict is LoadVerdict.BLOCKED
    assert f"leadline accept {caught.value.load_id}" in str(caught.value)
    assert versions(home) == before
    rows = query(home, "select reason, text, fetched_at from raw.quarantine order by text")
    assert [reason.split(":")[0] for reason, _, _ in rows] == ["blocked"] * 2
    assert '"symbol":"BTC"' in rows[0][1]
    assert rows[0][2] == known(33)


def test_a_person_releases_what_was_blocked_and_it_is_written_down(home: Home) -> None:
    land_and_load(home, answer(USUAL, 31))
    with pytest.raises(LoadError) as caught:
        land_and_load(home, answer([bar(30, 1e6)], 31.1))
    result = accept(home, caught.value.load_id[:8])
    assert (result.load_id, result.rows_new) == (caught.value.load_id, 1)
    assert versions(home)[-1][2:5] == (1e6, True, known(31.1))
    assert query(home, "select count(*) from raw.quarantine") == [(0,)]
    assert query(home, "select accepted_by, accepted_why from raw.load_ledger where accepted_at is not null") == [
        ("Ann", "checked on the provider's page")
    ]
    decision = list(Landing(home).decisions())[-1]
    assert (decision.kind, decision.record["who"]) == ("accept", "Ann")


def test_an_accepted_scale_is_the_usual_one_from_then_on(home: Home) -> None:
    land_and_load(home, answer(USUAL, 31))
    with pytest.raises(LoadError) as caught:
        land_and_load(home, answer([bar(30, 1e6)], 31.1))
    accept(home, caught.value.load_id)
    assert land_and_load(home, answer([bar(31, 1.1e6)], 32.1)).rows_new == 1


def test_a_blocked_batch_stays_blocked_when_it_is_tried_again(home: Home) -> None:
    land_and_load(home, answer(USUAL, 31))
    files = land(home, answer([bar(30, 1e6)], 31.1))
    for _ in range(2):
        with pytest.raises(LoadError, match="blocked"):
            load(home, files)
    assert query(home, "select count(*) from raw.quarantine") == [(1,)]
    with Warehouse(home) as warehouse:
        loader = Loader(warehouse)
        assert [owner for owner, _, _ in loader.blocked()] == ["demo.bar"]
        assert loader.pending(BARS) == []


@pytest.mark.parametrize("load_id", ["", "feed", "'; drop table raw.load_ledger; --"])
def test_only_a_blocked_load_can_be_accepted(home: Home, load_id: str) -> None:
    land_and_load(home, answer(USUAL, 31))
    with pytest.raises(LoadError, match=r"0 blocked loads are called.*Waiting for a word: none"):
        accept(home, load_id)


def test_a_load_is_accepted_for_its_own_dataset_only(home: Home) -> None:
    land_and_load(home, answer(USUAL, 31))
    with pytest.raises(LoadError) as caught:
        land_and_load(home, answer([bar(30, 1e6)], 31.1))
    with pytest.raises(LoadError, match=r"demo\.other_bar"):
        accept(home, caught.value.load_id, dataset=OTHER)


def test_stored_history_that_changes_its_unit_is_blocked(home: Home) -> None:
    """A page that always gives the whole history has nothing before it to compare with but itself."""
    land_and_load(home, answer(USUAL, 31))
    in_thousands = [[symbol, time, close / 1000, busy] for symbol, time, close, busy in USUAL]  # type: ignore[operator]
    with pytest.raises(LoadError, match=r"close_usd of periods already stored is 0.001 times what it was"):
        land_and_load(home, answer(in_thousands, 32))


def test_one_corrected_value_is_a_revision_and_no_other_unit(home: Home) -> None:
    land_and_load(home, answer(USUAL, 31))
    assert land_and_load(home, answer([*USUAL[:5], bar(5, 1e6), *USUAL[6:]], 32)).rows_revised == 1


def test_a_crash_is_no_other_unit(home: Home) -> None:
    land_and_load(home, answer(USUAL, 31))
    assert land_and_load(home, answer([bar(30, 5.0), bar(31, 3.0)], 33)).rows_new == 2


def test_a_burst_of_a_size_seen_before_is_not_blocked(home: Home) -> None:
    quiet = [bar(day, 1000.0 if day in (4, 14) else 1.0) for day in range(30)]
    land_and_load(home, answer(quiet, 31))
    assert land_and_load(home, answer([bar(30, 900.0)], 31.1)).rows_new == 1


@pytest.mark.parametrize("outlier", [0.0, 1e-6, 1e6, None], ids=["zero", "dip", "spike", "missing"])
def test_one_outlier_of_the_past_opens_no_gate(home: Home, outlier: float | None) -> None:
    days = [bar(day, outlier if day == 20 else 1.0) for day in range(30) if day != 20 or outlier is not None]
    land_and_load(home, answer(days, 31))
    with pytest.raises(LoadError, match="times its usual size"):
        land_and_load(home, answer([bar(30, 1e5)], 31.1))


def test_a_short_history_can_call_nothing_unusual(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in range(5)], 6))
    assert land_and_load(home, answer([bar(5, 1e5)], 6.1)).rows_new == 1


def test_a_column_that_turns_to_zero_is_blocked(home: Home) -> None:
    land_and_load(home, answer([bar(day, 1.0) for day in range(30)], 31))
    with pytest.raises(LoadError, match="has turned to zero"):
        land_and_load(home, answer([bar(day, 0.0) for day in (30, 31, 32)], 33.1))


def test_a_record_is_no_other_unit(home: Home) -> None:
    land_and_load(home, answer([bar(day, 20.0 if day in (4, 14) else 1.0) for day in range(30)], 31))
    assert land_and_load(home, answer([bar(30, 200.0)], 31.1)).rows_new == 1


def test_what_may_be_negative_may_come_close_to_zero(home: Home) -> None:
    columns = {**COLUMNS, "close_usd": replace(COLUMNS["close_usd"], minimum=None)}
    flows = replace(BARS, columns=columns)
    load(home, land(home, answer(USUAL, 31)), dataset=flows)
    assert load(home, land(home, answer([bar(30, -0.01)], 31.1)), dataset=flows).rows_new == 1
    with pytest.raises(LoadError, match="blocked"):
        load(home, land(home, answer([bar(31, -100_000.0)], 32.1)), dataset=flows)


def test_zeros_and_missing_values_have_no_scale(home: Home) -> None:
    land_and_load(home, answer([bar(day, 0.0) for day in range(30)], 31))
    assert land_and_load(home, answer([bar(30, 5.0), bar(31, None)], 33)).rows_new == 2


def test_a_short_history_is_no_measure(home: Home) -> None:
    land_and_load(home, answer(USUAL[:5], 31))
    assert land_and_load(home, answer([bar(5, 1e6)], 32)).rows_new == 1


def test_old_history_is_not_measured_by_what_came_after_it(home: Home) -> None:
    land_and_load(home, answer([bar(day + 1000, 70_000.0) for day in range(30)], 1031))
    assert land_and_load(home, answer([bar(day, 7.0) for day in range(30)], 1032)).rows_new == 30


def test_each_series_has_its_own_scale(home: Home) -> None:
    both = [bar(day, size, symbol=name) for day in range(30) for name, size in (("BTC", 70_000.0), ("VIX", 20.0))]
    land_and_load(home, answer(both, 31))
    assert land_and_load(home, answer([bar(30, 21.0, symbol="VIX")], 31.1)).rows_new == 1
    with pytest.raises(LoadError, match="close_usd of VIX is"):
        land_and_load(home, answer([bar(31, 21_000.0, symbol="VIX"), bar(31, 70_000.0)], 32.1))


def test_very_many_series_are_judged_as_one(home: Home) -> None:
    def chain(day: int, size: float) -> list[list[object]]:
        return [bar(day, size * (1 + n), symbol=f"OPTION-{n}") for n in range(60)]

    land_and_load(home, answer([row for day in range(12) for row in chain(day, 1.0)], 13))
    fading = [bar(12, 0.001 if n == 0 else 1.0 + n, symbol=f"OPTION-{n}") for n in range(60)]
    assert land_and_load(home, answer(fading, 13.1)).rows_new == 60
    with pytest.raises(LoadError, match="close_usd is 1000 times its usual size"):
        land_and_load(home, answer(chain(13, 1000.0), 14.1))


@pytest.mark.parametrize("count", [2, 500])
def test_far_fewer_or_more_rows_than_usual_are_blocked(home: Home, count: int) -> None:
    def chain(day: int, rows: int) -> list[list[object]]:
        return [bar(day, 5.0, symbol=f"OPTION-{n}") for n in range(rows)]

    land_and_load(home, answer([row for day in range(12) for row in chain(day, 40)], 13))
    with pytest.raises(LoadError, match=rf"{count} rows a period, where 40 are usual"):
        land_and_load(home, answer(chain(12, count), 13.1))
    assert land_and_load(home, answer(chain(12, 30), 13.2)).rows_new == 30


def test_a_few_rows_of_a_known_period_are_not_few_rows_a_period(home: Home) -> None:
    names = [f"OPTION-{n}" for n in range(40)]
    land_and_load(home, answer([bar(day, 5.0, symbol=name) for day in range(12) for name in names], 13))
    assert land_and_load(home, answer([bar(11, 5.0, symbol="OPTION-NEW")], 13.1)).rows_new == 1


def test_a_table_without_numbers_has_no_scale(home: Home) -> None:
    flags = replace(BARS, key=("symbol", "open_time", "close_usd"))
    load(home, land(home, answer(USUAL, 31)), dataset=flags)
    assert load(home, land(home, answer([bar(30, 1e9)], 32)), dataset=flags).rows_new == 1
