"""What the board of one date is made of.

Readings, states and regimes are as they were known at the date's cut-off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from reporting.forecast import PublishedForecast

CONDITIONS: Final = ("H1", "H2", "H3", "R1", "R2", "R3", "S1", "S2", "S3")


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
class BucketReading:
    """The state of one bucket, what decided it, and the smallest change of a reading that flips it.

    `flip_distance` is what must be added to the reading of `flip_signal_id`, in the signal's unit, to make it
    `flip_value`; `flip_readings` further readings like it have to come, and `flip_also_needs` names other readings, as
    signal and value, that must change with it. All are null where no change of readings was found that flips it.
    """

    bucket: str
    state: str
    state_at_best: str | None  # what the missing readings could make of it; the state itself where it is known
    state_at_worst: str | None
    days_in_state: int | None
    primary: Reading
    confirms_met: int | None
    confirms_total: int | None
    continues_met: int | None
    continues_total: int | None
    evidence: str | None
    flip_signal_id: str | None
    flip_distance: float | None
    flip_to_state: str | None
    flip_value: float | None
    flip_readings: int | None
    flip_also_needs: Mapping[str, float]
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
    """The verdict and the regime of the date, with the framework and the price context that they rest on.

    `verdict_line` (`_zh`) says position and evidence in one sentence; it is null where values were left out.
    `fall_date` is the last capitulation's and `low_since_fall_usd` the lowest price since; null where there is none.
    """

    regime: str
    since: date
    fall_date: date | None
    low_since_fall_usd: float | None
    next_condition: str | None
    position: str
    side: str | None
    side_since: date | None
    evidence_for_level: str
    evidence_best: str
    evidence_worst: str
    conditions_met: int
    warnings_on: int
    decided_by: str
    decided_by_zh: str
    verdict_line: str | None
    verdict_line_zh: str | None
    nearest_edge_usd: float | None
    close_to_nearest_edge_pct: float | None
    level_since: date | None
    level_before_usd: float | None
    level_moved_because: str | None
    buckets_known: int | None
    holds_cluster: bool | None
    nothing_worsens: bool | None
    fully_confirmed: bool | None
    btc_close_usd: float | None
    level_usd: float | None
    cluster_low_usd: float | None
    cluster_high_usd: float | None
    cluster_source: str | None
    regime_decided_by: str | None
    regime_decided_by_zh: str | None
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
    buckets: tuple[BucketReading, ...]
    conditions: Mapping[str, Condition]  # by condition_id, H1 to S3
    readings: Mapping[str, Reading]  # by signal_id, of every signal that is defined
    thresholds: Mapping[str, Threshold]  # of the regimes, by what they are called in the rules
    forecast: PublishedForecast | None = None
