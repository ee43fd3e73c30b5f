"""The marts of a published file, as boards: what the warehouse says about one date.

Nothing is computed here beyond choosing rows: whoever wants to know how a number came about asks the warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from reporting.board import CONDITIONS, Board, BucketReading, Condition, Reading, Regime, Rule, Threshold
from reporting.forecast import read_forecasts

# What only a damaged or foreign file makes DuckDB raise.
DAMAGE: Final = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
    duckdb.SerializationException,
)
# Of a reading, what the day's row says beside its value.
DAILY: Final = (
    *("is_final", "observed_date", "age_days", "change_7d", "percentile_365d", "provider", "source_count"),
    *("known_at", "known_at_basis", "publishable", "method_note"),
)
_RULE: Final = tuple(Rule.__dataclass_fields__)


class BoardError(Exception):
    """The published warehouse cannot answer; the message says why and what to do."""


class PublishedWarehouse:
    """Questions to one published file, opened read-only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, is_public: bool = False):
        self._connection = connection
        self._is_public = is_public

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection, for a query of the reader's own."""
        return self._connection

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """The rows of a query, as dictionaries."""
        answer = self._connection.execute(query, values or None)
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def board(self, day: date | None = None) -> Board:
        """The board of a date, the newest when none is named. Raises BoardError for a date without a row."""
        return next(self.boards([self._signal_date(day)]))

    def boards(self, days: Sequence[date]) -> Iterator[Board]:
        """The boards of dates that all have a row, in their order: a few questions for all of them together."""
        origin = self.rows("select origin, is_simulated from marts.dim_origin")[0]
        readings, rules, thresholds = self._readings(days), self._rules(days), self._thresholds()
        regimes = self._regimes(days, rules)
        buckets = self._by_day(
            """
            select daily.*
            from marts.fct_bucket_daily as daily
            join marts.dim_bucket as places using (bucket)
            where list_contains($days, daily.signal_date)
            order by places.position
            """,
            days,
        )
        conditions = self._by_day(
            """
            select signal_date, condition_id, holds, evidence
            from marts.fct_condition_daily
            where list_contains($days, signal_date)
            """,
            days,
        )
        forecasts = read_forecasts(self, days)
        for day in days:
            yield Board(
                signal_date=day,
                origin=origin["origin"],
                is_simulated=origin["is_simulated"],
                is_public=self._is_public,
                regime=regimes[day],
                buckets=_buckets(buckets[day], readings[day], rules[day]),
                conditions=_conditions(conditions[day], rules[day]),
                readings=readings[day],
                thresholds={
                    row["target_id"]: Threshold(row["operator"], row["enter_threshold"])
                    for row in thresholds
                    if row["valid_from"] <= day <= row["valid_to"]
                },
                forecast=forecasts.get(day),
            )

    def signal_dates(self) -> list[date]:
        """Every date that has a board, ascending."""
        rows = self.rows("select signal_date from marts.fct_regime_daily order by signal_date")
        return [row["signal_date"] for row in rows]

    def buckets(self) -> list[str]:
        """The names of the buckets, in the order of the board."""
        return [row["bucket"] for row in self.rows("select bucket from marts.dim_bucket order by position")]

    def sources(self) -> list[dict[str, Any]]:
        """Every dataset with its freshness, coverage and licence: the columns of dim_source.

        In the order of the buckets that they serve; those of the price alone come last.
        """
        return self.rows(
            """
            select sources.*
            from marts.dim_source as sources
            left join marts.dim_bucket as places using (bucket)
            order by places.position, sources.dataset_id
            """
        )

    def _by_day(self, query: str, days: Sequence[date]) -> dict[date, list[dict[str, Any]]]:
        """The rows of a query on `$days` by their `signal_date`; a date without any has an empty list."""
        found: dict[date, list[dict[str, Any]]] = {day: [] for day in days}
        for row in self.rows(query, days=list(days)):
            found[row["signal_date"]].append(row)
        return found

    def _signal_date(self, day: date | None) -> date:
        span = self.rows("select min(signal_date) as first, max(signal_date) as last from marts.fct_regime_daily")[0]
        if span["last"] is None:
            raise BoardError("The published warehouse holds no signal date yet. Run `leadline run` first.")
        wanted = day or span["last"]
        found = self.rows("select 1 as found from marts.fct_regime_daily where signal_date = $day", day=wanted)
        if not found:
            raise BoardError(
                f"There is no board for {wanted}: the published warehouse holds {span['first']} to {span['last']}. "
                f"`leadline run --from {wanted} --to {wanted}` fetches that day; a day that has not ended has no board."
            )
        return date.fromisoformat(str(wanted))

    def _readings(self, days: Sequence[date]) -> dict[date, dict[str, Reading]]:
        defined = self.rows(
            """
            select signal_id, bucket, name_en, name_zh, unit, decimals, datasets, formula, primary_rank
            from marts.dim_signal
            """
        )
        known = self._by_day(
            f"""
            select signal_date, signal_id, value_as_known as value, value as settled, {", ".join(DAILY)}
            from marts.fct_signal_daily
            where list_contains($days, signal_date)
            """,
            days,
        )
        nothing = dict.fromkeys(("value", "settled", *DAILY))
        readings = {}
        for day, rows in known.items():
            daily = {row.pop("signal_id"): row for row in rows}
            for row in rows:
                del row["signal_date"]
            readings[day] = {
                row["signal_id"]: Reading(**row, **daily.get(row["signal_id"], nothing)) for row in defined
            }
        return readings

    def _rules(self, days: Sequence[date]) -> dict[date, list[Rule]]:
        rows = self._by_day(
            """
            select
                daily.signal_date, rules.rule_id, rules.target_id, rules.direction, rules.rule_group, rules.signal_id,
                rules.measure, rules.operator, rules.enter_threshold, rules.readings, rules.unit, rules.rationale,
                daily.value, daily.observed_date, daily.holds, daily.flip_distance
            from marts.fct_rule_daily as daily
            join marts.dim_rule as rules
                on rules.rule_id = daily.rule_id and daily.signal_date between rules.valid_from and rules.valid_to
            where list_contains($days, daily.signal_date)
            order by rules.target_id, rules.direction, rules.rule_group, rules.rule_id
            """,
            days,
        )
        return {day: [Rule(**{key: row[key] for key in _RULE}) for row in found] for day, found in rows.items()}

    def _thresholds(self) -> list[dict[str, Any]]:
        return self.rows(
            "select target_id, operator, enter_threshold, valid_from, valid_to from marts.dim_rule "
            "where scope = 'regime'"
        )

    def _regimes(self, days: Sequence[date], rules: Mapping[date, Sequence[Rule]]) -> dict[date, Regime]:
        rows = self._by_day(
            """
            with turns as (
                select *, regime is distinct from lag(regime) over (order by signal_date) as is_first
                from marts.fct_regime_daily
            ),

            lasting as (
                select *, max(signal_date) filter (where is_first) over (order by signal_date) as since from turns
            )

            select * from lasting where list_contains($days, signal_date)
            """,
            days,
        )
        falls = {day: _fall(day, rules[day]) for day in days}
        first = min((fall for fall in falls.values() if fall), default=None)
        lows = self.rows(
            """
            select signal_date, value_as_known as low
            from marts.fct_signal_daily
            where signal_id = 'btc_low_usd' and signal_date >= $first and value_as_known is not null
            """,
            first=first,
        )
        regimes = {}
        for day, [row] in rows.items():
            fall = falls[day]
            since = [low["low"] for low in lows if fall and fall <= low["signal_date"] <= day]
            row |= {"fall_date": fall, "low_since_fall_usd": min(since, default=None)}
            regimes[day] = Regime(**{name: row[name] for name in Regime.__dataclass_fields__})
        return regimes


def _fall(day: date, rules: Sequence[Rule]) -> date | None:
    """The date of the last capitulation, as the rules count the days since."""
    ago = next((rule.value for rule in rules if rule.signal_id == "days_since_capitulation"), None)
    return None if ago is None else day - timedelta(days=round(ago))


def _buckets(
    rows: Sequence[Mapping[str, Any]], readings: Mapping[str, Reading], rules: Sequence[Rule]
) -> tuple[BucketReading, ...]:
    derived = ("primary", "flip_also_needs", "confirms", "continues")
    buckets = []
    for row in rows:
        bucket = row["bucket"]
        own = [rule for rule in rules if rule.target_id == bucket]
        buckets.append(
            BucketReading(
                primary=readings[row["primary_signal_id"]],
                flip_also_needs=_needs(row["flip_also_needs"]),
                confirms=tuple(rule for rule in own if rule.direction == "confirms"),
                continues=tuple(rule for rule in own if rule.direction == "continues"),
                **{name: row[name] for name in BucketReading.__dataclass_fields__ if name not in derived},
            )
        )
    return tuple(buckets)


def _needs(text: str | None) -> dict[str, float]:
    """`signal=value signal=value` as a dictionary."""
    pairs = (part.split("=") for part in (text or "").split())
    return {signal_id: float(value) for signal_id, value in pairs}


def _conditions(rows: Sequence[Mapping[str, Any]], rules: Sequence[Rule]) -> dict[str, Condition]:
    known = {row["condition_id"]: row for row in rows}
    unknown = {"holds": None, "evidence": None}
    return {
        condition: Condition(
            condition_id=condition,
            **{name: known.get(condition, unknown)[name] for name in unknown},
            rules=tuple(rule for rule in rules if rule.target_id == condition),
        )
        for condition in CONDITIONS
    }


@contextmanager
def open_published(published: Path, *, public: bool = False) -> Iterator[PublishedWarehouse]:
    """The published warehouse for questions; `public` leaves out the values that may not be passed on.

    Raises BoardError when it is absent, damaged, or was made by another version.
    """
    if not published.is_file():
        raise BoardError(f"There is no published warehouse at {published}. Run `leadline run` (or `make demo`) first.")
    wal = published.with_name(f"{published.name}.wal")
    if wal.exists():
        raise BoardError(
            f"{wal} stands beside the published file, which never has one: somebody opened that file for writing, or "
            "forged it. Move it away; `leadline publish` makes the published file again from what is built."
        )
    connection = None
    try:
        connection = public_copy(published) if public else duckdb.connect(str(published), read_only=True)
        yield PublishedWarehouse(connection, is_public=public)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise BoardError(
            f"{published} was published by another version of Leadline ({str(error).splitlines()[0]}). "
            "Run `leadline build` to build and publish it anew."
        ) from error
    except DAMAGE as error:
        raise BoardError(
            f"{published} is damaged ({str(error).splitlines()[0]}). Run `leadline publish`: it makes it again from "
            "what is built."
        ) from error
    finally:
        if connection is not None:
            connection.close()


def public_copy(published: Path) -> duckdb.DuckDBPyConnection:
    """The marts in memory, without the values that `main.withheld` names: what may be passed on and nothing else."""
    # A name in a query is a table of the database, never a variable of this function.
    connection = duckdb.connect(config={"python_enable_replacements": False})
    connection.execute(f"attach '{str(published).replace(chr(39), chr(39) * 2)}' as published (read_only)")
    marts = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'marts'"
    ).fetchall()
    withheld: dict[str, dict[str | None, bool]] = {mart: {} for (mart,) in marts}
    for mart, column, by_row in connection.execute("from published.main.withheld").fetchall():
        withheld[mart][column] = by_row
    connection.execute("create schema marts")
    for mart, columns in withheld.items():
        emptied = ", ".join(
            f'case when {"publishable" if by_row else "false"} then "{column}" end as "{column}"'
            for column, by_row in columns.items()
            if column is not None
        )
        replaced = f"replace ({emptied})" if emptied else ""
        whole = "" if None not in columns else "limit 0"
        connection.execute(f'create table marts."{mart}" as select * {replaced} from published.marts."{mart}" {whole}')
    connection.execute("create table main.publication as from published.main.publication")
    connection.execute("detach published")
    return connection


def read_board(published: Path, day: date | None = None) -> Board:
    """The board of one date (the newest by default) from a published file. Raises BoardError."""
    with open_published(published) as warehouse:
        return warehouse.board(day)
