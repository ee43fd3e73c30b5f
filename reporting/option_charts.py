"""The charts of the option market: volatility by maturity and by strike, open interest, implied probability."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reporting.chart import Chart
from reporting.chart_axes import NARROW, Style, categories, finished, numbers_axis, share_of_height, short_number
from reporting.context import Expiry, Probability, Tenor
from reporting.drawing import COLOURS, axes, drawing

STRIKES_AROUND: Final = (0.45, 1.65)  # of the level: strikes further out hold little and flatten the rest


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
        categories(plot, [f"@tenor.{tenor}@" for tenor in days])
        numbers_axis(plot, lambda value, _: f"{value:.0f}", 5)
        template = finished(figure, simulated=simulated, size=30)
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
        height = max(share_of_height(plot, value), below + 0.085)
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
            below = max(share_of_height(plot, value), below + 0.085)
            label = f"@tenor.{days}@"
            plot.text(1.02, below, label, transform=plot.transAxes, va="center", fontsize=9.5, color=colour)
        categories(plot, ["@put25@", "@atm@", "@call25@"])
        numbers_axis(plot, lambda value, _: f"{value:.0f}", 5)
        template = finished(figure, simulated=simulated, size=30)
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
        numbers_axis(plot, lambda value, _: short_number(abs(value)), 5)
        plot.xaxis.set_major_locator(MaxNLocator(6))
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:.0f}k"))
        template = finished(figure, simulated=simulated, size=30)
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
        numbers_axis(plot, lambda value, _: f"{value:.0f}%", 5)
        plot.xaxis.set_major_locator(MaxNLocator(6))
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:.0f}k"))
        template = finished(figure, simulated=simulated, size=30)
    rows = tuple((each.strike_usd, each.below_pct, each.touch_pct) for each in known)
    return Chart(
        "probability",
        template,
        ("strike", "prob_below", "prob_touch"),
        rows,
        facts={"horizon": horizon, "known": known},
    )
