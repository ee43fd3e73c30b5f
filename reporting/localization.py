"""How the board speaks: texts in English and Chinese, numbers with their units, rules as sentences."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from reporting.board import Board, BucketReading, Reading, Rule

LANGUAGES: Final = ("en", "zh")
LANGUAGE_TAGS: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-Hans"}  # as HTML names them
UNKNOWN: Final = "–"

MONEY: Final = "USD"
STATE_OF: Final = "state_"  # begins what a rule reads when that is a bucket's state
# Sums of money are told in sizes: from how many dollars on, divided by what, how called, and with how many decimals.
SIZES: Final[Mapping[str, Sequence[tuple[float, float, str, int]]]] = {
    "en": ((1e9, 1e9, "bn", 2), (1e6, 1e6, "m", 1)),
    "zh": ((1e8, 1e8, "亿", 2), (1e6, 1e4, "万", 0)),
}
PUBLIC_ORIGIN: Final = "public sources"
MARKS: Final[Mapping[bool | None, str]] = {True: "✓", False: "✗", None: "?"}
# Bucket states as the rules count them.
STATES: Final = {2: "bull", 1: "improving", 0: "neutral", -1: "worsening", -2: "bear"}

OPERATORS: Final = {"<=": "≤", ">=": "≥", "<": "<", ">": ">", "=": "=", "==": "=", "!=": "≠", "<>": "≠"}


@cache
def _texts() -> Mapping[str, Any]:
    with (Path(__file__).parent / "texts.toml").open("rb") as file:
        return tomllib.load(file)


def headlines(bucket: str) -> Sequence[str]:
    """The signals shown under a bucket's primary one."""
    ids: Sequence[str] = _texts()["headlines"].get(bucket, ())
    return ids


def regimes() -> Sequence[str]:
    """Every regime that has a name."""
    return tuple(_texts()["regimes"])


def number(value: float | None, unit: str | None, decimals: int | None = 2, language: str = "en") -> str:
    """A value with its unit, as short as its size allows: 1.26 bn USD, −9.4 vol, 69 950 USD; 12.60 亿美元."""
    if value is None:
        return UNKNOWN
    scale, sign, shown = _scale(value, unit, language)
    return _typeset(f"{value / scale:,.{(2 if decimals is None else decimals) if shown is None else shown}f}{sign}")


def signed(value: float, unit: str | None, decimals: int | None = 2, language: str = "en") -> str:
    """A difference: with its sign, also when positive."""
    return f"{'+' if value > 0 else ''}{number(value, unit, decimals, language)}"


def threshold(value: float | None, unit: str | None, language: str = "en") -> str:
    """A rule's threshold as an analyst wrote it: no padding, no rounding."""
    if value is None:
        return UNKNOWN
    scale, sign, _ = _scale(value, unit, language)
    return _typeset(f"{value / scale:,.10g}{sign}")


def _scale(value: float, unit: str | None, language: str) -> tuple[float, str, int | None]:
    """What to divide by, the unit's sign, and the decimals where the size decides them."""
    sign: str = _texts()["units"].get(unit or "", {}).get(language, f" {unit}" if unit else "")
    if unit == MONEY:
        for start, size, name, shown in SIZES[language]:
            if abs(value) >= start:
                return size, f" {name}{sign if language == 'en' else sign.lstrip()}", shown
    return 1.0, sign, None


def _typeset(text: str) -> str:
    """A real minus, and spaces between thousands, which no language takes for a decimal sign."""
    return text.replace("-", "−").replace(",", "\u202f")


@dataclass(frozen=True)
class Words:
    """The texts of one language. `binds_units` keeps numbers and their units on one line where lines break."""

    language: str
    binds_units: bool = False

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"no texts in {self.language!r}; there are {', '.join(LANGUAGES)}")

    def say(self, section: str, key: object, **values: object) -> str:
        """A text; a key that has none (a new state, say) speaks for itself."""
        entry = _texts()[section].get(str(key))
        text: str = entry[self.language] if entry else str(key).replace("_", " ")
        return text.format(**values) if values else text

    def label(self, key: str, **values: object) -> str:
        """A text of the section `labels`."""
        return self.say("labels", key, **values)

    def capital(self, text: str) -> str:
        """A text as the beginning of a sentence."""
        return text[:1].upper() + text[1:]

    def truth(self, value: bool | None) -> str:
        """Yes, no or unknown."""
        return self.say("truth", "unknown" if value is None else str(value).lower())

    def day(self, day: date) -> str:
        """A date as people write it."""
        return f"{day.year} 年 {day.month} 月 {day.day} 日" if self.language == "zh" else f"{day.day} {day:%B %Y}"

    def name(self, reading: Reading) -> str:
        """A signal's name."""
        return reading.name_zh if self.language == "zh" else reading.name_en

    def freshness(self, reading: Reading, with_year: bool = True) -> str:
        """The date of a reading, its age where it is not the day's own, whether its source may still change it, and of
        how many sources it is made."""
        if reading.observed_date is None:
            return self.label("not_known")
        parts = [reading.observed_date.isoformat() if with_year else f"{reading.observed_date:%m-%d}"]
        if reading.age_days:
            parts.append(self.label("age", days=reading.age_days))
        if reading.is_final is False:
            parts.append(self.label("not_final"))
        if (reading.source_count or 0) > 1:
            parts.append(self.label("pooled", sources=reading.source_count))
        return self.label("comma").join(parts)

    def met(self, met: int | None, total: int | None) -> str:
        """How many of a bucket's groups of rules hold."""
        return self.label("met", met=UNKNOWN if met is None else met, total=UNKNOWN if total is None else total)

    def number(self, value: float | None, unit: str | None, decimals: int | None = 2) -> str:
        """A value with its unit."""
        return self._bound(number(value, unit, decimals, self.language))

    def signed(self, value: float, unit: str | None, decimals: int | None = 2) -> str:
        """A difference with its unit and its sign, also when positive."""
        return self._bound(signed(value, unit, decimals, self.language))

    def _bound(self, text: str) -> str:
        return text.replace(" ", "\u00a0") if self.binds_units else text

    def money(self, value: float | None) -> str:
        """Dollars without cents."""
        return self.number(value, MONEY, 0)

    def value(self, reading: Reading) -> str:
        """A reading with its unit; of a value left out because it may not be passed on, just that."""
        if self.is_withheld(reading):
            return self.label("withheld")
        return self.number(reading.value, reading.unit, reading.decimals)

    def is_withheld(self, reading: Reading) -> bool:
        """Whether a reading is known, but its value was left out."""
        return reading.value is None and reading.observed_date is not None

    def short(self, value: float) -> str:
        """A number beside an axis, without its unit."""
        for start, size, name, _ in SIZES[self.language]:
            if abs(value) >= start:
                return _typeset(f"{value / size:,.4g}{' ' if self.language == 'en' else ''}{name}")
        return _typeset(f"{value:,.4g}")

    def flip(self, bucket: BucketReading, readings: Mapping[str, Reading]) -> str:
        """The smallest change of a reading that flips the bucket, what else it needs, and the state it leads to."""
        signal = readings.get(bucket.flip_signal_id or "")
        if bucket.flip_distance is None or bucket.flip_to_state is None or signal is None:
            return UNKNOWN if bucket.state == "unknown" else self.label("no_flip")
        parts = [self._change(signal, bucket.flip_distance, bucket.primary)]
        if bucket.flip_readings:
            label = "one_more_reading" if bucket.flip_readings == 1 else "more_readings"
            parts.append(self.label(label, readings=bucket.flip_readings))
        also = (
            self._change(readings[name], value - (readings[name].value or 0.0), bucket.primary)
            for name, value in bucket.flip_also_needs.items()
            if name in readings
        )
        needs = self.label("listed").join(also)
        said = self.label("comma").join([*parts, *([self.label("needs_also", what=needs)] if needs else [])])
        return self.label("to_state", distance=said, state=self.say("states", bucket.flip_to_state))

    def _change(self, signal: Reading, distance: float, primary: Reading) -> str:
        said = self.signed(distance, signal.unit, signal.decimals) if distance else self.label("already_met")
        return said if signal == primary else f"{said} · {self.name(signal)}"

    def rules(
        self,
        rules: Iterable[Rule],
        readings: Mapping[str, Reading],
        primary: Reading | None = None,
        with_values: bool = False,
    ) -> list[str]:
        """One line a group of rules, each marked with whether it holds; rows of a group are joined by *and*.

        The primary signal goes without its name. `with_values` adds the reading that each rule was held against.
        """
        groups: dict[tuple[str, str], list[str]] = {}
        for rule in rules:
            sentence = f"{MARKS[rule.holds]} {self.rule(rule, readings, primary)}"
            if with_values and rule.value is not None:
                sentence += f" [{self.held_against(rule, readings)}]"
            groups.setdefault((rule.direction, rule.rule_group), []).append(sentence)
        joint = f" {self.label('and')} "
        return [
            (self.label("unless") if direction == "refutes" else "") + joint.join(group)
            for (direction, _), group in groups.items()
        ]

    def rule(self, rule: Rule, readings: Mapping[str, Reading], primary: Reading | None = None) -> str:
        """What a rule asks, as an analyst reads it."""
        if rule.unit == "state":
            bucket = self.say("buckets", rule.signal_id.removeprefix(STATE_OF))
            return f"{bucket} = {self._state(rule.enter_threshold)}"
        is_primary = primary is not None and rule.signal_id == primary.signal_id
        parts = [
            "" if is_primary else self.signal_name(rule.signal_id, readings),
            self.say("measures", rule.measure),
            OPERATORS.get(rule.operator, rule.operator),
            self._bound(threshold(rule.enter_threshold, rule.unit, self.language)),
            self.label("for_readings", readings=rule.readings) if (rule.readings or 1) > 1 else "",
        ]
        return " ".join(part for part in parts if part)

    def held_against(self, rule: Rule, readings: Mapping[str, Reading]) -> str:
        """The reading that a rule was held against."""
        if rule.unit == "state":
            return self._state(rule.value)
        signal = readings.get(rule.signal_id)
        if signal is None or rule.measure.startswith("percentile"):
            return self.number(rule.value, None, 0)
        return self.number(rule.value, signal.unit, signal.decimals)

    def _state(self, count: float | None) -> str:
        return self.say("states", STATES.get(int(count or 0), ""))

    def signal_name(self, signal_id: str, readings: Mapping[str, Reading]) -> str:
        """The name of what a rule reads: a signal, a bucket's state, or the days since a capitulation."""
        if signal_id.startswith(STATE_OF):
            return self.say("short", signal_id.removeprefix(STATE_OF))
        return self.name(readings[signal_id]) if signal_id in readings else self.say("names", signal_id)

    def origin(self, board: Board) -> str:
        """Where the data comes from."""
        if board.is_simulated:
            return self.label("origin_simulated")
        return self.label("origin_public") if board.origin == PUBLIC_ORIGIN else board.origin

    def verdict(self, board: Board) -> str:
        """Does the level hold? Position and evidence, in the warehouse's own sentence; without values where they are
        left out."""
        regime = board.regime
        line = regime.verdict_line_zh if self.language == "zh" else regime.verdict_line
        if line is not None:
            return line.replace("\u202f", "\u00a0") if self.binds_units else line
        position, evidence = self.say("positions", regime.position), self.say("evidence", regime.evidence_for_level)
        decided_by = regime.decided_by_zh if self.language == "zh" else regime.decided_by
        said = f"{position}{self.label('semicolon')}{evidence}{self.label('colon')}{decided_by}{self.label('stop')}"
        return said.rstrip()

    def level_in_force(self, board: Board, with_edge: bool = True) -> str | None:
        """Since when the level is in force, what it was before, and the edge that is nearest; None without a level."""
        regime = board.regime
        if regime.level_usd is None or regime.level_since is None:
            return None
        parts = [self.label("level_since", date=self.day(regime.level_since))]
        if regime.level_before_usd is not None:
            because = self.say("moved_because", regime.level_moved_because)
            parts.append(self.label("level_before", before=self.money(regime.level_before_usd), because=because))
        if with_edge and regime.nearest_edge_usd is not None and regime.close_to_nearest_edge_pct is not None:
            away = regime.close_to_nearest_edge_pct
            label = "edge_under" if away >= 0 else "edge_over"
            distance = self.number(abs(away), "%", 1)
            parts.append(self.label(label, edge=self.money(regime.nearest_edge_usd), distance=distance))
        return self.label("semicolon").join(parts)

    def since(self, board: Board) -> str:
        """Since when the regime of the date lasts."""
        since = board.regime.since
        return self.label("since", date=self.day(since), days=(board.signal_date - since).days + 1)

    def price(self, board: Board) -> str:
        """The price against level and cluster, in one sentence."""
        regime = board.regime
        if regime.btc_close_usd is None:
            return self.label("price_withheld" if board.is_public else "no_price")
        if regime.level_usd is None:
            return self.label("comma").join([self.money(regime.btc_close_usd), self.label("no_level")])
        distance = (regime.btc_close_usd / regime.level_usd - 1) * 100
        sentence = self.label(
            "above_level" if distance >= 0 else "below_level",
            close=self.money(regime.btc_close_usd),
            distance=self.number(abs(distance), "%", 1),
            level=self.money(regime.level_usd),
        )
        where = self._place(regime.btc_close_usd, regime.cluster_low_usd, regime.cluster_high_usd)
        return self.label("comma").join([sentence, where]) if where else sentence

    def _place(self, close: float, low: float | None, high: float | None) -> str:
        if low is None or high is None:
            return ""
        place = "below_cluster" if close < low else "above_cluster" if close > high else "in_cluster"
        return self.label(place, low=self.number(low, None, 0), high=self.money(high))

    def next_condition(self, board: Board) -> str:
        """The first condition of the path that is not true yet."""
        wanted = board.regime.next_condition
        if wanted is None:
            return self.label("next_none")
        held = self.truth(board.conditions[wanted].holds)
        return f"{wanted}{self.label('colon')}{self.say('conditions', wanted)} ({held})"
