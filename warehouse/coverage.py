"""What was asked for and did not come: the periods of each dataset that are missing, and what becomes of them.

A dataset whose observations come regularly (each hour, each day, each New York session, each settlement) has periods.
Those of the time that was asked for, and of the time that loads reached over, should be there, for each of its series
(symbol, tenor, fund) from its first one on. Runs of periods that are not there are gaps. All of it follows from the raw
tables and the attempts, so a rebuild finds the same gaps; what a person accepted is a decision in the landing zone.

A gap is asked for again, a few times and ever more rarely. Then it is permanent: the provider will never fill it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl

from sources.core.dataset import Access, Calendar, Dataset
from sources.core.spacing import series_columns
from warehouse.incoming import naive
from warehouse.tables import RAW, insert, quoted, raw_table

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
MANY_SERIES = 50  # beyond that (option instruments, price bands) a dataset is looked at as one series
# How long after the last time it was asked for a gap is asked for again, by how often that was.
PAUSES = (timedelta(0), timedelta(0), DAY, 3 * DAY, 7 * DAY)
OPEN, PERMANENT, ACCEPTED = "open", "permanent", "accepted"


@dataclass(frozen=True)
class Gap:
    """A run of missing periods of one series, from the first one's beginning to the last one's end, aware UTC.

    `series` is empty where the dataset has only one. `asked` counts how often all of it was asked for.
    """

    series: str
    start: datetime
    end: datetime
    periods: int
    asked: int
    last_asked: datetime | None
    state: str

    def is_due(self, now: datetime) -> bool:
        """Whether it should be asked for again."""
        if self.state != OPEN or self.asked >= len(PAUSES):
            return False
        return self.last_asked is None or now - self.last_asked >= PAUSES[self.asked]

    def __str__(self) -> str:
        of = f" of {self.series}" if self.series else ""
        last = self.end - timedelta(microseconds=1)
        state = "" if self.state == OPEN else f", {self.state}"
        until = "" if last.date() == self.start.date() else f" to {last:%Y-%m-%d}"
        return f"{self.start:%Y-%m-%d}{until}{of} missing, asked {self.asked} times{state}"


@dataclass(frozen=True)
class DatasetCoverage:
    """The periods of a dataset that were expected, and the gaps among them."""

    expected: int
    gaps: Sequence[Gap]

    @property
    def missing(self) -> int:
        """Periods that are not there."""
        return sum(gap.periods for gap in self.gaps)

    @property
    def open(self) -> Sequence[Gap]:
        """Gaps that may still be filled."""
        return [gap for gap in self.gaps if gap.state == OPEN]

    def __str__(self) -> str:
        if not self.gaps:
            return "complete"
        shown = "; ".join(str(gap) for gap in self.gaps[:5])
        return shown if len(self.gaps) <= 5 else f"{shown}; and {len(self.gaps) - 5} more"


COMPLETE = DatasetCoverage(0, ())


def coverage(connection: duckdb.DuckDBPyConnection, dataset: Dataset, now: datetime) -> DatasetCoverage:
    """The periods of a dataset that should be known at `now`, and those that are not there."""
    spacing = dataset.spacing
    if spacing is None:
        return COMPLETE
    series = _series(connection, dataset)
    label = " || ' ' || ".join(quoted(name) for name in series) if series else "''"
    step = spacing // MICROSECOND
    rows = connection.execute(
        f"""
        with
        expected as ({_expected(dataset, step)}),
        got as (
            select distinct
                {label} as series,
                time_bucket(to_microseconds({step}), {quoted(dataset.observed)}::timestamp) as bin
            from {raw_table(dataset)}
        ),
        starts as (select series, min(bin) as first from got group by series),
        due as (
            select
                starts.series,
                expected.bin,
                row_number() over (partition by starts.series order by expected.bin) as nth
            from starts join expected on expected.bin >= starts.first
        ),
        missing as (
            select *, nth - row_number() over (partition by series order by bin) as island
            from due anti join got using (series, bin)
        ),
        gaps as (
            select series, min(bin) as start, max(bin) + to_microseconds({step}) as until, count(*) as periods
            from missing group by series, island
        ),
        asked as (
            select
                gaps.series,
                gaps.start,
                count(attempt.asked_from) as asked,
                max(attempt.finished_at) filter (attempt.finished_at <= $now::timestamp) as last_asked
            from gaps left join {RAW}.attempt on attempt.dataset_id = $id
                and attempt.asked_from < gaps.start + to_microseconds({step})
                and attempt.asked_until > gaps.until - to_microseconds({step})
                and attempt.finished_at is not null
            group by gaps.series, gaps.start
        )
        select
            gaps.series, gaps.start, gaps.until, gaps.periods, asked.asked, asked.last_asked,
            exists (
                from {RAW}.accepted_gap as accepted
                where accepted.dataset_id = $id and accepted.gap_from <= gaps.start and accepted.gap_until >= gaps.until
            ),
            (select count(*) from due)
        from gaps join asked using (series, start)
        order by gaps.start, gaps.series
        """,
        {"id": dataset.id, "now": naive(now)},
    ).fetchall()
    gaps = tuple(_gap(dataset, *row[:-1]) for row in rows)
    return DatasetCoverage(rows[0][-1] if rows else 0, gaps)


def write_coverage(connection: duckdb.DuckDBPyConnection, dataset: Dataset, found: DatasetCoverage) -> None:
    """Put the gaps of a dataset into `raw.coverage`, in place of what stood there."""
    connection.execute(f"delete from {RAW}.coverage where dataset_id = ?", [dataset.id])
    rows = [
        {
            "dataset_id": dataset.id,
            "series": gap.series,
            "missing_from": naive(gap.start),
            "missing_until": naive(gap.end),
            "periods": gap.periods,
            "asked": gap.asked,
            "last_asked_at": naive(gap.last_asked) if gap.last_asked else None,
            "state": gap.state,
        }
        for gap in found.gaps
    ]
    if rows:
        insert(connection, f"{RAW}.coverage", pl.DataFrame(rows, schema_overrides={"last_asked_at": pl.Datetime("us")}))


def stored_gaps(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, Gap]]:
    """Dataset id and gap of everything in `raw.coverage`, in order."""
    rows = connection.execute(
        f"select dataset_id, series, missing_from, missing_until, periods, asked, last_asked_at, state "
        f"from {RAW}.coverage order by dataset_id, missing_from, series"
    ).fetchall()
    return [
        (dataset_id, Gap(series, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), periods, asked, last, state))
        for dataset_id, series, start, end, periods, asked, last, state in rows
    ]


def _series(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    names = series_columns(dataset)
    if not names:
        return []
    counted = ", ".join(quoted(name) for name in names)
    query = f"select count(*) from (select distinct {counted} from {raw_table(dataset)})"
    [[count]] = connection.execute(query).fetchall()
    return names if count <= MANY_SERIES else []


def _expected(dataset: Dataset, step: int) -> str:
    """SQL: the beginning of every period that should be known, in the time that was asked for or loaded."""
    late = (dataset.period + dataset.publication_lag + dataset.fresh_for) // MICROSECOND
    stretches = f"""
        select asked_from as first, least(asked_until, $now::timestamp) - to_microseconds({late}) as last
        from {RAW}.attempt where dataset_id = $id and asked_from is not null
        union all
        select first_observed, last_observed from {RAW}.load_ledger
        where dataset_id = $id and verdict = 'loaded' and first_observed is not null
    """
    if dataset.calendar is Calendar.US_TRADING:
        return f"""
            select distinct day::timestamp as bin from {RAW}.calendar_day as calendar
            join ({stretches}) as stretch on calendar.day >= stretch.first and calendar.day <= stretch.last
            where is_us_trading_day
        """
    return f"""
        select distinct unnest(generate_series(
            time_bucket(to_microseconds({step}), first + to_microseconds({step - 1})), last, to_microseconds({step})
        )) as bin
        from ({stretches}) where last >= first
    """


def _gap(
    dataset: Dataset,
    series: str,
    start: datetime,
    end: datetime,
    periods: int,
    asked: int,
    last_asked: datetime | None,
    is_accepted: bool,
) -> Gap:
    if is_accepted:
        state = ACCEPTED
    elif dataset.access is not Access.WINDOW or asked >= len(PAUSES):
        state = PERMANENT
    else:
        state = OPEN
    return Gap(
        series,
        start.replace(tzinfo=UTC),
        end.replace(tzinfo=UTC),
        periods,
        asked,
        last_asked.replace(tzinfo=UTC) if last_asked else None,
        state,
    )
