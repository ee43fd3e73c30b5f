"""How the board speaks: texts in English and Chinese, numbers with their units, rules as sentences."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from reporting.board import Board, Bucket, Reading, Rule

LANGUAGES: Final = ("en", "zh")
UNKNOWN: Final = "–"

MILLION: Final = 1e6
BILLION: Final = 1e9

# The sign after a number, by unit as dim_signal and dim_rule spell it; money is told apart below.
SIGNS: Final[Mapping[str, str]] = {
    "%": " %",
    "vol points": " vol",
    "bp": " bp",
    "h": " h",
    "days": " d",
    "BTC": " BTC",
    "ratio": "",
    "count": "",
    "correlation": "",
    "percentile": "",
}
MONEY: Final = "USD"
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


def number(value: float | None, unit: str | None, decimals: int | None = 2) -> str:
    """A value with its unit, as short as its size allows: 1.26 bn USD, −9.4 vol, 69 950 USD."""
    if value is None:
        return UNKNOWN
    scale, sign = _scale(value, unit)
    shown = {BILLION: 2, MILLION: 1}.get(scale, 2 if decimals is None else decimals)
    return _typeset(f"{value / scale:,.{shown}f}{sign}")


def signed(value: float, unit: str | None, decimals: int | None = 2) -> str:
    """A difference: with its sign, also when positive."""
    return f"{'+' if value > 0 else ''}{number(value, unit, decimals)}"


def threshold(value: float | None, unit: str | None) -> str:
    """A rule's threshold as an analyst wrote it: no padding, no rounding."""
    if value is None:
        return UNKNOWN
    scale, sign = _scale(value, unit)
    return _typeset(f"{value / scale:,.10g}{sign}")


def _scale(value: float, unit: str | None) -> tuple[float, str]:
    if unit == MONEY and abs(value) >= BILLION:
        return BILLION, " bn USD"
    if unit == MONEY and abs(value) >= MILLION:
        return MILLION, " m USD"
    return 1.0, SIGNS.get(unit or "", f" {unit}" if unit else "")


def _typeset(text: str) -> str:
    """A real minus, and spaces between thousands, which no language takes for a decimal sign."""
    return text.replace("-", "−").replace(",", "\u202f")


@dataclass(frozen=True)
class Words:
    """The texts of one language."""

    language: str

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
        """The date of a reading, its age where it is not the day's own, and whether its source may still change it."""
        if reading.value is None or reading.observed_date is None:
            return self.label("not_known")
        parts = [reading.observed_date.isoformat() if with_year else f"{reading.observed_date:%m-%d}"]
        if reading.age_days:
            parts.append(self.label("age", days=reading.age_days))
        if reading.is_final is False:
            parts.append(self.label("not_final"))
        return self.label("comma").join(parts)

    def met(self, met: int | None, total: int | None) -> str:
        """How many of a bucket's groups of rules hold."""
        return self.label("met", met=UNKNOWN if met is None else met, total=UNKNOWN if total is None else total)

    def value(self, reading: Reading) -> str:
        """A reading with its unit."""
        return number(reading.value, reading.unit, reading.decimals)

    def scale(self, value: float, decimals: int | None) -> str:
        """A number beside a chart's axis, without its unit."""
        for size, sign in ((BILLION, " bn"), (MILLION, " m")):
            if abs(value) >= size:
                return _typeset(f"{value / size:,.1f}{sign}")
        return number(value, None, decimals)

    def flip(self, bucket: Bucket, readings: Mapping[str, Reading]) -> str:
        """What must be added to which signal for the bucket's nearest flip."""
        signal = readings.get(bucket.flip_signal_id or "")
        if bucket.flip_distance is None or signal is None:
            return UNKNOWN
        if bucket.flip_unit == "percentile":
            distance = f"{self.say('measures', 'percentile_365d')} {signed(bucket.flip_distance, None, 0)}"
        else:
            distance = signed(bucket.flip_distance, signal.unit, signal.decimals)
        return distance if signal == bucket.primary else f"{distance} · {self.name(signal)}"

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
                sentence += f" [{self._held_against(rule, readings)}]"
            groups.setdefault((rule.direction, rule.rule_group), []).append(sentence)
        joint = f" {self.label('and')} "
        return [
            (self.label("unless") if direction == "refutes" else "") + joint.join(group)
            for (direction, _), group in groups.items()
        ]

    def rule(self, rule: Rule, readings: Mapping[str, Reading], primary: Reading | None = None) -> str:
        """What a rule asks, as an analyst reads it."""
        if rule.unit == "state":
            bucket = self.say("buckets", rule.signal_id.removeprefix("state_"))
            return f"{bucket} = {self._state(rule.enter_threshold)}"
        is_primary = primary is not None and rule.signal_id == primary.signal_id
        parts = [
            "" if is_primary else self._signal_name(rule.signal_id, readings),
            self.say("measures", rule.measure),
            OPERATORS.get(rule.operator, rule.operator),
            threshold(rule.enter_threshold, rule.unit),
            self.label("for_readings", readings=rule.readings) if (rule.readings or 1) > 1 else "",
        ]
        return " ".join(part for part in parts if part)

    def _held_against(self, rule: Rule, readings: Mapping[str, Reading]) -> str:
        if rule.unit == "state":
            return self._state(rule.value)
        signal = readings.get(rule.signal_id)
        if signal is None or rule.measure.startswith("percentile"):
            return number(rule.value, None, 0)
        return number(rule.value, signal.unit, signal.decimals)

    def _state(self, count: float | None) -> str:
        return self.say("states", STATES.get(int(count or 0), ""))

    def _signal_name(self, signal_id: str, readings: Mapping[str, Reading]) -> str:
        return self.name(readings[signal_id]) if signal_id in readings else self.say("names", signal_id)

    def since(self, board: Board) -> str:
        """Since when the regime of the date lasts."""
        since = board.regime.since
        return self.label("since", date=self.day(since), days=(board.signal_date - since).days + 1)

    def price(self, board: Board) -> str:
        """The price against level and cluster, in one sentence."""
        regime = board.regime
        if regime.btc_close_usd is None:
            return self.label("no_price")
        if regime.level_usd is None:
            return self.label("comma").join([number(regime.btc_close_usd, MONEY, 0), self.label("no_level")])
        distance = (regime.btc_close_usd / regime.level_usd - 1) * 100
        sentence = self.label(
            "above_level" if distance >= 0 else "below_level",
            close=number(regime.btc_close_usd, MONEY, 0),
            distance=f"{abs(distance):.1f} %",
            level=number(regime.level_usd, MONEY, 0),
        )
        where = self._place(regime.btc_close_usd, regime.cluster_low_usd, regime.cluster_high_usd)
        return self.label("comma").join([sentence, where]) if where else sentence

    def _place(self, close: float, low: float | None, high: float | None) -> str:
        if low is None or high is None:
            return ""
        place = "below_cluster" if close < low else "above_cluster" if close > high else "in_cluster"
        return self.label(place, low=number(low, None, 0), high=number(high, MONEY, 0))

    def next_condition(self, board: Board) -> str:
        """The first condition of the path that is not true yet."""
        wanted = board.regime.next_condition
        if wanted is None:
            return self.label("next_none")
        held = self.truth(board.conditions[wanted].holds)
        return f"{wanted}{self.label('colon')}{self.say('conditions', wanted)} ({held})"
