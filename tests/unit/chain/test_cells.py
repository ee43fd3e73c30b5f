"""What counts as a coin, when, and how many satoshi."""

from datetime import date, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.cells import (
    CREATED,
    MAX_SATOSHI,
    SPENT,
    day_of,
    fold_created,
    fold_spent,
    is_unspendable,
    satoshi_of,
)
from chain.sums import CELLS, SPAN_DAYS, by_spans


@given(st.integers(0, MAX_SATOSHI))
def test_every_amount_survives_being_written_as_a_double(satoshi):
    written = f"{satoshi // 10**8}.{satoshi % 10**8:08d}"
    assert satoshi_of(float(written)) == satoshi


def test_outputs_that_nobody_can_spend_are_no_coins():
    assert is_unspendable("6a24aa21a9ed")  # OP_RETURN and a commitment
    assert is_unspendable("00" * 10_001)
    assert not is_unspendable("00" * 10_000)
    assert not is_unspendable("")  # an empty script can be spent by anybody
    assert not is_unspendable("a914ca35b1f4d02907314852f09935b9604507f8d70087")


def test_a_day_ends_at_midnight_in_utc():
    assert day_of(1_654_732_799) == date(2022, 6, 8)
    assert day_of(1_654_732_800) == date(2022, 6, 9)


def test_folding_adds_satoshi_and_coins_by_key():
    day, next_day = date(2022, 6, 8), date(2022, 6, 9)
    one = pl.DataFrame([(day, next_day, 5, 1), (day, day, 7, 2)], schema=SPENT, orient="row")
    other = pl.DataFrame([(day, next_day, 11, 3)], schema=SPENT, orient="row")
    assert fold_spent([one, other]).rows() == [(day, day, 7, 2), (day, next_day, 16, 4)]
    assert fold_spent([]).schema == pl.Schema(SPENT)
    created = pl.DataFrame([(next_day, 3, 1), (day, 4, 1), (next_day, 5, 1)], schema=CREATED, orient="row")
    assert fold_created([created]).rows() == [(day, 4, 1), (next_day, 8, 2)]


@given(
    st.lists(
        st.tuples(st.integers(0, 3 * SPAN_DAYS), st.integers(0, 3 * SPAN_DAYS), st.integers(0, MAX_SATOSHI)),
        max_size=40,
    )
)
def test_spans_of_days_give_each_cell_once(rows):
    first = date(2009, 1, 3)
    cells = pl.DataFrame(
        [(first + timedelta(days=made), first + timedelta(days=gone), satoshi, 1) for made, gone, satoshi in rows],
        schema=SPENT,
        orient="row",
    )
    with duckdb.connect() as connection:
        connection.register("cells", cells.to_arrow())
        parts = [connection.sql(query).pl() for query in by_spans(connection, "cells", CELLS)]
    assert pl.concat(parts).cast(SPENT).sort("created_day", "spent_day").equals(fold_spent([cells]))


def test_a_sum_beyond_64_bits_is_an_error_and_no_wrong_number():
    day = date(2009, 1, 3)
    cells = pl.DataFrame([(day, day, 2**62, 1)] * 2, schema=SPENT, orient="row")
    with duckdb.connect() as connection:
        connection.register("cells", cells.to_arrow())
        [query] = by_spans(connection, "cells", CELLS)
        with pytest.raises(duckdb.ConversionException):
            connection.execute(query).fetchall()
