"""How stable the labels are when thresholds move. Runs the project's own compiled SQL on altered rows of rules.

Only what lies between the rules and the regimes is computed again, in memory; signals are the same for all variants.
The variant that alters nothing must give the labels of the built warehouse exactly, or the study stops.

Every threshold is moved by up to a fifth. A percentile is moved by a fifth of its tail (95 becomes 94 or 96), because
a fifth more than 95 is no percentile. A count is moved by a fifth rounded to whole numbers (10 days by two, 3 buckets
by one, 2 conditions not at all); what one more or one less of each count does is shown apart. A fifth of zero is zero,
so a threshold of zero stays, and so do the codes of bucket states. "Stricter" raises a floor and lowers a ceiling,
"looser" does the opposite.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

MOVE = 0.2
SEED = 20260206
MODELS = (
    "int_regime__thresholds",
    "int_regime__triggers",
    "int_buckets__rules",
    "int_buckets__daily",
    "int_framework__rules",
    "int_framework__daily",
    "int_regime__context",
    "int_regime__relief",
    "int_regime__daily",
)
WHOLE_NUMBERS = (
    "H2.no_capitulation",
    "regime.families_needed",
    "regime.recovery_conditions",
    "regime.recovery_bulls",
    "regime.recovery_bears",
    "regime.expansion_bears",
    "regime.bear_lasts_bears",
    "regime.buckets_needed",
)
VOLUME = "spot_volume_ratio_90d"
ASKED_FOR = "select (signal_id, measure) from built.reference.rules"
INPUTS = "int_rules__inputs"  # every signal in five measures; only those that rules ask for are needed here
OF_BUCKETS = frozenset({"int_buckets__rules", "int_buckets__daily"})  # what only rules of scope `bucket` can change
SCOPES = ("bucket", "framework", "regime")
RELATION = re.compile(r'"warehouse"\."(\w+)"\."(\w+)"')


@dataclass(frozen=True)
class Variant:
    """What was moved, and the share of days that kept their label: all days, and the days of each base label."""

    kind: str
    name: str
    kept_pct: float
    kappa: float
    kept_by_regime: dict[str, float]
    capitulations: int


class RuleSet:
    """The rules of a built warehouse, and the labels that other rules would have given on the same signals."""

    def __init__(self, build_file: Path) -> None:
        compiled = build_file.parent / "dbt" / "compiled" / "leadline" / "models" / "intermediate"
        self._sql = {name: (compiled / f"{name}.sql").read_text(encoding="utf-8") for name in MODELS}
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("attach ':memory:' as warehouse")
        self._connection.execute(f"attach '{build_file}' as built (read_only)")
        named = {match.groups() for sql in self._sql.values() for match in RELATION.finditer(sql)}
        for schema, table in sorted(named):
            self._connection.execute(f"create schema if not exists warehouse.{schema}")
            if table not in MODELS:
                only = f"where (signal_id, measure) in ({ASKED_FOR})" if table == INPUTS else ""
                self._connection.execute(
                    f"create table warehouse.{schema}.{table} as select * from built.{schema}.{table} {only}"
                )
        self.rows = self._connection.sql("from built.reference.rules order by rule_id").pl()
        self._built = self._connection.sql(
            "select signal_date, regime from built.marts.fct_regime_daily order by 1"
        ).pl()
        self._connection.execute("detach built")
        self._bucket_rows = pl.DataFrame()  # those that the bucket tables stand for now

    def labels(self, rows: pl.DataFrame) -> pl.DataFrame:
        """signal_date and regime under other rows of rules."""
        self._connection.register("altered", rows.to_arrow())
        self._connection.execute("create or replace table warehouse.reference.rules as from altered")
        self._connection.unregister("altered")
        bucket_rows = rows.filter(pl.col("scope") == "bucket")
        stand = OF_BUCKETS if bucket_rows.equals(self._bucket_rows) else frozenset()
        for model in [name for name in MODELS if name not in stand]:
            self._connection.execute(f"create or replace table warehouse.intermediate.{model} as {self._sql[model]}")
        self._bucket_rows = bucket_rows
        return self._connection.sql(
            "select signal_date, regime from warehouse.intermediate.int_regime__daily order by 1"
        ).pl()

    def base(self) -> pl.DataFrame:
        """The labels under the rules as they are. Raises RuntimeError if they are not those of the warehouse."""
        labels = self.labels(self.rows)
        if not labels.equals(self._built):
            raise RuntimeError("The rules as they are do not give the labels of the warehouse; build its marts again.")
        return labels


def step(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `step`: how far a full move to the stricter side takes each threshold; zero where it cannot move."""
    threshold = pl.col("enter_threshold")
    is_percentile = (pl.col("measure") == "percentile_365d") | pl.col("target_id").str.ends_with("_percentile")
    fifth = MOVE * pl.when(is_percentile).then(pl.min_horizontal(threshold, 100 - threshold)).otherwise(threshold.abs())
    reach = (
        pl.when(pl.col("unit") == "state")
        .then(0.0)
        .when(is_count())
        .then(fifth.round())
        .otherwise(fifth)
        .fill_null(0.0)
    )
    return rows.with_columns(step=reach * stricter())


def stricter() -> pl.Expr:
    """The sign of a stricter threshold: a floor goes up, a ceiling down."""
    return pl.when(pl.col("operator").str.starts_with(">")).then(1.0).otherwise(-1.0)


def is_count() -> pl.Expr:
    """Whether a threshold counts days, buckets, conditions or families: whole numbers."""
    return (
        pl.col("unit").is_in(["count", "days"])
        | pl.col("target_id").str.ends_with("_days")
        | pl.col("rule_id").is_in(WHOLE_NUMBERS)
    )


def moved(rows: pl.DataFrame, amounts: pl.Series) -> pl.DataFrame:
    """Rows whose thresholds are moved by `amounts` of their step, -1 (looser) to 1 (stricter), in the same order."""
    change = step(rows)["step"] * amounts
    return shifted(rows, pl.when(is_count()).then(change.round()).otherwise(change))


def shifted(rows: pl.DataFrame, change: pl.Expr) -> pl.DataFrame:
    """Rows whose thresholds have something added."""
    return rows.with_columns(
        (pl.col("enter_threshold") + change).alias("enter_threshold"),
        (pl.col("exit_threshold") + change).alias("exit_threshold"),
    )


def movable(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that a fifth moves at all."""
    return step(rows).filter(pl.col("step") != 0)


def reaches_regimes(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that any regime can depend on: of the framework only H1 to H3 count towards one."""
    return rows.filter((pl.col("scope") != "framework") | pl.col("target_id").is_in(["H1", "H2", "H3"]))


def plan(rows: pl.DataFrame, draws: int, *, one_at_a_time: bool = True) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Kind, name and rows of every variant."""
    everything = pl.Series(np.ones(rows.height))
    for name, sign in (("stricter", 1.0), ("looser", -1.0)):
        yield "all", name, moved(rows, everything * sign)
        for scope in SCOPES:
            yield "scope", f"{scope}, {name}", moved(rows, (rows["scope"] == scope).cast(pl.Float64) * sign)
    rng = np.random.default_rng(SEED)
    for draw in range(draws):
        yield "random", str(draw), moved(rows, pl.Series(rng.uniform(-1, 1, rows.height)))
    if one_at_a_time:
        for rule_id in reaches_regimes(movable(rows))["rule_id"]:
            for name, sign in (("stricter", 1.0), ("looser", -1.0)):
                yield "one", f"{rule_id}, {name}", moved(rows, (rows["rule_id"] == rule_id).cast(pl.Float64) * sign)
        for rule_id in WHOLE_NUMBERS:
            for name, sign in (("one stricter", 1.0), ("one looser", -1.0)):
                own = pl.when(pl.col("rule_id") == rule_id).then(sign * stricter()).otherwise(0.0)
                yield "count", f"{rule_id}, {name}", shifted(rows, own)


def without_volume(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in which nothing stands in for liquidations where a rule has no reading of them."""
    return rows.filter((pl.col("signal_id") != VOLUME) | (pl.col("scope") == "regime"))


def judge(kind: str, name: str, base: pl.DataFrame, other: pl.DataFrame) -> Variant:
    """How much of the base labelling a variant kept."""
    pairs = base.join(other.rename({"regime": "other"}), on="signal_date").with_columns(
        same=pl.col("regime") == pl.col("other")
    )
    kept = pairs.group_by("regime").agg(100 * pl.col("same").mean())
    return Variant(
        kind,
        name,
        100 * pairs["same"].mean(),
        kappa(pairs["regime"], pairs["other"]),
        dict(kept.iter_rows()),
        int((other["regime"] == "capitulation").sum()),
    )


def kappa(one: pl.Series, other: pl.Series) -> float:
    """Cohen's kappa: agreement beyond what the labels' frequencies alone would give; 1 is full agreement."""
    labels = sorted({*one, *other})
    by_chance = sum((one == label).mean() * (other == label).mean() for label in labels)
    return float(((one == other).mean() - by_chance) / (1 - by_chance))
