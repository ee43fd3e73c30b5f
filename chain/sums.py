"""SQL that sums coins into cells, and cells of parts of the chain into one set. DuckDB and Spark read it."""

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb

# A sum that does not fit into 64 bits is an error of the engine, never a wrong number.
COINS = "cast(sum(satoshi) as bigint) as satoshi, count(*) as coins"
CELLS = "cast(sum(satoshi) as bigint) as satoshi, cast(sum(coins) as bigint) as coins"

# Measured with 100 million coins of 6 000 days: 64 to 256 days take the same, all days at once a third more and ten
# times the memory, 16 days twice as much.
SPAN_DAYS = 128


def by_spans(connection: duckdb.DuckDBPyConnection, rows: str, sums: str) -> Iterator[str]:
    """Queries that give the `spent` cells of `rows` (created_day, spent_day, …), some days of spending at a time.

    Each cell is in the answer of one of them. The chain is written in the order of spending: where `rows` are too, each
    query reads its own part of the file only, and its cells fit into the processor's cache.
    """
    [[first, last]] = connection.execute(f"select min(spent_day), max(spent_day) from {rows}").fetchall()
    first, last = first or date.min, last or date.min  # no rows: one query, which gives none
    while first <= last:
        after = first + timedelta(days=SPAN_DAYS)
        yield f"""
            select created_day, spent_day, {sums}
            from {rows}
            where spent_day >= date '{first}' and spent_day < date '{after}'
            group by created_day, spent_day
        """
        first = after
