"""Checks of a batch against stored rows: a changed scale or number of rows blocks it until a person has looked.

A provider that switches from dollars to thousands of dollars, from contracts to coins or from percent to fractions
sends perfectly valid rows. Nothing is corrected here: a batch is judged, and a person decides.

- Scale. Each numeric column, as absolute values. Periods that are stored already are compared value by value; new
  periods by the median against the median of the 90 stored periods before them. A factor beyond 50 blocks, if it is
  also far from nearly all values of those periods (zeros aside): a burst or a countdown is no other unit. What may be
  negative (rates, flows) passes through zero, so there only the large side counts. Each series (symbol, tenor, fund) is
  judged by itself, but where there are very many (option instruments) they are judged as one.
- Zero. A column that is hardly ever zero and now is in all new periods blocks.
- Rows. The rows a period, of new periods, against the same 90: under a tenth or over ten times as many blocks.

A batch that a person has accepted starts the comparison anew: only periods from its first one on count as usual.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl

from sources.core.dataset import Dataset
from warehouse.incoming import INCOMING
from warehouse.tables import RAW, quoted, quoted_list, raw_table

SCALE_FACTOR = 50.0
BEYOND_EXTREMES = 25.0  # far below any unit change, far above a record day
ROWS_FACTOR = 10.0
USUAL_PERIODS = 90  # a quarter of daily data: long enough for a median, short enough to follow a market
FEWEST_PERIODS = 10  # with less history nothing can be called unusual
LOW, HIGH = 0.05, 0.95  # of the sizes of the usual periods
RARE = 0.05  # a share of zeros below which a column is not known for them
FEWEST_PAIRS = 3  # a single revised value is a revision and no change of unit
FEWEST_ROWS = 20  # rows a period, from which a tenth is a meaningful number
MANY_SERIES = 50


def objections(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    """Why INCOMING should not be believed, compared with the raw table; empty when it looks as usual."""
    if connection.execute(f"select 1 from {raw_table(dataset)} limit 1").fetchone() is None:
        return []
    _compare(connection, dataset)
    checks = (_changed_values, _changed_scale, _changed_count)
    found = [objection for check in checks for objection in check(connection, dataset)]
    connection.execute("drop table _new_periods; drop table _usual")
    return found


def _compare(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Make two tables to compare: the first new periods of INCOMING, and the stored periods right before them."""
    table, key, observed = raw_table(dataset), quoted_list(dataset.key), quoted(dataset.observed)
    connection.execute(
        f"""
        create or replace temp table _new_periods as
        from {INCOMING} anti join {table} using ({key})
        qualify dense_rank() over (order by {observed}) <= {USUAL_PERIODS}
        """
    )
    connection.execute(
        f"""
        create or replace temp table _usual as
        from {table}
        where {observed} in (
            select distinct {observed} from {table}
            where {observed} < (select min({observed}) from _new_periods)
                and ($since is null or {observed}::timestamp >= $since::timestamp)
            order by {observed} desc
            limit {USUAL_PERIODS}
        )
        """,
        {"since": _accepted_since(connection, dataset)},
    )


def _changed_values(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    """Rows that are stored already, under the same key: the factor between the two readings should be one."""
    numbers = _numbers(dataset)
    if not numbers:
        return []
    ratios = ", ".join(
        f"median(abs(now.{name} / usual.{name})) filter ({pair}) as {name}, count(*) filter ({pair}) as {count}"
        for name, pair, count in (
            (quoted(name), f"now.{quoted(name)} != 0 and usual.{quoted(name)} != 0", quoted(f"_n_{name}"))
            for name in numbers
        )
    )
    same_key = " and ".join(f"now.{quoted(name)} = usual.{quoted(name)}" for name in dataset.key)
    row = _first(
        connection.execute(
            f"""
            select {ratios} from {INCOMING} now join (
                from {raw_table(dataset)} semi join {INCOMING} using ({quoted_list(dataset.key)})
                qualify row_number() over (partition by {quoted_list(dataset.key)} order by known_at desc) = 1
            ) usual on {same_key}
            """
        ).pl()
    )
    return [
        f"{name} of periods already stored is {row[name]:.4g} times what it was"
        for name in numbers
        if (row[f"_n_{name}"] or 0) >= FEWEST_PAIRS and _is_beyond(row[name], SCALE_FACTOR)
    ]


def _changed_scale(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    numbers = _numbers(dataset)
    if not numbers:
        return []
    series = [name for name in dataset.key if name != dataset.observed and dataset.columns[name].dtype == pl.String]
    new = _scales(connection, dataset, "_new_periods", series)
    if new.height > MANY_SERIES:
        series = []
        new = _scales(connection, dataset, "_new_periods", series)
    usual = _scales(connection, dataset, "_usual", series)
    both = new.join(usual, on=series, suffix="_usual") if series else new.join(usual, how="cross", suffix="_usual")
    found = []
    for row in both.iter_rows(named=True):
        if row["_periods_usual"] < FEWEST_PERIODS:
            continue
        label = "".join(f" of {row[name]}" for name in series)
        for name in numbers:
            now, then = row[name], row[f"{name}_usual"]
            if (
                row[f"_zero_{name}"] == 1
                and row["_periods"] >= FEWEST_PAIRS
                and (row[f"_zero_{name}_usual"] or 0) < RARE
            ):
                found.append(f"{name}{label} has turned to zero")
                continue
            if not now or not then or not _is_beyond(now / then, SCALE_FACTOR):
                continue
            if _is_far(dataset, name, now, row[f"_low_{name}_usual"], row[f"_high_{name}_usual"]):
                found.append(f"{name}{label} is {now / then:.4g} times its usual size ({now:.6g} against {then:.6g})")
    return found


def _scales(connection: duckdb.DuckDBPyConnection, dataset: Dataset, table: str, series: list[str]) -> pl.DataFrame:
    measures = ", ".join(
        f"median({size}) as {quoted(name)}, quantile_cont({size}, {LOW}) as {quoted('_low_' + name)}, "
        f"quantile_cont({size}, {HIGH}) as {quoted('_high_' + name)}, "
        f"avg(({quoted(name)} = 0)::integer) as {quoted('_zero_' + name)}"
        for name in _numbers(dataset)
        # Quantiles, so that one past outlier (a zero or a spike) does not let every batch pass.
        for size in (f"nullif(abs({quoted(name)}), 0)",)
    )
    by = f"{quoted_list(series)}, " if series else ""
    group = f"group by {quoted_list(series)} order by all" if series else ""
    observed = quoted(dataset.observed)
    return connection.execute(
        f"select {by}count(distinct {observed}) as _periods, {measures} from {table} {group}"
    ).pl()


def _changed_count(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    key, observed = quoted_list(dataset.key), quoted(dataset.observed)
    row = _first(
        connection.execute(
            f"""
            with
            now as (
                select count(*) as rows from (
                    select distinct {key}, {observed} from {INCOMING}
                    where {observed} in (select {observed} from _new_periods)
                        and {observed} not in (select {observed} from {raw_table(dataset)})
                ) group by {observed}
            ),
            usual as (select count(*) as rows from (select distinct {key}, {observed} from _usual) group by {observed})
            select (select median(rows) from now) as now, (select median(rows) from usual) as usual,
                (select count(*) from usual) as periods
            """
        ).pl()
    )
    now, usual, periods = row["now"], row["usual"], row["periods"] or 0
    if not now or not usual or periods < FEWEST_PERIODS or usual < FEWEST_ROWS:
        return []
    if not _is_beyond(now / usual, ROWS_FACTOR):
        return []
    return [f"{now:.0f} rows a period, where {usual:.0f} are usual"]


def _accepted_since(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> datetime | None:
    """First period of the last accepted batch that lies before this one: from there on, its scale is the usual one."""
    row = connection.execute(
        f"select max(first_observed) from {RAW}.load_ledger where dataset_id = $id and accepted_at is not null "
        f"and first_observed < (select min({quoted(dataset.observed)}) from _new_periods)",
        {"id": dataset.id},
    ).fetchone()
    return row[0] if row else None


def _numbers(dataset: Dataset) -> list[str]:
    return [
        name
        for name, column in dataset.columns.items()
        if name not in dataset.key and column.dtype in (pl.Float64, pl.Int64, pl.Int32)
    ]


def _is_beyond(ratio: float | None, factor: float) -> bool:
    return ratio is not None and (ratio > factor or ratio < 1 / factor)


def _is_far(dataset: Dataset, name: str, now: float, low: float, high: float) -> bool:
    minimum = dataset.columns[name].minimum
    is_never_negative = minimum is not None and minimum >= 0
    return now > high * BEYOND_EXTREMES or (is_never_negative and now < low / BEYOND_EXTREMES)


def _first(frame: pl.DataFrame) -> Mapping[str, float | None]:
    return frame.row(0, named=True)
