"""Loading: exactly once, versions instead of overwriting, nothing believed that is not plausible as a batch."""

from dataclasses import replace
from datetime import timedelta

import duckdb
import polars as pl
import pytest

from sources.core.dataset import Column
from sources.core.errors import Failure, SourceError
from sources.core.payload import Parsed
from tests.unit.warehouse.world import (
    BARS,
    COLUMNS,
    DAY,
    NEW_YEAR,
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
from warehouse import incoming, loader
from warehouse.database import Warehouse
from warehouse.errors import HomeError, LoadError, LoadVerdict
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader


def test_a_second_load_changes_nothing_and_says_so(home: Home) -> None:
    files = land(home, answer([bar(0), bar(1)], 3))
    first = load(home, files)
    before = versions(home)
    second = load(home, files)
    assert (first.rows_read, first.rows_new, first.repeated) == (2, 2, False)
    assert (second.load_id, second.rows_new, second.repeated) == (first.load_id, 0, True)
    assert versions(home) == before
    assert query(home, "select count(*) from raw.load_ledger") == [(1,)]


def test_a_load_says_what_it_did(home: Home) -> None:
    land_and_load(home, answer([bar(0), bar(1)], 3))
    result = land_and_load(home, answer([bar(0), bar(1, 150.0), bar(2), bar(3, "n/a")], 5))
    assert (result.rows_read, result.rows_new, result.rows_revised) == (4, 1, 1)
    assert (result.rows_unchanged, result.rejects) == (1, 1)
    assert (result.first_observed, result.last_observed) == (NEW_YEAR, NEW_YEAR + 2 * DAY)


def test_a_corrected_row_is_a_new_version_and_the_old_one_stays(home: Home) -> None:
    land_and_load(home, answer([bar(0, 100.0)], 1.1))
    land_and_load(home, answer([bar(0, 101.0)], 2))
    assert versions(home) == [
        ("BTC", known(0), 100.0, True, known(1.1), "observed"),
        ("BTC", known(0), 101.0, True, known(2), "observed"),
    ]


def test_a_value_that_becomes_missing_is_a_version_too(home: Home) -> None:
    result = land_and_load(home, answer([bar(0)], 1), answer([bar(0, None)], 2), answer([bar(0, None)], 3))
    assert (result.rows_new, result.rows_revised) == (1, 1)
    assert [row[2] for row in versions(home)] == [100.0, None]


def test_history_fetched_late_is_known_after_the_declared_lag(home: Home) -> None:
    land_and_load(home, answer([bar(0), bar(9)], 10.25))
    # Day 0 ends at day 1, and is expected six hours later; day 9 was fetched at the very moment.
    assert [(row[1], row[4], row[5]) for row in versions(home)] == [
        (known(0), known(1.25), "assumed"),
        (known(9), known(10.25), "observed"),
    ]


def test_a_reading_fetched_before_its_lag_is_known_when_fetched(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1.1))
    assert [(row[4], row[5]) for row in versions(home)] == [(known(1.1), "observed")]


def test_one_load_may_bring_many_versions_of_a_key(home: Home) -> None:
    pages = [answer([bar(0, close)], 2 + n) for n, close in enumerate([1.0, 2.0, 1.0, 1.5])]
    result = land_and_load(home, *pages)
    assert (result.rows_new, result.rows_revised) == (1, 3)
    assert [row[2] for row in versions(home)] == [1.0, 2.0, 1.0, 1.5]


def test_pages_of_one_instant_count_in_order_of_arrival(home: Home) -> None:
    land_and_load(home, answer([bar(0, 1.0)], 2, params={"page": "1"}), answer([bar(0, 2.0)], 2, params={"page": "2"}))
    assert [(row[2], row[4]) for row in versions(home)] == [(2.0, known(1.25))]


def test_a_repeated_row_is_dropped(home: Home) -> None:
    result = land_and_load(home, answer([bar(0), bar(0), bar(1)], 3))
    assert (result.rows_read, result.rows_new, result.rows_unchanged, result.rejects) == (3, 2, 1, 0)


def test_two_values_for_a_key_in_one_answer_are_both_quarantined(home: Home) -> None:
    records = [bar(day) for day in range(300)]
    result = land_and_load(home, answer([*records, bar(7, 1.0)], 400))
    assert (result.rejects, result.rows_new) == (2, 299)
    reasons = query(home, "select reason, text from raw.quarantine order by text")
    assert [reason for reason, _ in reasons] == ["same key, different values"] * 2
    assert '"close_usd":1.0' in reasons[0][1]
    assert query(home, f"select * from raw.demo__bar where open_time = timestamp '{known(7)}'") == []


def test_not_a_number_and_rows_without_a_key_are_never_stored(home: Home) -> None:
    odd = [bar(1, float("nan")), bar(2, float("inf")), ["BTC", None, 1.0, True], bar(3, symbol=None)]
    result = load(home, land(home, answer([bar(0), *odd], 9)), reject_limit=0.9)
    assert (result.rows_new, result.rejects) == (1, 4)
    counts = query(home, "select reason, count(*) from raw.quarantine group by 1 order by 1")
    assert counts == [("no key or no time", 2), ("not a finite number", 2)]


def test_a_few_rejects_do_not_cost_the_rest(home: Home) -> None:
    result = land_and_load(home, answer([bar(0), bar(1, "x"), bar(2, "y")], 4))
    assert (result.rows_new, result.rejects) == (1, 2)


def test_too_many_rejects_refuse_the_load_and_stay_readable(home: Home) -> None:
    land_and_load(home, answer([bar(0)], 1))
    before = versions(home)
    records = [bar(day) for day in range(100)] + [bar(100 + n, "n/a") for n in range(3)]
    with pytest.raises(LoadError, match=r"demo.bar: 3 of 103 rows.*not a number.*raw.quarantine") as caught:
        land_and_load(home, answer(records, 200))
    assert caught.value.verdict is LoadVerdict.REFUSED
    assert versions(home) == before
    assert query(home, "select verdict, rows_new from raw.load_ledger where rejects = 3") == [("refused", None)]
    assert query(home, "select dataset_id, reason, text from raw.quarantine limit 1") == [
        ("demo.bar", "not a number", '["BTC", "2026-04-11T00:00:00+00:00", "n/a", true]')
    ]


def test_a_batch_of_nothing_but_rejects_is_refused_however_small(home: Home) -> None:
    with pytest.raises(LoadError, match="1 of 1 rows"):
        load(home, land(home, answer([bar(0, "n/a")], 1)), reject_limit=1.0)


def test_a_refused_batch_does_not_hold_back_its_good_files(home: Home) -> None:
    good, bad = answer([bar(0)], 1), answer([bar(n, "x") for n in range(9)], 2)
    with pytest.raises(LoadError):
        land_and_load(home, good, bad)
    with Warehouse(home) as warehouse:
        own_loader = Loader(warehouse)
        pending = own_loader.pending(BARS)
        assert [file.fetched_at for file in pending] == [good.fetched_at]
        assert own_loader.load(BARS, pending).rows_new == 1
        assert own_loader.pending(BARS) == []


def test_an_unreadable_answer_is_refused_and_loaded_once_it_can_be_read(home: Home) -> None:
    files = land(home, answer(b"<html>maintenance</html>", 1))
    for _ in range(2):
        with pytest.raises(SourceError, match=r"demo\.bar: changed_layout"):
            load(home, files)
    assert query(home, "select verdict from raw.load_ledger") == [("refused",)]
    assert len(list((home.landing / "decisions").iterdir())) == 1  # said once, not at each try
    repaired = replace(BARS, read=lambda payload: Parsed(pl.DataFrame(schema=BARS.schema).clear()), may_be_empty=True)
    assert load(home, files, dataset=repaired).repeated is False
    assert query(home, "select verdict from raw.load_ledger") == [("loaded",)]
    assert query(home, "select count(*) from raw.quarantine") == [(0,)]


def test_a_reader_that_gives_other_columns_than_declared_is_caught(home: Home) -> None:
    loose = replace(BARS, read=lambda payload: Parsed(pl.DataFrame({"symbol": ["BTC"]})))
    with pytest.raises(SourceError, match="changed_layout"):
        load(home, land(home, answer([bar(0)], 1)), dataset=loose)


def test_an_answer_without_rows_is_refused_unless_declared_legal(home: Home) -> None:
    files = land(home, answer([], 1))
    with pytest.raises(SourceError) as caught:
        load(home, files)
    assert caught.value.failure is Failure.NO_DATA
    assert load(home, files, dataset=replace(BARS, may_be_empty=True)).rows_new == 0


def test_what_the_provider_calls_an_error_is_never_pending(home: Home) -> None:
    land(home, answer(b'{"error": 1}', 1), answer(b"down", 2, status=503), answer([bar(0)], 3))
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS])
        assert [file.fetched_at for file in Loader(warehouse).pending(BARS)] == [NEW_YEAR + 3 * DAY]


def test_what_is_loaded_already_is_passed_over(home: Home) -> None:
    one, two = land(home, answer([bar(0)], 1), answer([bar(1)], 2))
    load(home, [one])
    result = load(home, [one, two])
    assert (result.rows_read, result.rows_new, result.repeated) == (1, 1, False)


def test_hostile_text_is_only_text(home: Home) -> None:
    names = ["'; DROP TABLE raw.demo__bar; --", '"; select 1', "=1+1", "<script>", "\u202egnp.exe", "x" * 3000]
    land_and_load(home, answer([bar(0, symbol=name) for name in names], 2))
    assert sorted(row[0] for row in versions(home)) == sorted(names)


def test_text_with_a_null_byte_can_be_quarantined(home: Home) -> None:
    records = [bar(day) for day in range(10)] + [bar(20, "n\0/a")]
    assert land_and_load(home, answer(records, 30)).rejects == 1


def test_the_watermark_moves_with_the_data_and_never_back(home: Home) -> None:
    land_and_load(home, answer([bar(5)], 7))
    land_and_load(home, answer([bar(2)], 6))
    assert query(home, "select dataset_id, observed_until, fetched_until from raw.watermark") == [
        ("demo.bar", known(5), known(7))
    ]


def test_datasets_do_not_touch_each_other(home: Home) -> None:
    land_and_load(home, answer([bar(0, 1.0)], 2))
    land_and_load(home, answer([bar(0, 2.0)], 2), dataset=OTHER)
    assert [row[2] for row in versions(home)] == [1.0]
    assert query(home, "select close_usd from raw.demo__other_bar") == [(2.0,)]


def test_a_table_whose_columns_are_all_key_never_revises(home: Home) -> None:
    ticks = replace(BARS, key=tuple(COLUMNS))
    result = load(home, land(home, answer([bar(0)], 2), answer([bar(0), bar(1)], 3)), dataset=ticks)
    assert (result.rows_new, result.rows_revised) == (2, 0)


def test_a_dataset_of_dates_is_loaded_like_one_of_instants(home: Home) -> None:
    columns = {"trade_date": Column(pl.Date, "", "Day"), "flow_usd": Column(pl.Float64, "USD", "Flow")}
    frame = pl.DataFrame({"trade_date": [NEW_YEAR.date()], "flow_usd": [-5.0]})
    flows = replace(
        BARS,
        name="flow",
        columns=columns,
        key=("trade_date",),
        observed="trade_date",
        publication_lag=timedelta(hours=12),
        read=lambda payload: Parsed(frame),
    )
    files = land(home, answer([1], 9), dataset=flows)
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([flows])
        result = Loader(warehouse).load(flows, files)
        rows = warehouse.connection.execute("select known_at, known_at_basis from raw.demo__flow").fetchall()
    assert result.first_observed == NEW_YEAR
    assert rows == [(known(1.5), "assumed")]


def test_nothing_is_loaded_when_the_disk_may_not_hold_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    files = land(home, answer([bar(0)], 1))
    monkeypatch.setattr(loader, "LEAST_FREE_BYTES", 10**18)
    with pytest.raises(HomeError, match="MB free"):
        load(home, files)
    assert versions(home) == []


def test_files_are_read_in_parts_that_fit_into_memory(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "CHUNK_ROWS", 3)
    pages = [answer([bar(page), bar(page + 1), bar(page + 1)], 20 + page) for page in range(8)]
    result = land_and_load(home, *pages, answer([bar(0, "n/a"), bar(0, float("nan"))], 40))
    assert (result.rows_read, result.rows_new, result.rejects) == (26, 9, 2)


def test_a_load_that_fails_midway_leaves_nothing(home: Home) -> None:
    files = land(home, answer([bar(0)], 1))
    with Warehouse(home) as warehouse:
        warehouse.ensure_tables([BARS])
        warehouse.connection.execute("drop table raw.watermark")
        with pytest.raises(duckdb.Error):
            Loader(warehouse).load(BARS, files)
        rows = warehouse.connection.execute("select * from raw.demo__bar union all by name from raw.load_ledger")
        assert rows.fetchall() == []
    assert not Landing(home).has_loads
