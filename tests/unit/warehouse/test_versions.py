"""The raw table is a function of the landed answers alone, whatever way and order they are loaded in."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sources.core.payload import Payload
from tests.unit.warehouse.world import BARS, answer, bar, known, land, land_and_load, load, versions
from warehouse.database import Warehouse
from warehouse.home import Home
from warehouse.landing import Landing
from warehouse.loader import Loader

Table = list[tuple[object, ...]]

# A few keys and values, so that keys meet again, values return, and fetch times fall before and after the lag.
PAGE = st.lists(
    st.builds(
        bar,
        st.integers(0, 2),
        st.sampled_from([1.0, 2.0, 2.5, None]),
        symbol=st.sampled_from(["BTC", "ETH"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda record: (record[0], record[1]),
)
PAGES = st.lists(
    st.tuples(PAGE, st.sampled_from([0.5, 1.0, 1.25, 2.0, 2.25, 3.0, 3.25, 4.0, 9.0])), min_size=1, max_size=6
)


def expected(answers: Sequence[Payload]) -> Table:
    """The rule of `warehouse.versions`, read out aloud in plain Python."""
    readings: dict[tuple[object, ...], dict[object, tuple[object, ...]]] = {}
    for payload in answers:
        rows = BARS.read(payload).rows
        for row in rows.iter_rows():
            readings.setdefault(row[:2], {})[payload.fetched_at.replace(tzinfo=None)] = row
    table: Table = []
    for key, history in readings.items():
        before = None
        for fetched_at in sorted(history):  # type: ignore[type-var]  # naive datetimes all
            row = history[fetched_at]
            due = key[1] + BARS.period + BARS.publication_lag  # type: ignore[operator]  # a datetime
            if before is None:
                table.append((*row, min(fetched_at, due), "observed" if fetched_at <= due else "assumed"))
            elif row != before:
                table.append((*row, fetched_at, "observed"))
            before = row
    return sorted(table, key=lambda row: (row[:2], row[4]))


def loaded(answers: Sequence[Payload], order: Sequence[int], cuts: Sequence[int]) -> Table:
    """Land the answers as they came, then load them in another order and in several loads."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        landing = Landing(home)
        files = [landing.store(BARS.id, payload) for payload in answers]
        with Warehouse(home) as warehouse:
            warehouse.ensure_tables([BARS])
            loader = Loader(warehouse)
            turns = [file for n in order if (file := files[n])]
            for start, end in zip([0, *cuts], [*cuts, len(turns)], strict=True):
                if turns[start:end]:
                    loader.load(BARS, turns[start:end])
            rows = warehouse.connection.execute("select * exclude (load_id) from raw.demo__bar").fetchall()
        return sorted(rows, key=lambda row: (row[:2], row[4]))


@settings(max_examples=60)
@given(st.data(), PAGES)
def test_any_order_and_any_split_of_loads_gives_the_same_versions(
    data: st.DataObject, pages: list[tuple[list[list[object]], float]]
) -> None:
    answers = [answer(records, day, params={"page": str(n)}) for n, (records, day) in enumerate(pages)]
    order = data.draw(st.permutations(range(len(answers))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answers)), max_size=3)))
    assert loaded(answers, order, cuts) == expected(answers)


@settings(max_examples=20)
@given(st.data(), PAGE)
def test_the_order_of_rows_in_an_answer_does_not_matter(data: st.DataObject, page: list[list[object]]) -> None:
    shuffled = data.draw(st.permutations(page))
    assert loaded([answer(shuffled, 3)], [0], []) == loaded([answer(page, 3)], [0], [])


def test_an_older_answer_that_says_nothing_new_is_slotted_in_as_it_is(home: Home) -> None:
    land_and_load(home, answer([bar(0), bar(1)], 5))
    before = versions(home)
    result = land_and_load(home, answer([bar(0)], 3))
    assert (result.replayed, result.rows_unchanged) == (False, 1)
    assert versions(home) == before


def test_an_older_answer_that_differs_comes_before_the_newer_one(home: Home) -> None:
    land_and_load(home, answer([bar(0, 2.0)], 5))
    land_and_load(home, answer([bar(0, 2.0)], 6, params={"again": "1"}))
    result = land_and_load(home, answer([bar(0, 1.0)], 3))
    assert result.replayed
    assert [(row[2], row[4], row[5]) for row in versions(home)] == [
        (1.0, known(1.25), "assumed"),
        (2.0, known(5), "observed"),
    ]


def test_rows_keep_the_load_that_brought_them_when_a_table_is_derived_again(home: Home) -> None:
    newer, older = land(home, answer([bar(0, 2.0), bar(1)], 5), answer([bar(0, 1.0)], 3))
    first, second = load(home, [newer]), load(home, [older])
    assert (second.rows_new, second.rows_revised) == (1, 0)
    with Warehouse(home) as warehouse:
        owners = warehouse.connection.execute("select close_usd, load_id from raw.demo__bar order by 1").fetchall()
    assert owners == [(1.0, second.load_id), (2.0, first.load_id), (100.0, first.load_id)]
