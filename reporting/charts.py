"""The charts of the report, each drawn once for all languages and colour schemes, with the data behind it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from matplotlib.axes import Axes

from reporting.board import Board, Rule
from reporting.chart import Chart, move_table, panels_known
from reporting.chart_axes import (
    MINUS,
    NARROW,
    WIDE,
    Style,
    date_axis,
    date_numbers,
    end_labels,
    finished,
    numbers_axis,
    regime_bands,
    share_of_height,
    short_number,
    values_to_draw,
)
from reporting.context import BoardHistory, Context, MoveAttribution
from reporting.drawing import COLOURS, axes, drawing
from reporting.option_charts import probability_chart, smile_chart, strikes_chart, term_chart


def price_charts(history: BoardHistory, *, simulated: bool) -> dict[str, Chart]:
    """The close with level, cluster and regimes, for desktop and phone; regimes alone where no close is known."""
    if not history.close.known:
        return {
            name: Chart(name, _strip(history, width, simulated=simulated), ("date", "regime"), history.regimes[::-1])
            for name, width in {"price": WIDE, "price_narrow": NARROW}.items()
        }
    rows = tuple(
        zip(
            *(history.close.dates, history.close.values, history.level.values),
            *(history.cluster_low.values, history.cluster_high.values, (regime for _, regime in history.regimes)),
            strict=True,
        )
    )
    columns = ("date", "close", "level", "cluster_low", "cluster_high", "regime")
    sizes = {"price": (WIDE, 330.0), "price_narrow": (NARROW, 300.0)}
    return {
        name: Chart(name, _price(history, *size, simulated=simulated), columns, rows[::-1])
        for name, size in sizes.items()
    }


def _price(history: BoardHistory, width: float, height: float, *, simulated: bool) -> str:
    with drawing(width, height) as figure:
        plot = axes(figure, 46, 24, 78 if width == WIDE else 58, 20)
        regime_bands(plot, history, width)
        dates = history.close.dates
        low, high = (values_to_draw(series) for series in (history.cluster_low, history.cluster_high))
        plot.fill_between(
            date_numbers(dates), low, high, step="post", color=COLOURS["cluster"], alpha=0.28, linewidth=0
        )
        level: Style = {"color": COLOURS["level"], "linewidth": 1.4, "linestyle": (0, (6, 3)), "where": "post"}
        plot.step(date_numbers(dates), values_to_draw(history.level), **level)
        plot.plot(date_numbers(dates), values_to_draw(history.close), color=COLOURS["ink"], linewidth=1.8)
        day, close = history.close.known[-1]
        plot.plot(date_numbers([day]), [close], marker="o", markersize=5, color=COLOURS["ink"])
        numbers_axis(plot, lambda value, _: f"{value / 1000:,.0f}k", 6)
        date_axis(plot, dates, 7 if width == WIDE else 4)
        ends = [(close, "ink", "bold")]
        if (last_level := history.level.values[-1]) is not None:
            ends.append((last_level, "level", "normal"))
        end_labels(plot, ends)
        return finished(figure, simulated=simulated, size=54 if width == WIDE else 34)


def _strip(history: BoardHistory, width: float, *, simulated: bool) -> str:
    with drawing(width, 96) as figure:
        plot = axes(figure, 4, 24, 4, 20)
        regime_bands(plot, history, width)
        plot.set_yticks([])
        date_axis(plot, [day for day, _ in history.regimes], 7 if width == WIDE else 4)
        return finished(figure, simulated=simulated, size=30)


def bucket_charts(board: Board, history: BoardHistory, *, simulated: bool) -> dict[str, Chart]:
    """For each bucket its primary signal and the one most rules look at, with their thresholds; only what is known."""
    charts = {}
    for bucket in board.buckets:
        known = panels_known(history, bucket.bucket)
        if not known:
            continue
        rules = (*bucket.continues, *bucket.confirms)
        columns = ("date", *known, "regime")
        charts[bucket.bucket] = Chart(
            bucket.bucket,
            _panels(board, history, known, rules, simulated=simulated),
            columns,
            tuple(_together(history, known)),
            subject=known[0],
        )
    return charts


def _panels(
    board: Board, history: BoardHistory, names: Sequence[str], rules: Sequence[Rule], *, simulated: bool
) -> str:
    panel, gap, foot, letters = 128.0, 26.0, 22.0, 12.0
    height = foot + letters + len(names) * (panel + gap)
    with drawing(NARROW, height) as figure:
        for number, name in enumerate(names):
            top = letters + gap + number * (panel + gap)
            plot = axes(figure, 46, height - top - panel, 62, top)
            series = history.signals[name]
            regime_bands(plot, history, NARROW, letters=number == 0)
            values = [value for _, value in series.known]
            crossed = _thresholds(plot, rules, name, values)
            if min(values) < 0 < max(values) and 0.0 not in crossed:
                plot.axhline(0, color=COLOURS["fine"], linewidth=0.8)
            plot.plot(date_numbers(series.dates), values_to_draw(series), color=COLOURS["accent"], linewidth=1.7)
            day, value = series.known[-1]
            plot.plot(date_numbers([day]), [value], marker="o", markersize=4, color=COLOURS["accent"])
            numbers_axis(plot, lambda value, _: short_number(value), 4)
            is_last = number == len(names) - 1
            date_axis(plot, history.close.dates, 4, shown=is_last)
            above = 7 if number else 7 + letters
            plot.set_title(f"@name.{name}@", loc="left", x=-0.14, pad=above, fontsize=11, color=COLOURS["ink"])
        return finished(figure, simulated=simulated, size=30)


def _thresholds(plot: Axes, rules: Sequence[Rule], name: str, values: Sequence[float]) -> list[float]:
    """A line for each rule that holds this signal against a number: dashed and ▼ bears, dotted and ▲ bulls."""
    drawn: dict[float, list[str]] = {}
    shapes = {"continues": ("▼", "bad", (0, (5, 3))), "confirms": ("▲", "good", (0, (1.5, 2)))}
    for rule in rules:
        if rule.signal_id != name or rule.measure != "value" or rule.enter_threshold is None:
            continue
        mark, colour, dashes = shapes[rule.direction]
        plot.axhline(rule.enter_threshold, color=COLOURS[colour], linewidth=1.3, linestyle=dashes)
        drawn.setdefault(rule.enter_threshold, []).append(mark)
    span = [*values, *drawn]
    margin = 0.08 * ((max(span) - min(span)) or abs(span[0]) or 1.0)
    plot.set_ylim(min(span) - margin, max(span) + margin)
    placed: list[float] = []
    for threshold in sorted(drawn):
        # Labels closer than their own height would cover each other.
        height = (
            (max(placed[-1] + 0.105, share_of_height(plot, threshold))) if placed else share_of_height(plot, threshold)
        )
        placed.append(height)
        marks = "".join(dict.fromkeys(drawn[threshold]))
        colour = "fine" if len(set(drawn[threshold])) > 1 else {"▼": "bad", "▲": "good"}[marks]
        label = f"{marks} {short_number(threshold)}"
        plot.text(1.015, height, label, transform=plot.transAxes, va="center", fontsize=9.5, color=COLOURS[colour])
    return list(drawn)


def _together(history: BoardHistory, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The newest day first: each signal's value and the regime."""
    values = {name: dict(history.signals[name].known) for name in names}
    for day, regime in reversed(history.regimes):
        yield (day, *(values[name].get(day) for name in names), regime)


PARTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "macro": {"color": COLOURS["accent"]},
    "positioning": {"facecolor": COLOURS["level"], "edgecolor": COLOURS["page"], "hatch": "////"},
    "spot_demand": {"facecolor": "none", "edgecolor": COLOURS["good"], "hatch": "....", "linewidth": 1.0},
    "unexplained": {"facecolor": "none", "edgecolor": COLOURS["fine"], "linewidth": 1.0},
}


def move_chart(moves: Sequence[MoveAttribution], *, simulated: bool) -> Chart | None:
    """Each day's return as bars of what it moved with, and a mark at the return; None without any."""
    if not moves:
        return None
    with drawing(NARROW * 1.3, 240) as figure:
        plot = axes(figure, 40, 24, 8, 10)
        up, down = [0.0] * len(moves), [0.0] * len(moves)
        for part, style in PARTS.items():
            values = [getattr(move, f"{part}_pct") or 0.0 for move in moves]
            base = [up[n] if value >= 0 else down[n] for n, value in enumerate(values)]
            plot.bar(range(len(moves)), values, bottom=base, width=0.66, **style)
            up = [height + max(value, 0.0) for height, value in zip(up, values, strict=True)]
            down = [height + min(value, 0.0) for height, value in zip(down, values, strict=True)]
        plot.axhline(0, color=COLOURS["fine"], linewidth=0.8)
        returns = [move.return_pct for move in moves]
        mark: Style = {"linestyle": "none", "marker": "D", "markersize": 5.5, "markeredgewidth": 1.2}
        plot.plot(range(len(moves)), returns, color=COLOURS["ink"], markeredgecolor=COLOURS["page"], **mark)
        numbers_axis(plot, lambda value, _: f"{value:.0f}%".replace("-", MINUS), 6)
        plot.set_xticks(
            range(len(moves)),
            [f"{move.signal_date:%m-%d}" if n % 3 == (len(moves) - 1) % 3 else "" for n, move in enumerate(moves)],
        )
        template = finished(figure, simulated=simulated, size=34)
    return Chart("moves", template, *move_table(moves), facts={"last": moves[-1]})


def draw_all(board: Board, context: Context) -> dict[str, Chart]:
    """Every chart of the report by name; what is not known is not drawn."""
    simulated = board.is_simulated
    level = board.regime.level_usd
    drawn: dict[str, Chart | None] = {
        **price_charts(context.history, simulated=simulated),
        **bucket_charts(board, context.history, simulated=simulated),
        "smile": smile_chart(context.tenors.get(0, ()), simulated=simulated),
        "term": term_chart(context.tenors, simulated=simulated),
        "strikes": strikes_chart(context.monthly, level, simulated=simulated),
        "probability": probability_chart(context.probabilities, level, simulated=simulated),
        "moves": move_chart(context.moves, simulated=simulated),
    }
    return {name: chart for name, chart in drawn.items() if chart is not None}
