"""The charts of the report, each drawn once for all languages and colour schemes, with the data behind it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reporting.board import Board, Rule
from reporting.chart import Chart, move_table, panels_known
from reporting.context import BoardHistory, Context, DatedSeries, Expiry, MoveAttribution, Probability, Tenor
from reporting.drawing import COLOURS, axes, drawing, svg, watermark

WIDE: Final = 720.0
NARROW: Final = 380.0
LETTER_DAYS: Final = {WIDE: 3, NARROW: 8}  # a stretch of regimes as long as this has room for its letter
STRIKES_AROUND: Final = (0.45, 1.65)  # of the level: strikes further out hold little and flatten the rest
MINUS: Final = "\u2212"

Style = dict[str, Any]  # arguments of a plotting call


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
        _regimes(plot, history, width)
        dates = history.close.dates
        low, high = (_numbers(series) for series in (history.cluster_low, history.cluster_high))
        plot.fill_between(_days(dates), low, high, step="post", color=COLOURS["cluster"], alpha=0.28, linewidth=0)
        level: Style = {"color": COLOURS["level"], "linewidth": 1.4, "linestyle": (0, (6, 3)), "where": "post"}
        plot.step(_days(dates), _numbers(history.level), **level)
        plot.plot(_days(dates), _numbers(history.close), color=COLOURS["ink"], linewidth=1.8)
        day, close = history.close.known[-1]
        plot.plot(_days([day]), [close], marker="o", markersize=5, color=COLOURS["ink"])
        _numbers_axis(plot, lambda value, _: f"{value / 1000:,.0f}k", 6)
        _date_axis(plot, dates, 7 if width == WIDE else 4)
        ends = [(close, "ink", "bold")]
        if (last_level := history.level.values[-1]) is not None:
            ends.append((last_level, "level", "normal"))
        _end_labels(plot, ends)
        return _finished(figure, simulated=simulated, size=54 if width == WIDE else 34)


def _strip(history: BoardHistory, width: float, *, simulated: bool) -> str:
    with drawing(width, 96) as figure:
        plot = axes(figure, 4, 24, 4, 20)
        _regimes(plot, history, width)
        plot.set_yticks([])
        _date_axis(plot, [day for day, _ in history.regimes], 7 if width == WIDE else 4)
        return _finished(figure, simulated=simulated, size=30)


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
            _regimes(plot, history, NARROW, letters=number == 0)
            values = [value for _, value in series.known]
            crossed = _thresholds(plot, rules, name, values)
            if min(values) < 0 < max(values) and 0.0 not in crossed:
                plot.axhline(0, color=COLOURS["fine"], linewidth=0.8)
            plot.plot(_days(series.dates), _numbers(series), color=COLOURS["accent"], linewidth=1.7)
            day, value = series.known[-1]
            plot.plot(_days([day]), [value], marker="o", markersize=4, color=COLOURS["accent"])
            _numbers_axis(plot, lambda value, _: _short(value), 4)
            is_last = number == len(names) - 1
            _date_axis(plot, history.close.dates, 4, shown=is_last)
            above = 7 if number else 7 + letters
            plot.set_title(f"@name.{name}@", loc="left", x=-0.14, pad=above, fontsize=11, color=COLOURS["ink"])
        return _finished(figure, simulated=simulated, size=30)


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
        height = (max(placed[-1] + 0.105, _share(plot, threshold))) if placed else _share(plot, threshold)
        placed.append(height)
        marks = "".join(dict.fromkeys(drawn[threshold]))
        colour = "fine" if len(set(drawn[threshold])) > 1 else {"▼": "bad", "▲": "good"}[marks]
        label = f"{marks} {_short(threshold)}"
        plot.text(1.015, height, label, transform=plot.transAxes, va="center", fontsize=9.5, color=COLOURS[colour])
    return list(drawn)


def _share(plot: Axes, value: float) -> float:
    low, high = plot.get_ylim()
    return (value - low) / (high - low)


def _together(history: BoardHistory, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The newest day first: each signal's value and the regime."""
    values = {name: dict(history.signals[name].known) for name in names}
    for day, regime in reversed(history.regimes):
        yield (day, *(values[name].get(day) for name in names), regime)


def term_chart(tenors: Mapping[int, Sequence[Tenor]], *, simulated: bool) -> Chart | None:
    """At-the-money volatility by maturity, today and earlier; None without any."""
    curves = {
        ago: {each.tenor_days: each.atm_iv for each in curve if each.atm_iv is not None}
        for ago, curve in tenors.items()
    }
    if not curves.get(0):
        return None
    days = sorted({tenor for curve in curves.values() for tenor in curve})
    with drawing(NARROW, 230) as figure:
        plot = axes(figure, 40, 24, 74, 14)
        for ago, curve in sorted(curves.items(), reverse=True):
            style = _CURVES[ago]
            plot.plot([days.index(tenor) for tenor in curve], list(curve.values()), **style)
        _spread(plot, [(list(curve.values())[-1], f"@ago.{ago}@", ago) for ago, curve in curves.items() if curve])
        _categories(plot, [f"@tenor.{tenor}@" for tenor in days])
        _numbers_axis(plot, lambda value, _: f"{value:.0f}", 5)
        template = _finished(figure, simulated=simulated, size=30)
    rows = tuple((tenor, *(curves[ago].get(tenor) for ago in sorted(curves))) for tenor in days)
    return Chart(
        "term", template, ("tenor", *(f"ago.{ago}" for ago in sorted(curves))), rows, facts={"curve": curves[0]}
    )


_CURVES: Final[Mapping[int, Mapping[str, Any]]] = {
    0: {"color": COLOURS["accent"], "linewidth": 2.2, "marker": "o", "markersize": 4.5},
    7: {"color": COLOURS["level"], "linewidth": 1.5, "linestyle": (0, (5, 3)), "marker": "s", "markersize": 3.5},
    30: {"color": COLOURS["fine"], "linewidth": 1.5, "linestyle": (0, (1.5, 2)), "marker": "^", "markersize": 3.5},
}


def _spread(plot: Axes, labels: Sequence[tuple[float, str, int]]) -> None:
    """Names at the right ends of lines, pushed apart where they would cover each other."""
    below = -1.0
    for value, text, ago in sorted(labels):
        height = max(_share(plot, value), below + 0.085)
        below = height
        colour = _CURVES[ago]["color"]
        plot.text(1.02, height, text, transform=plot.transAxes, va="center", fontsize=9.5, color=colour)


_MATURITIES: Final[Sequence[Style]] = (
    {"color": COLOURS["bad"], "linewidth": 2.0, "marker": "o", "markersize": 4.5},
    {"color": COLOURS["accent"], "linewidth": 1.8, "linestyle": (0, (6, 2)), "marker": "s", "markersize": 4},
    {"color": COLOURS["level"], "linewidth": 1.6, "linestyle": (0, (3, 2)), "marker": "^", "markersize": 4},
    {"color": COLOURS["fine"], "linewidth": 1.6, "linestyle": (0, (1.2, 1.8)), "marker": "D", "markersize": 3.5},
)


def smile_chart(tenors: Sequence[Tenor], *, simulated: bool) -> Chart | None:
    """Volatility of the 25-delta put, at the money and of the 25-delta call, a line a maturity; None without any."""
    whole = [tenor for tenor in tenors if None not in tenor.smile]
    if not whole:
        return None
    with drawing(NARROW, 230) as figure:
        plot = axes(figure, 40, 24, 62, 14)
        lefts = []
        for tenor, style in zip(whole, _MATURITIES, strict=False):
            points = [value for value in tenor.smile if value is not None]
            plot.plot([0, 1, 2], points, **style)
            lefts.append((points[-1], tenor.tenor_days, style["color"]))
        below = -1.0
        for value, days, colour in sorted(lefts):
            below = max(_share(plot, value), below + 0.085)
            label = f"@tenor.{days}@"
            plot.text(1.02, below, label, transform=plot.transAxes, va="center", fontsize=9.5, color=colour)
        _categories(plot, ["@put25@", "@atm@", "@call25@"])
        _numbers_axis(plot, lambda value, _: f"{value:.0f}", 5)
        template = _finished(figure, simulated=simulated, size=30)
    rows = tuple((tenor.tenor_days, *tenor.smile, tenor.rr25) for tenor in whole)
    return Chart("smile", template, ("tenor", "put25", "atm", "call25", "rr25"), rows, facts={"shortest": whole[0]})


def strikes_chart(expiry: Expiry | None, level: float | None, *, simulated: bool) -> Chart | None:
    """Open interest by strike of one expiry, puts up and calls down; None without any."""
    if expiry is None or not expiry.strikes:
        return None
    centre = level or max(expiry.strikes, key=lambda each: each.puts_btc + each.calls_btc).strike_usd
    low, high = (centre * share for share in STRIKES_AROUND)
    shown = [strike for strike in expiry.strikes if low <= strike.strike_usd <= high]
    with drawing(NARROW, 230) as figure:
        plot = axes(figure, 46, 24, 10, 22)
        # Bars are as wide as strikes stand apart where they are dense, so that neighbours do not overlap.
        steps = [after.strike_usd - before.strike_usd for before, after in pairwise(shown)]
        width = 0.84 * (min(steps) if steps else 1000.0)
        at = [strike.strike_usd for strike in shown]
        plot.bar(at, [strike.puts_btc for strike in shown], width=width, color=COLOURS["bad"])
        calls: Style = {"facecolor": "none", "edgecolor": COLOURS["good"], "linewidth": 0.9, "hatch": "////"}
        plot.bar(at, [-strike.calls_btc for strike in shown], width=width, **calls)
        plot.axhline(0, color=COLOURS["fine"], linewidth=0.8)
        if level is not None:
            plot.axvline(level, color=COLOURS["level"], linewidth=1.4, linestyle=(0, (6, 3)))
            plot.text(level, 1.03, "@level@", transform=plot.get_xaxis_transform(), ha="center", color=COLOURS["level"])
        for label, height in (("@puts@", 0.97), ("@calls@", 0.03)):
            where: Style = {"va": "top" if height > 0.5 else "bottom", "transform": plot.transAxes}
            plot.text(0.0, height, label, color=COLOURS["bad" if height > 0.5 else "good"], fontweight="bold", **where)
        _numbers_axis(plot, lambda value, _: _short(abs(value)), 5)
        plot.xaxis.set_major_locator(MaxNLocator(6))
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:.0f}k"))
        template = _finished(figure, simulated=simulated, size=30)
    rows = tuple((strike.strike_usd, strike.puts_btc, strike.calls_btc) for strike in shown)
    return Chart("strikes", template, ("strike", "puts", "calls"), rows, facts={"expiry": expiry})


def probability_chart(probabilities: Sequence[Probability], level: float | None, *, simulated: bool) -> Chart | None:
    """Implied chance by strike to stand below it at the horizon, and to touch it before; None without any."""
    known = [each for each in probabilities if each.below_pct is not None]
    if not known:
        return None
    horizon = known[0].horizon_days
    known = [each for each in known if each.horizon_days == horizon]
    with drawing(NARROW, 230) as figure:
        plot = axes(figure, 40, 24, 12, 22)
        at = [each.strike_usd for each in known]
        touch = [float("nan") if each.touch_pct is None else each.touch_pct for each in known]
        plot.plot(at, touch, color=COLOURS["level"], linewidth=1.6, linestyle=(0, (5, 3)))
        plot.plot(at, [each.below_pct or 0.0 for each in known], color=COLOURS["accent"], linewidth=2.1)
        plot.text(at[0], 58, "@prob_touch_short@", color=COLOURS["level"], va="bottom")
        plot.text(at[-1], 30, "@prob_below_short@", color=COLOURS["accent"], ha="right", va="top")
        if level is not None and at[0] <= level <= at[-1]:
            plot.axvline(level, color=COLOURS["fine"], linewidth=1.0)
            plot.text(level, 1.03, "@level@", transform=plot.get_xaxis_transform(), ha="center", color=COLOURS["fine"])
        plot.set_ylim(0, 102)
        _numbers_axis(plot, lambda value, _: f"{value:.0f}%", 5)
        plot.xaxis.set_major_locator(MaxNLocator(6))
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:.0f}k"))
        template = _finished(figure, simulated=simulated, size=30)
    rows = tuple((each.strike_usd, each.below_pct, each.touch_pct) for each in known)
    return Chart(
        "probability",
        template,
        ("strike", "prob_below", "prob_touch"),
        rows,
        facts={"horizon": horizon, "known": known},
    )


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
        _numbers_axis(plot, lambda value, _: f"{value:.0f}%".replace("-", MINUS), 6)
        plot.set_xticks(
            range(len(moves)),
            [f"{move.signal_date:%m-%d}" if n % 3 == (len(moves) - 1) % 3 else "" for n, move in enumerate(moves)],
        )
        template = _finished(figure, simulated=simulated, size=34)
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


def _finished(figure: Any, *, simulated: bool, size: float) -> str:
    if simulated:
        watermark(figure, size)
    return svg(figure)


def _regimes(plot: Axes, history: BoardHistory, width: float, *, letters: bool = True) -> None:
    """Regimes as bands behind, each with its letter where there is room; colours alone say nothing."""
    room = LETTER_DAYS[width]
    bands: dict[str, list[tuple[float, float]]] = {}
    for stretch in history.stretches:
        start, days = _day(stretch.first), (stretch.last - stretch.first).days + 1
        bands.setdefault(stretch.regime, []).append((start, days))
        if letters and (days >= room or stretch.regime == "capitulation"):
            place: Style = {"transform": plot.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 9}
            plot.text(start + days / 2, 1.0, f"@letter.{stretch.regime}@", color=COLOURS["fine"], **place)
    for regime, spans in bands.items():
        colour = COLOURS.get(regime, COLOURS["unknown"])
        whole: Style = {"transform": plot.get_xaxis_transform(), "alpha": 0.2, "linewidth": 0}
        plot.broken_barh(spans, (0, 1), color=colour, **whole)


def _end_labels(plot: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Last values at the right, each in its line's colour, pushed apart where they would cover each other."""
    below = -1.0
    for value, colour, weight in sorted(ends):
        below = max(_share(plot, value), below + 0.06)
        text = f"{value:,.0f}".replace(",", "\u202f")
        place: Style = {"transform": plot.transAxes, "va": "center", "fontweight": weight}
        plot.text(1.008, below, text, color=COLOURS[colour], **place)


def _date_axis(plot: Axes, dates: Sequence[date], most: int, *, shown: bool = True) -> None:
    plot.set_xlim(_day(dates[0]), _day(dates[-1] + timedelta(days=1)))
    firsts = [day for day in dates if day.day == 1]
    step = -(-len(firsts) // most) or 1
    ticks = firsts[::-1][::step][::-1] or [dates[0]]
    plot.set_xticks(_days(ticks), [f"{day:%Y-%m}" for day in ticks] if shown else [""] * len(ticks))


def _numbers_axis(plot: Axes, said: Callable[[float, int], str], most: int) -> None:
    plot.yaxis.set_major_locator(MaxNLocator(most))
    plot.yaxis.set_major_formatter(FuncFormatter(said))


def _categories(plot: Axes, names: Sequence[str]) -> None:
    plot.set_xlim(-0.25, len(names) - 0.75)
    plot.set_xticks(range(len(names)), names)


def _short(value: float) -> str:
    """A number as short as an axis needs it; how millions are called depends on the language."""
    if abs(value) >= 1e6:
        return f"@short.{value:.6g}@"
    if abs(value) >= 1e4:
        return f"{value / 1000:,.4g}k".replace("-", MINUS)
    return f"{value:.4g}".replace("-", MINUS)


def _day(day: date) -> float:
    return float(mdates.date2num(day))  # type: ignore[no-untyped-call]


def _days(dates: Sequence[date]) -> list[float]:
    return [_day(day) for day in dates]


def _numbers(series: DatedSeries) -> list[float]:
    """Values for a line that breaks where nothing was known."""
    return [float("nan") if value is None else value for value in series.values]
