"""The board for a terminal of 60 to 140 columns, and as JSON for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reporting import forecast_words, scorecard
from reporting.board import Board, BucketReading
from reporting.evidence import bucket_evidence, condition_evidence, regime_reason, waiting_for
from reporting.localization import MARKS, Words, headlines
from reporting.observed import lateness

TABLE_FROM = 80  # columns: below this a table would cut words to pieces
BESIDE_FROM = 100  # from here on the path has room beside what decides
WIDEST = 140  # longer lines are hard to read

TITLES = {"H": "holding", "R": "retest", "S": "sequence"}

STYLES = {"bull": "green", "improving": "green", "worsening": "red", "bear": "red", "unknown": "dim"}


def as_json(board: Board, language: str = "en") -> str:
    """The board with every reading, rule and state that it shows; dates as ISO text, missing values as null.

    In English evidence and reasons are the warehouse's own words; in another language they are said anew.
    """
    content = asdict(board)
    if language != "en":
        words = Words(language)
        content["regime"]["explanation"] = regime_reason(words, board)
        for said, bucket in zip(content["buckets"], board.buckets, strict=True):
            said["evidence"] = bucket_evidence(words, board, bucket)
            said["waiting_for"] = waiting_for(words, board, bucket)
        for name, condition in board.conditions.items():
            content["conditions"][name]["evidence"] = condition_evidence(words, board, condition)
    return json.dumps(content, default=str, ensure_ascii=False, indent=2, allow_nan=False)


def render(
    board: Board,
    language: str = "en",
    *,
    full: bool = False,
    now: datetime | None = None,
    records: Mapping[scorecard.Key, scorecard.Record] | None = None,
) -> RenderableType:
    """The board as something that rich can print, in a layout for the width of whatever prints it.

    It answers the question on one screen of forty lines at a hundred columns; `full` adds every rule with the reading
    it was held to, and from `records` what followed each condition and the regime so far. `now` (aware) is when it is
    looked at: a board that is late then says so; None for a past day.
    """
    return BoardDisplay(board, Words(language), full, lateness(board, now) if now else 0, records or {})


@dataclass(frozen=True)
class BoardDisplay:
    """A board that lays itself out for 60 columns as well as for 140: below a table's least width it is a list."""

    board: Board
    words: Words
    full: bool
    days_late: int
    records: Mapping[scorecard.Key, scorecard.Record]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDEST)
        yield Constrain(Group(*self._parts(width)), width)

    def _parts(self, width: int) -> Iterator[RenderableType]:
        board, words = self.board, self.words
        if self.days_late:
            yield Text(words.say("site", "late", date=board.signal_date, days=self.days_late), style="bold red")
        yield from _head(board, words, full=self.full)
        yield Text()
        if width < TABLE_FROM:
            yield from _list(board, words, full=self.full)
        else:
            yield _rules_table(board, words) if self.full else _summary_table(board, words, width)
        yield Text()
        beside = width >= BESIDE_FROM and not self.full
        records = self.records if self.full else {}
        yield _framework_aside(board, words) if beside else _framework(board, words, "HRS", records, full=self.full)
        yield from _foot(board, words, records, full=self.full)


def _head(board: Board, words: Words, *, full: bool) -> Iterator[RenderableType]:
    if board.is_simulated:
        yield Text(words.label("simulated"), style="bold yellow")
    day = f"{words.label('title')}  {words.day(board.signal_date)}"
    yield Text.assemble((day, "bold"), (f"{words.label('comma')}{words.label('as_known')}", "dim"))
    yield Text(words.verdict(board), style="bold")
    if level := words.level_in_force(board, with_edge=full):
        yield Text(f"{level}{words.label('stop')}".rstrip())
    regime = words.say("regimes", board.regime.regime)
    meaning = words.say("meaning", board.regime.regime)
    comma, colon, stop = (words.label(sign) for sign in ("comma", "colon", "stop"))
    yield Text(f"{words.label('regime')}{colon}{regime}{comma}{words.since(board)}{colon}{meaning}{stop}".rstrip())
    yield Text(f"{words.price(board)}{stop}".rstrip())
    yield Text(f"{words.label('next')}{colon}{words.next_condition(board)}")
    yield from (Text(line) for line in forecast_words.lines(words, board.forecast)[:3])


def _summary_table(board: Board, words: Words, width: int) -> Table:
    """A line or two a bucket: the reading that decides it, how many rules hold on each side, state, nearest flip."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, expand=True)
    flip = 18 if width < BESIDE_FROM else 30 if width < 120 else 40
    widths = {"bucket": 11, "confirms_short": 8, "continues_short": 7, "state": 11, "flip": flip}
    for label in ("bucket", "reading", "confirms_short", "continues_short", "state", "flip"):
        # Chinese has no spaces to break a line at: what does not fit goes on in the next line, never lost.
        fixed = widths.get(label)
        table.add_column(words.label(label), overflow="fold", width=fixed, ratio=None if fixed else 1)
    for bucket in board.buckets:
        reading = bucket.primary
        said = f"{words.name(reading)} {words.value(reading)}"
        if reading.age_days or reading.is_final is False:
            said = f"{said} ({words.freshness(reading, with_year=False)})"
        waiting = waiting_for(words, board, bucket) if bucket.state == "unknown" else None
        state = f"{words.say('shapes', bucket.state)} {words.say('states', bucket.state)}"
        table.add_row(
            words.say("short", bucket.bucket),
            _lines([said, *([words.label("waiting", what=waiting)] if waiting else [])]),
            f"{bucket.confirms_met}/{bucket.confirms_total}",
            f"{bucket.continues_met}/{bucket.continues_total}",
            Text(state, STYLES.get(bucket.state, "")),
            Text(words.flip(bucket, board.readings)),
        )
    return table


def _list(board: Board, words: Words, *, full: bool) -> Iterator[RenderableType]:
    """A paragraph a bucket, for a terminal that is too narrow for a table."""
    for bucket in board.buckets:
        met = f"{words.label('confirms_short')} {bucket.confirms_met}/{bucket.confirms_total}"
        against = f"{words.label('continues_short')} {bucket.continues_met}/{bucket.continues_total}"
        state = f"{words.say('shapes', bucket.state)} {words.say('states', bucket.state)}"
        name = (words.say("short", bucket.bucket), "bold")
        yield Text.assemble(name, "  ", (state, STYLES.get(bucket.state, "")), f"  {met} · {against}")
        lines = list(_readings(board, bucket, words))[: None if full else 1]
        if full:
            lines += words.rules(
                (*bucket.confirms, *bucket.continues), board.readings, bucket.primary, with_values=True
            )
        flip = f"{words.label('flip')}{words.label('colon')}{words.flip(bucket, board.readings)}"
        yield from (Padding(Text(line), (0, 0, 0, 2)) for line in [*lines, flip])


def _rules_table(board: Board, words: Words) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, expand=True)
    fixed = {"bucket": 11, "state": 10, "flip": 12}
    for label in ("bucket", "reading", "confirms", "continues", "state", "flip"):
        width = fixed.get(label)
        table.add_column(words.label(label), overflow="fold", width=width, ratio=None if width else 1)
    for bucket in board.buckets:
        confirms = words.rules(bucket.confirms, board.readings, bucket.primary, with_values=True)
        continues = words.rules(bucket.continues, board.readings, bucket.primary, with_values=True)
        table.add_row(
            words.say("short", bucket.bucket),
            _lines(_readings(board, bucket, words)),
            _lines([words.met(bucket.confirms_met, bucket.confirms_total), *confirms]),
            _lines([words.met(bucket.continues_met, bucket.continues_total), *continues]),
            Text(_state(bucket, words), style=STYLES.get(bucket.state, "")),
            Text(words.flip(bucket, board.readings)),
        )
        table.add_section()
    return table


def _lines(lines: Iterable[str]) -> Text:
    return Text("\n".join(lines))


def _readings(board: Board, bucket: BucketReading, words: Words) -> Iterator[str]:
    """The primary reading, the first known headline, and what the bucket waits for."""
    known = (board.readings.get(signal_id) for signal_id in headlines(bucket.bucket))
    others = [reading for reading in known if reading is not None and reading.value is not None]
    for reading in [bucket.primary, *others[:1]]:
        yield f"{words.name(reading)} {words.value(reading)} ({words.freshness(reading, with_year=False)})"
    if waiting := waiting_for(words, board, bucket):
        yield words.label("waiting", what=waiting)


def _state(bucket: BucketReading, words: Words) -> str:
    state = words.say("states", bucket.state)
    return f"{state}\n{words.label('days', days=bucket.days_in_state)}" if bucket.days_in_state else state


def _framework_aside(board: Board, words: Words) -> Table:
    """What decides on the left, the path beside it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(_framework(board, words, "HR", {}), _framework(board, words, "S", {}))
    return table


def _framework(
    board: Board,
    words: Words,
    letters: str,
    records: Mapping[scorecard.Key, scorecard.Record],
    *,
    full: bool = False,
) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for letter in letters:
        table.add_row("", Text(words.label(TITLES[letter]), style="bold"), "")
        for name, condition in board.conditions.items():
            if name.startswith(letter):
                said = words.say("conditions", name)
                if full:
                    said = f"{said}\n{condition_evidence(words, board, condition)}"
                if records:
                    said = f"{said}\n{_record(words, ('condition', name, 'holds'), records)}"
                table.add_row(name, Text(said), f"{MARKS[condition.holds]} {words.truth(condition.holds)}")
    return table


def _record(words: Words, key: scorecard.Key, records: Mapping[scorecard.Key, scorecard.Record]) -> str:
    return scorecard.sentence(words, key, records.get(key))


def _foot(
    board: Board, words: Words, records: Mapping[scorecard.Key, scorecard.Record], *, full: bool
) -> Iterator[RenderableType]:
    regime, colon = board.regime, words.label("colon")
    yield Text()
    if full and regime.cluster_low_usd is not None:  # else the price's own line has to do
        low, high = words.number(regime.cluster_low_usd, None, 0), words.money(regime.cluster_high_usd)
        source = words.say("cluster_sources", regime.cluster_source)
        yield Text(f"{words.label('cluster')}{colon}{low}–{high} ({source})")
    if reason := regime_reason(words, board):
        yield Text(f"{words.label('why')}{colon}{reason}")
    if records:
        said = _record(words, ("regime", "regime", regime.regime), records)
        yield Text(f"{words.say('regimes', regime.regime)}{colon}{said}")
    if full or not board.is_simulated:  # the last line says it too
        yield Text(f"{words.label('origin')}{colon}{words.origin(board)}", style="dim")
    if not full:
        yield Text(words.label("more"), style="dim")
    if board.is_simulated:
        yield Text(words.label("simulated"), style="bold yellow")
