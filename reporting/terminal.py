"""The board for a terminal of a hundred columns, and as JSON for programs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from rich import box
from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from reporting.board import Board, Bucket
from reporting.words import MONEY, Words, headlines, number

WIDTH = 100

STYLES = {"bull": "green", "improving": "green", "worsening": "red", "bear": "red", "unknown": "dim"}


def as_json(board: Board) -> str:
    """The board with every reading, rule and state that it shows; dates as ISO text, missing values as null."""
    return json.dumps(asdict(board), default=str, ensure_ascii=False, indent=2, allow_nan=False)


def render(board: Board, language: str = "en") -> RenderableType:
    """The board as something that rich can print, at most a hundred columns wide."""
    words = Words(language)
    parts = Group(*_head(board, words), _table(board, words), _framework(board, words), *_foot(board, words))
    return Constrain(parts, WIDTH)


def _head(board: Board, words: Words) -> Iterator[RenderableType]:
    if board.is_simulated:
        yield Text(words.label("simulated"), style="bold yellow")
    yield Text(f"{words.label('title')}  {words.day(board.signal_date)}", style="bold")
    yield Text(words.label("as_known"), style="dim")
    yield Text()
    regime = words.say("regimes", board.regime.regime)
    meaning = words.say("meaning", board.regime.regime)
    comma, colon, stop = (words.label(sign) for sign in ("comma", "colon", "stop"))
    yield Text.assemble((regime, "bold"), f"{comma}{words.since(board)}{colon}{meaning}{stop}".rstrip())
    yield Text(f"{words.price(board)}{stop}".rstrip())
    yield Text(f"{words.label('next')}{colon}{words.next_condition(board)}")


def _table(board: Board, words: Words) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, expand=True)
    fixed = {"bucket": 11, "state": 10, "flip": 12}
    for label in ("bucket", "reading", "confirms", "continues", "state", "flip"):
        table.add_column(words.label(label), width=fixed.get(label), ratio=None if label in fixed else 1)
    for bucket in board.buckets:
        confirms = words.rules(bucket.confirms, board.readings, bucket.primary)
        continues = words.rules(bucket.continues, board.readings, bucket.primary)
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


def _readings(board: Board, bucket: Bucket, words: Words) -> Iterator[str]:
    """The primary reading, the first known headline, and what the bucket waits for."""
    known = (board.readings.get(signal_id) for signal_id in headlines(bucket.bucket))
    others = [reading for reading in known if reading is not None and reading.value is not None]
    for reading in [bucket.primary, *others[:1]]:
        yield f"{words.name(reading)} {words.value(reading)} ({words.freshness(reading, with_year=False)})"
    if bucket.waiting_for:
        yield words.label("waiting", what=bucket.waiting_for)


def _state(bucket: Bucket, words: Words) -> str:
    state = words.say("states", bucket.state)
    return f"{state}\n{words.label('days', days=bucket.days_in_state)}" if bucket.days_in_state else state


def _framework(board: Board, words: Words) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for title, letter in (("holding", "H"), ("retest", "R"), ("sequence", "S")):
        table.add_row("", Text(words.label(title), style="bold"), "")
        for name, condition in board.conditions.items():
            if name.startswith(letter):
                table.add_row(name, words.say("conditions", name), words.truth(condition.holds))
    return table


def _foot(board: Board, words: Words) -> Iterator[RenderableType]:
    regime = board.regime
    yield Text()
    yield Text(f"{words.label('level')}: {number(regime.level_usd, MONEY, 0)}")
    if regime.cluster_low_usd is not None:
        low, high = number(regime.cluster_low_usd, None, 0), number(regime.cluster_high_usd, MONEY, 0)
        source = words.say("cluster_sources", regime.cluster_source)
        yield Text(f"{words.label('cluster')}: {low}–{high} ({source})")
    if regime.explanation:
        yield Text(f"{words.label('why')}: {regime.explanation}")
    yield Text(f"{words.label('origin')}: {board.origin}", style="dim")
    if board.is_simulated:
        yield Text(words.label("simulated"), style="bold yellow")
