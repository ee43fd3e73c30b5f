"""The views of the schema `staging`, made from the declarations: what dbt's models read of the data.

A view shows every version of every row of one table, with the declared columns under their declared names, the venue
and the market that the dataset belongs to, and the range of signal dates that see the version. Nothing is renamed and
nothing is computed here: that is the work of the intermediate models.

A signal date D is read at its cut-off, 01:00 UTC of the next day. A version that became known at `known_at` is seen by
every date whose cut-off is at or after that instant, until the next version of its key is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sources.core.dataset import Dataset
from warehouse.incoming import naive
from warehouse.tables import RAW, VERSION_COLUMNS, declared_columns, quoted, quoted_list, text

SCHEMA = "staging"
CUT_OFF = timedelta(hours=25)  # of a date, after the date begins

OWN_COLUMNS: Mapping[str, tuple[str, str]] = {
    "observed_date": ("DATE", "UTC day, or trading date, that the observation is of."),
    "known_from": ("DATE", "First signal date that sees this version."),
    "known_until": ("DATE", "First signal date that no longer sees it; null while it is the latest."),
}
CONSTANTS: Mapping[str, str] = {
    "venue": "Exchange whose own figures these are.",
    "market": "spot or perp.",
}


@dataclass(frozen=True)
class StagingView:
    """The view of one table.

    `columns` are those of the table that it shows, name -> (SQL type, description); `constants` are the same in every
    row. `observed` is the column that says when, a date or an instant.
    """

    schema: str  # where the table lies
    table: str
    description: str
    columns: Mapping[str, tuple[str, str]]
    key: Sequence[str]
    observed: str
    constants: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name in the schema `staging`: of raw.binance__funding_rate it is stg_binance__funding_rate."""
        return f"stg_{self.table}" if self.schema == RAW else f"stg_{self.schema}__{self.table}"

    @property
    def all_columns(self) -> Mapping[str, tuple[str, str]]:
        """All columns of the view, in order: name -> (SQL type, description)."""
        constants = {name: ("VARCHAR", CONSTANTS[name]) for name in self.constants}
        return {**constants, **self.columns, **OWN_COLUMNS}

    def query(self, as_of: datetime | None = None) -> str:
        """The query of the view; with `as_of` (aware) of the versions known by then alone."""
        observed = quoted(self.observed)
        day = f"cast({observed} as date)" if self.columns[self.observed][0] == "TIMESTAMP" else observed
        hours = CUT_OFF // timedelta(hours=1)
        first_date = f"cast(known_at - interval {hours} hours - interval 1 microsecond as date) + 1"
        known = f"where known_at <= timestamp '{naive(as_of)}'" if as_of else ""
        constants = [f"{text(value)} as {quoted(name)}" for name, value in self.constants.items()]
        # Names that begin with _ are no declared column's.
        return f"""
            select {", ".join([*constants, quoted_list(list(self.columns))])},
                _day as observed_date,
                greatest(_day, _first_date) as known_from,
                case when _next_first_date is not null then greatest(_day, _next_first_date) end as known_until
            from (
                select *,
                    {day} as _day,
                    {first_date} as _first_date,
                    lead({first_date}) over (partition by {quoted_list(self.key)} order by known_at) as _next_first_date
                from {quoted(self.schema)}.{quoted(self.table)}
                {known}
            )
        """


def view_of(dataset: Dataset) -> StagingView:
    """The view of a dataset's raw table. Raises ValueError for a declared column that has the name of one of ours."""
    taken = {*OWN_COLUMNS, *CONSTANTS} & set(dataset.columns)
    if taken:
        raise ValueError(f"{dataset.id}: these column names belong to staging: {', '.join(sorted(taken))}")
    belongs_to = {"venue": dataset.provider.venue, "market": dataset.market}
    known = {name: VERSION_COLUMNS[name] for name in ("known_at", "known_at_basis")}
    return StagingView(
        schema=RAW,
        table=dataset.table,
        description=dataset.description,
        columns={**declared_columns(dataset), **known},
        key=dataset.key,
        observed=dataset.observed,
        constants={name: value for name, value in belongs_to.items() if value},
    )


def create_views(
    connection: duckdb.DuckDBPyConnection, views: Iterable[StagingView], as_of: datetime | None = None
) -> None:
    """Make or replace views, whose tables exist; with `as_of` (aware) they show what was known by then alone."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for view in views:
        connection.execute(f"create or replace view {SCHEMA}.{quoted(view.name)} as {view.query(as_of)}")
