"""One language's view of the report: what the template asks for, as text and drawings ready to be set."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from markupsafe import Markup

from reporting import evidence, forecast_words
from reporting.board import Board, BucketReading, Condition, Reading
from reporting.changes import changes
from reporting.chart import MOVE_PARTS, Chart
from reporting.context import CalendarEvent, Context, MoveAttribution
from reporting.drawing import placed
from reporting.localization import LANGUAGE_TAGS, LANGUAGES, MARKS, UNKNOWN, Words, headlines
from reporting.scorecard import sentence as scorecard_sentence

# Buckets that decide each step of the path, whose flips are therefore the ones to watch.
STEPS: Final[Mapping[str, Sequence[str]]] = {"S1": ("macro",), "S2": ("flows",), "S3": ("derivatives", "options")}
NEXT_EVENTS: Final = 3
EVENTS_WITHIN_DAYS: Final = 45
# Kinds of events by how much they have moved the market: the most important first.
IMPORTANCE: Final[Mapping[str, int]] = {
    kind: rank
    for rank, kind in enumerate(("FOMC", "CPI", "US statistics", "policy", "difficulty adjustment", "option expiry"))
}
# Decimals of the columns of chart tables that are no signals.
DECIMALS: Final = {
    "date": 0,
    "tenor": 0,
    "strike": 0,
    "close": 0,
    "level": 0,
    "cluster_low": 0,
    "cluster_high": 0,
    "r2": 2,
}


class View:
    """The board and what surrounds it, in the words of one language."""

    def __init__(self, board: Board, context: Context, charts: Mapping[str, Chart], language: str):
        self.language = language
        self.words = Words(language, binds_units=True)
        self.board = board
        self.context = context
        self.charts = charts

    def readings(self, bucket: BucketReading) -> list[Reading]:
        """The primary reading of a bucket and the known ones that are shown under it."""
        others = (self.board.readings.get(name) for name in headlines(bucket.bucket))
        shown = [each for each in others if each and each.observed_date is not None and each != bucket.primary]
        return [bucket.primary, *shown]

    def condition_record(self, name: str) -> str | None:
        """What followed a condition so far; None on a page that must not know it."""
        key = ("condition", name, "holds")
        scorecard = self.context.scorecard
        return scorecard_sentence(self.words, key, scorecard.get(key)) if scorecard else None

    def bucket_record(self, bucket: BucketReading) -> str | None:
        """What followed the state that a bucket is in."""
        key = ("bucket", bucket.bucket, bucket.state)
        scorecard = self.context.scorecard
        return scorecard_sentence(self.words, key, scorecard.get(key)) if scorecard else None

    def regime_record(self) -> str | None:
        """What followed the regime that the date is in."""
        key = ("regime", "regime", self.board.regime.regime)
        scorecard = self.context.scorecard
        return scorecard_sentence(self.words, key, scorecard.get(key)) if scorecard else None

    def forecast_lines(self) -> list[str]:
        """The forecast of the date in a few sentences, with its record."""
        return forecast_words.lines(self.words, self.board.forecast)

    def forecast_table(self) -> list[tuple[str, ...]]:
        """The chances of the level and the cluster, by horizon."""
        return list(forecast_words.table(self.words, self.board.forecast)) if self.board.forecast else []

    def later(self, reading: Reading) -> str | None:
        """The date's own figure where it came after the cut-off and says something else; None where it did not."""
        if reading.value is None or reading.settled is None:
            return None
        settled = self.words.number(reading.settled, reading.unit, reading.decimals)
        return None if settled == self.words.value(reading) else self.words.label("came_later", value=settled)

    def trace(self, reading: Reading) -> list[tuple[str, str]]:
        """How a number is known: pairs of what and how, as far as there is something to say."""
        words, says = self.words, self.words.label
        settled = words.number(reading.settled, reading.unit, reading.decimals)
        known_at = stamp(reading.known_at)
        facts = {
            "signal_id": reading.signal_id,
            "provider": words.say("providers", reading.provider) if reading.provider else "",
            "datasets": reading.datasets or "",
            "observed": reading.observed_date.isoformat() if reading.observed_date else "",
            "settled": "" if reading.settled is None else settled,
            "known_at": known_at,
            "basis": words.say("bases", reading.known_at_basis) if reading.known_at_basis else "",
            "percentile": "" if reading.percentile_365d is None else words.number(reading.percentile_365d, None, 0),
            "week_change": ""
            if reading.change_7d is None
            else words.signed(reading.change_7d, reading.unit, reading.decimals),
            "venues": str(reading.source_count or ""),
            # Free text of the warehouse, which is in English.
            "note": (reading.method_note or "") if self.language == "en" else "",
            "formula": (reading.formula or "") if self.language == "en" else "",
            "republish": words.truth(reading.publishable) if reading.publishable is not None else "",
        }
        return [(says(name), value) for name, value in facts.items() if value]

    def traced(self) -> list[Reading]:
        """Every reading that something on the page rests on, bucket by bucket."""
        rules = [
            *(rule for bucket in self.board.buckets for rule in (*bucket.confirms, *bucket.continues)),
            *(rule for condition in self.board.conditions.values() for rule in condition.rules),
        ]
        shown = [reading.signal_id for bucket in self.board.buckets for reading in self.readings(bucket)]
        names = dict.fromkeys([*shown, *(rule.signal_id for rule in rules)])
        found = [self.board.readings[name] for name in names if name in self.board.readings]
        order = [bucket.bucket for bucket in self.board.buckets]
        return sorted(found, key=lambda each: order.index(each.bucket) if each.bucket in order else -1)

    def source(self, bucket: BucketReading) -> list[str]:
        """Where the readings shown of a bucket come from."""
        providers = [reading.provider for reading in self.readings(bucket) if reading.provider]
        return [self.words.say("providers", provider) for provider in dict.fromkeys(providers)]

    def evidence(self, bucket: BucketReading) -> str:
        """The rules that hold and what was skipped."""
        return evidence.bucket_evidence(self.words, self.board, bucket)

    def waiting(self, bucket: BucketReading) -> str | None:
        """What a bucket waits for."""
        return evidence.waiting_for(self.words, self.board, bucket)

    def condition_evidence(self, condition: Condition) -> str:
        """Every clause of a condition."""
        return evidence.condition_evidence(self.words, self.board, condition)

    def reason(self) -> str | None:
        """What decided the regime."""
        return evidence.regime_reason(self.words, self.board)

    def regimes_shown(self) -> list[str]:
        """The regimes of the days shown, in the order in which they came."""
        return list(dict.fromkeys(regime for _, regime in self.context.history.regimes))

    def changes(self) -> list[str]:
        """What differs from yesterday; empty without a yesterday."""
        yesterday = self.context.yesterday
        return [] if yesterday is None else changes(self.words, self.board, yesterday)

    def flips_ahead(self) -> list[tuple[str, str]]:
        """The buckets on which the next condition rests, with their distances to a flip."""
        ahead = STEPS.get(self.board.regime.next_condition or "", ())
        buckets = [bucket for bucket in self.board.buckets if bucket.bucket in ahead]
        pairs = [(bucket, self.words.flip(bucket, self.board.readings)) for bucket in buckets]
        return [(self.words.say("short", bucket.bucket), flip) for bucket, flip in pairs if flip != UNKNOWN]

    def to_level(self) -> str | None:
        """How far the close is from the level, in dollars; None without either."""
        regime = self.board.regime
        if regime.btc_close_usd is None or regime.level_usd is None:
            return None
        gap = regime.level_usd - regime.btc_close_usd
        label = "to_level" if gap > 0 else "above_level_by"
        return self.words.label(label, distance=self.words.money(abs(gap)))

    def next_events(self) -> list[CalendarEvent]:
        """The dates ahead that matter most, in their order: a daily expiry does not hide a decision on rates."""
        last = self.board.signal_date + timedelta(days=EVENTS_WITHIN_DAYS)
        ahead = [event for event in self.context.events if self.board.signal_date < event.event_date <= last]
        ranked = sorted(ahead, key=lambda event: (IMPORTANCE.get(event.kind, len(IMPORTANCE)), event.event_date))
        return sorted(ranked[:NEXT_EVENTS], key=lambda event: event.event_date)

    def title(self, event: CalendarEvent) -> str:
        """What happens. In Chinese, an event that nobody wrote in Chinese says its kind."""
        if self.language == "en":
            return event.title
        return event.title_zh or self.words.say("events", event.kind)

    def when(self, day: date) -> str:
        """How far a date is from the board's."""
        days = (day - self.board.signal_date).days
        if days == 0:
            return self.words.label("today")
        return self.words.label("in_days" if days > 0 else "days_ago", days=abs(days))

    def answered(self) -> str:
        """How many datasets answered when they were asked last."""
        sources = self.context.sources
        good = sum(source["last_outcome"] in {"answered", "not_asked"} for source in sources)
        return self.words.label("health_summary", answered=good, total=len(sources))

    def age(self, source: Mapping[str, Any]) -> str:
        """Days from a dataset's last data to the end of the signal date; nothing without data."""
        last = source["last_observed_at"]
        if last is None:
            return UNKNOWN
        return self.words.number(max((self.board.signal_date - last.date()).days, 0), "days", 0)

    def parts(self, move: MoveAttribution) -> str:
        """What a day's return moved with, in one line."""
        said = [
            f"{self.words.label(part)} {self.words.signed(value, '%', 1)}"
            for part in MOVE_PARTS
            if (value := getattr(move, f"{part}_pct")) is not None
        ]
        return self.words.label("listed").join(said)

    def drawing(self, name: str) -> Markup:
        """A chart as inline SVG; its sentence is its text alternative."""
        attributes = Markup('role="img" aria-label="{}"').format(f"{self.caption(name)}. {self.sentence(name)}")
        return Markup(placed(self.charts[name].template, f"{self.language}-{name}", str(attributes), self._inside))

    def caption(self, name: str) -> str:
        """What a chart shows."""
        says, chart = self.words.label, self.charts[name]
        if chart.subject:
            return self.words.say("buckets", name)
        if name in {"price", "price_narrow"}:
            return says("price_chart" if self.context.history.close.known else "regimes_chart")
        if name == "strikes":
            return says("strikes", date=chart.facts["expiry"].expiry)
        if name == "probability":
            return says("probability", days=chart.facts["horizon"])
        return says("moves_chart" if name == "moves" else name)

    def sentence(self, name: str) -> str:
        """What a chart says, in one sentence."""
        chart = self.charts[name]
        told = {
            "price": self._price_sentence,
            "price_narrow": self._price_sentence,
            "smile": self._smile_sentence,
            "term": self._term_sentence,
            "strikes": self._strikes_sentence,
            "probability": self._probability_sentence,
            "moves": self._moves_sentence,
        }.get(name)
        return told() if told else self._series_sentence(chart)

    def _price_sentence(self) -> str:
        stop = self.words.label("stop").strip()
        regime = self.words.say("regimes", self.board.regime.regime)
        since = self.words.since(self.board)
        return (
            f"{self.words.capital(self.words.price(self.board))}{stop} {regime}{self.words.label('comma')}{since}{stop}"
        )

    def _series_sentence(self, chart: Chart) -> str:
        reading = self.board.readings[chart.subject or ""]
        known = self.context.history.signals[reading.signal_id].known
        low, high = min(known, key=lambda pair: pair[1]), max(known, key=lambda pair: pair[1])
        values = {
            name: self.words.number(pair[1], reading.unit, reading.decimals)
            for name, pair in {"value": known[-1], "low": low, "high": high}.items()
        }
        dates = {"date": known[-1][0], "low_date": low[0], "high_date": high[0]}
        return self.words.label("series_sentence", name=self.words.name(reading), **values, **dates)

    def _smile_sentence(self) -> str:
        tenor = self.charts["smile"].facts["shortest"]
        put, atm, call = (self._vol(value) for value in tenor.smile)
        days = self.words.label("tenor_days", days=tenor.tenor_days)
        return self.words.label("smile_sentence", tenor=days, put=put, atm=atm, call=call, rr=self._vol(tenor.rr25))

    def _term_sentence(self) -> str:
        curve = self.charts["term"].facts["curve"]
        near, far = min(curve), max(curve)
        shape = self.words.label("inverted" if curve[near] > curve[far] else "upward")
        tenors = {"near_tenor": near, "far_tenor": far}
        said = {name: self.words.label("tenor_days", days=days) for name, days in tenors.items()}
        return self.words.label(
            "term_sentence", near=self._vol(curve[near]), far=self._vol(curve[far]), shape=shape, **said
        )

    def _strikes_sentence(self) -> str:
        expiry = self.charts["strikes"].facts["expiry"]
        return self.words.label(
            "strikes_sentence",
            puts=self.words.number(expiry.puts_btc, None, 0),
            calls=self.words.number(expiry.calls_btc, None, 0),
            strike=self.words.money(expiry.largest_put.strike_usd) if expiry.largest_put else UNKNOWN,
            share=self.words.number(expiry.puts_below_share_pct(self.board.regime.level_usd), "%", 0),
        )

    def _probability_sentence(self) -> str:
        facts = self.charts["probability"].facts
        wanted = self.board.regime.level_usd or facts["known"][len(facts["known"]) // 2].strike_usd
        nearest = min(facts["known"], key=lambda each: abs(each.strike_usd - wanted))
        return self.words.label(
            "probability_sentence",
            below=self.words.number(nearest.below_pct, "%", 0),
            touch=self.words.number(nearest.touch_pct, "%", 0),
            strike=self.words.money(nearest.strike_usd),
            days=facts["horizon"],
        )

    def _moves_sentence(self) -> str:
        move = self.charts["moves"].facts["last"]
        change = self.words.signed(move.return_pct, "%", 1)
        return self.words.label("moved", date=move.signal_date, change=change, parts=self.parts(move))

    def _vol(self, value: float | None) -> str:
        return self.words.number(value, "vol points", 1)

    def heads(self, name: str) -> list[str]:
        """The column heads of a chart's table."""
        return [self._head(column) for column in self.charts[name].columns]

    def _head(self, column: str) -> str:
        if column in self.board.readings:
            return self.words.name(self.board.readings[column])
        return self.words.label(column.replace(".", "_"))

    def cells(self, name: str) -> Iterator[list[str]]:
        """The rows of a chart's table."""
        chart = self.charts[name]
        for row in chart.rows:
            yield [self._cell(column, value) for column, value in zip(chart.columns, row, strict=True)]

    def _cell(self, column: str, value: Any) -> str:
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str):
            return self.words.say("regimes", value)
        if column in self.board.readings:
            reading = self.board.readings[column]
            return self.words.number(value, reading.unit, reading.decimals)
        return self.words.number(value, None, DECIMALS.get(column, 1))

    def _inside(self, key: str) -> str:
        """What stands for a key inside a drawing."""
        kind, _, rest = key.partition(".")
        if kind == "name":
            return self.words.name(self.board.readings[rest])
        if kind == "letter":
            return self.words.say("letters", rest)
        if kind == "short":
            return self.words.short(float(rest))
        if kind == "tenor":
            return self.words.label("tenor_days", days=rest)
        return self.words.label(key.replace(".", "_"))


COLUMNS_OF_BUCKETS: Final = ("reading", "confirms", "continues", "state", "flip", "source")


def column_heads() -> dict[str, list[str]]:
    """What the columns of the table of buckets are called, by the language's tag, for screens without a head row."""
    return {LANGUAGE_TAGS[name]: [Words(name).label(each) for each in COLUMNS_OF_BUCKETS] for name in LANGUAGES}


def mark(holds: bool | None) -> str:
    """The sign of true, false and unknown."""
    return MARKS[holds]


def stamp(value: datetime | date | None) -> str:
    """An instant to the minute, or a date; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"
