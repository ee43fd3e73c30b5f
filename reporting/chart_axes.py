"""Axes, bands and labels that the charts of the report have in common."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reporting.context import BoardHistory, DatedSeries
from reporting.drawing import COLOURS, svg, watermark

WIDE: Final = 720.0
NARROW: Final = 380.0
LETTER_DAYS: Final = {WIDE: 3, NARROW: 8}  # a stretch of regimes as long as this has room for its letter
MINUS: Final = "\u2212"

Style = dict[str, Any]  # arguments of a plotting call


def finished(figure: Any, *, simulated: bool, size: float) -> str:
    """The drawing as SVG, marked where its data is simulated."""
    if simulated:
        watermark(figure, size)
    return svg(figure)


def regime_bands(plot: Axes, history: BoardHistory, width: float, *, letters: bool = True) -> None:
    """Regimes as bands behind, each with its letter where there is room; colours alone say nothing."""
    room = LETTER_DAYS[width]
    bands: dict[str, list[tuple[float, float]]] = {}
    for stretch in history.stretches:
        start, days = date_number(stretch.first), (stretch.last - stretch.first).days + 1
        bands.setdefault(stretch.regime, []).append((start, days))
        if letters and (days >= room or stretch.regime == "capitulation"):
            place: Style = {"transform": plot.get_xaxis_transform(), "ha": "center", "va": "bottom", "fontsize": 9}
            plot.text(start + days / 2, 1.0, f"@letter.{stretch.regime}@", color=COLOURS["fine"], **place)
    for regime, spans in bands.items():
        colour = COLOURS.get(regime, COLOURS["unknown"])
        whole: Style = {"transform": plot.get_xaxis_transform(), "alpha": 0.2, "linewidth": 0}
        plot.broken_barh(spans, (0, 1), color=colour, **whole)


def end_labels(plot: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Last values at the right, each in its line's colour, pushed apart where they would cover each other."""
    below = -1.0
    for value, colour, weight in sorted(ends):
        below = max(share_of_height(plot, value), below + 0.06)
        text = f"{value:,.0f}".replace(",", "\u202f")
        place: Style = {"transform": plot.transAxes, "va": "center", "fontweight": weight}
        plot.text(1.008, below, text, color=COLOURS[colour], **place)


def date_axis(plot: Axes, dates: Sequence[date], most: int, *, shown: bool = True) -> None:
    """Months along the bottom, at most so many."""
    plot.set_xlim(date_number(dates[0]), date_number(dates[-1] + timedelta(days=1)))
    firsts = [day for day in dates if day.day == 1]
    step = -(-len(firsts) // most) or 1
    ticks = firsts[::-1][::step][::-1] or [dates[0]]
    plot.set_xticks(date_numbers(ticks), [f"{day:%Y-%m}" for day in ticks] if shown else [""] * len(ticks))


def numbers_axis(plot: Axes, said: Callable[[float, int], str], most: int) -> None:
    """Numbers up the side, at most so many, as `said` writes them."""
    plot.yaxis.set_major_locator(MaxNLocator(most))
    plot.yaxis.set_major_formatter(FuncFormatter(said))


def categories(plot: Axes, names: Sequence[str]) -> None:
    """Names along the bottom, one a step."""
    plot.set_xlim(-0.25, len(names) - 0.75)
    plot.set_xticks(range(len(names)), names)


def short_number(value: float) -> str:
    """A number as short as an axis needs it; how millions are called depends on the language."""
    if abs(value) >= 1e6:
        return f"@short.{value:.6g}@"
    if abs(value) >= 1e4:
        return f"{value / 1000:,.4g}k".replace("-", MINUS)
    return f"{value:.4g}".replace("-", MINUS)


def date_number(day: date) -> float:
    """A date where the axis has it."""
    return float(mdates.date2num(day))  # type: ignore[no-untyped-call]  # matplotlib gives it no types


def date_numbers(dates: Sequence[date]) -> list[float]:
    """Dates where the axis has them."""
    return [date_number(day) for day in dates]


def values_to_draw(series: DatedSeries) -> list[float]:
    """Values for a line that breaks where nothing was known."""
    return [float("nan") if value is None else value for value in series.values]


def share_of_height(plot: Axes, value: float) -> float:
    """How far up the axis a value lies, from 0 to 1."""
    low, high = plot.get_ylim()
    return (value - low) / (high - low)
