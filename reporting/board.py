"""What the warehouse says about one date, read from the marts of a published file.

Readings, states and regimes are shown as they were known at the date's cut-off. Nothing is computed here beyond
choosing rows: whoever wants to know how a number came about asks the warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

BUCKETS: Final = ("derivatives", "options", "leverage", "flows", "onchain", "mining", "macro")
CONDITIONS: Final = ("H1", "H2", "H3", "R1", "R2", "R3", "S1", "S2", "S3")


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
    provider: str | None
    datasets: str | None  # that can give it, in no order
    source_count: int | None
    known_at: datetime | None  # of the settled value, UTC
    known_at_basis: str | None  # stated, observed or assumed
    publishable: bool | None
    method_note: str | None
    formula: str | None
    primary_rank: int | None  # 1 decides its bucket, the next one stands in where it has no source


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
    flip_direction: str | None  # of the rule that would turn: confirms or continues
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
    """The regime of the date with the framework and the price context that it rests on.

    `fall_date` is the last capitulation's and `low_since_fall_usd` the lowest price since; null where there is none.
    """

    regime: str
    since: date
    fall_date: date | None
    low_since_fall_usd: float | None
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
class Threshold:
    """What the regime holds a figure against: `operator` and `value`, as analysts keep them in the rules."""

    operator: str
    value: float


@dataclass(frozen=True)
class Board:
    """Everything that the board shows for one date.

    `is_public` says that values were left out because their source forbids passing them on.
    """

    signal_date: date
    origin: str
    is_simulated: bool
    is_public: bool
    regime: Regime
    buckets: tuple[Bucket, ...]
    conditions: Mapping[str, Condition]  # by condition_id, H1 to S3
    readings: Mapping[str, Reading]  # by signal_id, of every signal that is defined
    thresholds: Mapping[str, Threshold]  # of the regimes, by what they are called in the rules


class Warehouse:
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
        day = self._signal_date(day)
        origin = self.rows("select origin, is_simulated from marts.dim_origin")[0]
        readings, rules = self._readings(day), self._rules(day)
        return Board(
            signal_date=day,
            origin=origin["origin"],
            is_simulated=origin["is_simulated"],
            is_public=self._is_public,
            regime=self._regime(day, rules),
            buckets=self._buckets(day, readings, rules),
            conditions=self._conditions(day, rules),
            readings=readings,
            thresholds=self._thresholds(day),
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
                daily.age_days, daily.change_7d, daily.percentile_365d, daily.provider, signals.datasets,
                daily.source_count, daily.known_at, daily.known_at_basis, daily.publishable, daily.method_note,
                signals.formula, signals.primary_rank
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

    def _thresholds(self, day: date) -> dict[str, Threshold]:
        rows = self.rows(
            """
            select target_id, operator, enter_threshold
            from marts.dim_rule
            where scope = 'regime' and $day between valid_from and valid_to
            """,
            day=day,
        )
        return {row["target_id"]: Threshold(row["operator"], row["enter_threshold"]) for row in rows}

    def _fall(self, day: date, rules: Sequence[Rule]) -> tuple[date | None, float | None]:
        """The date of the last capitulation, as the rules count the days since, and the lowest price from it on."""
        ago = next((rule.value for rule in rules if rule.signal_id == "days_since_capitulation"), None)
        if ago is None:
            return None, None
        fall = day - timedelta(days=round(ago))
        low = self.rows(
            """
            select min(value_as_known) as low
            from marts.fct_signal_daily
            where signal_id = 'btc_low_usd' and signal_date between $fall and $day
            """,
            fall=fall,
            day=day,
        )[0]["low"]
        return fall, low

    def _regime(self, day: date, rules: Sequence[Rule]) -> Regime:
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
        derived = ("since", "fall_date", "low_since_fall_usd")
        fields = {name: row[name] for name in Regime.__dataclass_fields__ if name not in derived}
        fall, low = self._fall(day, rules)
        return Regime(since=since, fall_date=fall, low_since_fall_usd=low, **fields)

    def _buckets(self, day: date, readings: Mapping[str, Reading], rules: Sequence[Rule]) -> tuple[Bucket, ...]:
        rows = self.rows("select * from marts.fct_bucket_daily where signal_date = $day", day=day)
        states = {row["bucket"]: row for row in rows}
        derived = ("primary", "flip_unit", "flip_direction", "confirms", "continues")
        buckets = []
        for bucket in (name for name in BUCKETS if name in states):
            row = states[bucket]
            own = [rule for rule in rules if rule.target_id == bucket]
            # The distance belongs to one rule, and is in the unit of what that rule measures. Rules of both directions
            # may be as far from turning: a bear is left through the rules that make it.
            sides = ("continues", "confirms") if row["state"] == "bear" else ("confirms", "continues")
            flips = [rule for side in sides for rule in own if rule.direction == side]
            flips = [rule for rule in flips if rule.signal_id == row["flip_signal_id"]]
            flip = next((rule for rule in flips if rule.flip_distance == row["flip_distance"]), None)
            buckets.append(
                Bucket(
                    primary=readings[row["primary_signal_id"]],
                    flip_unit=flip.unit if flip else None,
                    flip_direction=flip.direction if flip else None,
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
        yield Warehouse(connection, is_public=public)
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
