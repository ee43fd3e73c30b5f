"""What the warehouse says about one date, read from the marts of a published file.

Readings, states and regimes are shown as they were known at the date's cut-off. Nothing is computed here beyond
choosing rows: whoever wants to know how a number came about asks the warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

BUCKETS: Final = ("derivatives", "options", "leverage", "flows", "onchain", "mining", "macro")
CONDITIONS: Final = ("H1", "H2", "H3", "R1", "R2", "R3", "S1", "S2", "S3")
HISTORY_DAYS: Final = 180


class BoardError(Exception):
    """The published warehouse cannot answer; the message says why and what to do."""


@dataclass(frozen=True)
class Reading:
    """One signal as known at the cut-off: `value` in `unit`, observed `age_days` before the signal date."""

    signal_id: str
    bucket: str
    name_en: str
    name_zh: str
    unit: str
    decimals: int | None  # as many as say something
    value: float | None
    settled: float | None  # the latest version of the date's own figure
    is_final: bool | None
    observed_date: date | None
    age_days: int | None
    change_7d: float | None
    percentile_365d: float | None
    source_count: int | None
    method_note: str | None


@dataclass(frozen=True)
class Rule:
    """A rule in force on the date: `measure` of `signal_id` held against `enter_threshold`, and whether it holds.

    Rules of one target, direction and group are joined by *and*. `holds` is null where the reading is unknown.
    """

    rule_id: str
    target_id: str
    direction: str
    rule_group: str
    signal_id: str
    measure: str
    operator: str
    enter_threshold: float | None
    readings: int | None
    unit: str | None
    rationale: str | None
    value: float | None
    observed_date: date | None
    holds: bool | None
    flip_distance: float | None


@dataclass(frozen=True)
class Bucket:
    """The state of one bucket, what decided it and how far it is from the nearest flip (`flip_unit` is the rule's)."""

    bucket: str
    state: str
    days_in_state: int | None
    primary: Reading
    confirms_met: int | None
    confirms_total: int | None
    continues_met: int | None
    continues_total: int | None
    evidence: str | None
    flip_signal_id: str | None
    flip_distance: float | None
    flip_unit: str | None
    waiting_for: str | None
    confirms: tuple[Rule, ...]
    continues: tuple[Rule, ...]


@dataclass(frozen=True)
class Condition:
    """One of H1–H3, R1–R3, S1–S3: true, false or null for unknown, with what made it so."""

    condition_id: str
    holds: bool | None
    evidence: str | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Regime:
    """The regime of the date with the framework and the price context that it rests on."""

    regime: str
    since: date
    next_condition: str | None
    buckets_known: int | None
    holds_cluster: bool | None
    nothing_worsens: bool | None
    fully_confirmed: bool | None
    btc_close_usd: float | None
    level_usd: float | None
    cluster_low_usd: float | None
    cluster_high_usd: float | None
    cluster_source: str | None
    explanation: str | None


@dataclass(frozen=True)
class Board:
    """Everything that the board shows for one date."""

    signal_date: date
    origin: str
    is_simulated: bool
    regime: Regime
    buckets: tuple[Bucket, ...]
    conditions: Mapping[str, Condition]  # by condition_id, H1 to S3
    readings: Mapping[str, Reading]  # by signal_id, of every signal that is defined


@dataclass(frozen=True)
class Series:
    """Values by date, ascending; null where nothing was known."""

    dates: tuple[date, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class History:
    """The days up to a date, for charts: price with its level and cluster, regimes, primary signals by bucket."""

    close: Series
    level: Series
    cluster_low: Series
    cluster_high: Series
    regimes: tuple[tuple[date, str], ...]
    primaries: Mapping[str, Series]


class Warehouse:
    """Questions to one published file, opened read-only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection

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
        day = self._signal_date(day)
        origin = self.rows("select origin, is_simulated from marts.dim_origin")[0]
        readings, rules = self._readings(day), self._rules(day)
        return Board(
            signal_date=day,
            origin=origin["origin"],
            is_simulated=origin["is_simulated"],
            regime=self._regime(day),
            buckets=self._buckets(day, readings, rules),
            conditions=self._conditions(day, rules),
            readings=readings,
        )

    def history(self, board: Board) -> History:
        """The days before the board's date and itself."""
        days = self.rows(
            f"""
            select signal_date, btc_close_usd, level_usd, cluster_low_usd, cluster_high_usd, regime
            from marts.fct_regime_daily
            where signal_date between $day - interval {HISTORY_DAYS} day and $day
            order by signal_date
            """,
            day=board.signal_date,
        )
        dates = tuple(row["signal_date"] for row in days)

        def series(column: str) -> Series:
            return Series(dates, tuple(row[column] for row in days))

        return History(
            close=series("btc_close_usd"),
            level=series("level_usd"),
            cluster_low=series("cluster_low_usd"),
            cluster_high=series("cluster_high_usd"),
            regimes=tuple((row["signal_date"], row["regime"]) for row in days),
            primaries={
                bucket.bucket: self._signal(bucket.primary.signal_id, board.signal_date) for bucket in board.buckets
            },
        )

    def sources(self) -> list[dict[str, Any]]:
        """Every dataset with its freshness, coverage and licence: the columns of dim_source."""
        return self.rows("select * from marts.dim_source order by all")

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

    def _readings(self, day: date) -> dict[str, Reading]:
        rows = self.rows(
            """
            select
                signals.signal_id, signals.bucket, signals.name_en, signals.name_zh, signals.unit, signals.decimals,
                daily.value_as_known as value, daily.value as settled, daily.is_final, daily.observed_date,
                daily.age_days, daily.change_7d, daily.percentile_365d, daily.source_count, daily.method_note
            from marts.dim_signal as signals
            left join marts.fct_signal_daily as daily
                on daily.signal_id = signals.signal_id and daily.signal_date = $day
            """,
            day=day,
        )
        return {row["signal_id"]: Reading(**row) for row in rows}

    def _rules(self, day: date) -> list[Rule]:
        rows = self.rows(
            """
            select
                rules.rule_id, rules.target_id, rules.direction, rules.rule_group, rules.signal_id, rules.measure,
                rules.operator, rules.enter_threshold, rules.readings, rules.unit, rules.rationale,
                daily.value, daily.observed_date, daily.holds, daily.flip_distance
            from marts.fct_rule_daily as daily
            join marts.dim_rule as rules
                on rules.rule_id = daily.rule_id and daily.signal_date between rules.valid_from and rules.valid_to
            where daily.signal_date = $day
            order by rules.target_id, rules.direction, rules.rule_group, rules.rule_id
            """,
            day=day,
        )
        return [Rule(**row) for row in rows]

    def _regime(self, day: date) -> Regime:
        row = self.rows("select * from marts.fct_regime_daily where signal_date = $day", day=day)[0]
        since = self.rows(
            """
            select min(signal_date) as since
            from marts.fct_regime_daily
            where signal_date <= $day and signal_date > coalesce(
                (select max(signal_date) from marts.fct_regime_daily where signal_date < $day and regime <> $regime),
                date '0001-01-01'
            )
            """,
            day=day,
            regime=row["regime"],
        )[0]["since"]
        fields = {name: row[name] for name in Regime.__dataclass_fields__ if name != "since"}
        return Regime(since=since, **fields)

    def _buckets(self, day: date, readings: Mapping[str, Reading], rules: Sequence[Rule]) -> tuple[Bucket, ...]:
        rows = self.rows("select * from marts.fct_bucket_daily where signal_date = $day", day=day)
        states = {row["bucket"]: row for row in rows}
        derived = ("primary", "flip_unit", "confirms", "continues")
        buckets = []
        for bucket in (name for name in BUCKETS if name in states):
            row = states[bucket]
            own = [rule for rule in rules if rule.target_id == bucket]
            # The distance belongs to one rule, and is in the unit of what that rule measures.
            flips = [rule for rule in own if rule.signal_id == row["flip_signal_id"]]
            flip = next((rule for rule in flips if rule.flip_distance == row["flip_distance"]), None)
            buckets.append(
                Bucket(
                    primary=readings[row["primary_signal_id"]],
                    flip_unit=flip.unit if flip else None,
                    confirms=tuple(rule for rule in own if rule.direction == "confirms"),
                    continues=tuple(rule for rule in own if rule.direction == "continues"),
                    **{name: row[name] for name in Bucket.__dataclass_fields__ if name not in derived},
                )
            )
        return tuple(buckets)

    def _conditions(self, day: date, rules: Sequence[Rule]) -> dict[str, Condition]:
        rows = self.rows(
            "select condition_id, holds, evidence from marts.fct_condition_daily where signal_date = $day", day=day
        )
        known = {row["condition_id"]: row for row in rows}
        return {
            condition: Condition(
                **known.get(condition, {"condition_id": condition, "holds": None, "evidence": None}),
                rules=tuple(rule for rule in rules if rule.target_id == condition),
            )
            for condition in CONDITIONS
        }

    def _signal(self, signal_id: str, day: date) -> Series:
        rows = self.rows(
            f"""
            select signal_date, value_as_known
            from marts.fct_signal_daily
            where signal_id = $signal_id and signal_date between $day - interval {HISTORY_DAYS} day and $day
            order by signal_date
            """,
            signal_id=signal_id,
            day=day,
        )
        return Series(tuple(row["signal_date"] for row in rows), tuple(row["value_as_known"] for row in rows))


@contextmanager
def open_published(published: Path, *, public: bool = False) -> Iterator[Warehouse]:
    """The published warehouse for questions; `public` leaves out the values that may not be passed on.

    Raises BoardError when it is absent or was made by another version.
    """
    if not published.is_file():
        raise BoardError(f"There is no published warehouse at {published}. Run `leadline run` (or `make demo`) first.")
    connection = None
    try:
        connection = public_copy(published) if public else duckdb.connect(str(published), read_only=True)
        yield Warehouse(connection)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise BoardError(
            f"{published} was published by another version of Leadline ({str(error).splitlines()[0]}). "
            "Run `leadline build` to build and publish it anew."
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
