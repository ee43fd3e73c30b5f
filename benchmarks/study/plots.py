"""The study's pictures: small SVG files, the same bytes for the same numbers."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from benchmarks.study.baselines import HMM_LABELS, PRICE_LABELS
from benchmarks.study.chains import SurfaceComparison
from benchmarks.study.durations import survival
from benchmarks.study.forward import HORIZONS_D, Outcomes, any_day
from benchmarks.study.sensitivity import Variant
from benchmarks.study.spells import REGIMES, spells

mpl.use("svg")
mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "leadline",
        "font.size": 9,
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "path.simplify_threshold": 1.0,
        "figure.facecolor": "white",
    }
)

COLOURS = {
    "capitulation": "#b2182b",
    "relief_rally": "#f4a582",
    "bear_continuation": "#d6754d",
    "stabilizing": "#e0e0e0",
    "confirmed_recovery": "#92c5de",
    "expansion": "#2166ac",
    "distribution": "#c2a5cf",
    "unknown": "#ffffff",
    "crash": "#b2182b",
    "bear": "#d6604d",
    "between": "#e0e0e0",
    "near high": "#2166ac",
    "turbulent": "#b2182b",
    "calm": "#e0e0e0",
}


def save(figure: Figure, path: Path) -> None:
    """Without a date in the file, so that an unchanged picture is an unchanged file."""
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def _ribbon(axes: Axes, days: pl.DataFrame, label: str) -> None:
    for (name,), runs in spells(days, label).group_by("label", maintain_order=True):
        bars = [(date2num(start), days) for start, days in runs.select("start", "days").iter_rows()]
        axes.broken_barh(bars, (0, 1), facecolors=COLOURS[name], transform=axes.get_xaxis_transform(), linewidth=0)


def _legend(axes: Axes, names: Iterable[str]) -> None:
    handles = [Patch(facecolor=COLOURS[name], edgecolor="#999999", label=name.replace("_", " ")) for name in names]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=8, frameon=False, fontsize=8)


def history(regimes: pl.DataFrame, prices: pl.DataFrame, path: Path) -> None:
    """The price on a log scale over the regimes."""
    figure, axes = plt.subplots(figsize=(10, 3.6))
    _ribbon(axes, regimes, "regime")
    weekly = prices.upsample("signal_date", every="1d").gather_every(2)
    axes.plot(weekly["signal_date"], weekly["close"], color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylabel("bitcoin, USD")
    axes.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_yticks([5_000, 10_000, 20_000, 50_000, 100_000])
    axes.minorticks_off()
    _legend(axes, [name for name in REGIMES if name in set(regimes["regime"])])
    save(figure, path)


def ribbons(labelled: pl.DataFrame, first_out_of_sample: date, path: Path) -> None:
    """The three labellings of the same days, one under the other."""
    rows = (("regime", "Leadline"), ("price_label", "price only"), ("hmm_label", "Gaussian HMM"))
    figure, panels = plt.subplots(3, 1, figsize=(10, 3.6), sharex=True)
    for axes, (label, title) in zip(panels, rows, strict=True):
        _ribbon(axes, labelled, label)
        axes.set_yticks([])
        axes.set_ylabel(title, rotation=0, ha="right", va="center")
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.xaxis_date()
    panels[2].axvline(date2num(first_out_of_sample), color="black", linewidth=0.8)
    regimes = [name for name in REGIMES if name in set(labelled["regime"])]
    for axes, names in zip(panels, (regimes, PRICE_LABELS, HMM_LABELS), strict=True):
        handles = [Patch(facecolor=COLOURS[name], edgecolor="#999999", label=name.replace("_", " ")) for name in names]
        axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=6.5)
    save(figure, path)


def durations(runs: pl.DataFrame, path: Path) -> None:
    """Share of runs that last at least so long (Kaplan-Meier), one line a regime with five runs or more."""
    figure, axes = plt.subplots(figsize=(6, 3.2))
    for name in REGIMES:
        own = runs.filter(pl.col("label") == name)
        if name == "unknown" or own.height < 5:
            continue
        estimate = survival(own)
        times = np.concatenate([[0], estimate.surv_times])
        shares = np.concatenate([[1], estimate.surv_prob])
        colour = "#888888" if name == "stabilizing" else COLOURS[name]
        axes.step(times, 100 * shares, where="post", color=colour, label=f"{name.replace('_', ' ')} ({own.height})")
    axes.set_xlabel("days since the regime began")
    axes.set_ylabel("runs still going, %")
    axes.set_xlim(0, 60)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def forward(outcomes: list[Outcomes], closes: dict[date, float], path: Path) -> None:
    """Every separate entry as a dot, its median as a bar; in grey the middle half and nine tenths of any day."""
    names = [name for name in REGIMES if any(found.regime == name for found in outcomes)]
    figure, panels = plt.subplots(1, len(HORIZONS_D), figsize=(10, 3), sharey=True)
    for axes, horizon in zip(panels, HORIZONS_D, strict=True):
        low, lower, upper, high = np.quantile(any_day(closes, horizon), (0.05, 0.25, 0.75, 0.95))
        axes.axvspan(low, high, color="#eeeeee", linewidth=0)
        axes.axvspan(lower, upper, color="#d5d5d5", linewidth=0)
        axes.axvline(0, color="black", linewidth=0.5)
        for row, name in enumerate(reversed(names)):
            [found] = [own for own in outcomes if own.regime == name and own.horizon_d == horizon]
            axes.plot(found.returns, [row] * len(found.returns), "o", markersize=3.5, alpha=0.6, color="#2166ac")
            if found.median is not None:
                axes.plot([found.median] * 2, [row - 0.35, row + 0.35], color="#b2182b", linewidth=2)
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
        axes.set_title(f"{horizon} days after the first day", fontsize=9)
        axes.set_xlabel("return, %")
    save(figure, path)


def stability(variants: list[Variant], path: Path) -> None:
    """Left: share of each regime's days that keep their label in random variants. Right: the thresholds that matter."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), gridspec_kw={"wspace": 0.95})
    drawn = [variant for variant in variants if variant.kind == "random"]
    names = [name for name in REGIMES if name in drawn[0].kept_by_regime and name != "unknown"]
    shares = [[variant.kept_by_regime[name] for variant in drawn] for name in reversed(names)]
    labels = [name.replace("_", " ") for name in reversed(names)]
    left.boxplot(
        [*shares, [variant.kept_pct for variant in drawn]], orientation="horizontal", whis=(5, 95), showfliers=False
    )
    left.set_yticks(range(1, len(names) + 2), [*labels, "all days"])
    left.set_xlabel("days that keep their label, %")
    left.set_xlim(0, 101)
    left.set_title(f"all thresholds moved at random, {len(drawn)} variants", fontsize=9)
    single = sorted((variant for variant in variants if variant.kind == "one"), key=lambda variant: variant.kept_pct)
    worst = single[:12][::-1]
    right.barh([variant.name for variant in worst], [100 - variant.kept_pct for variant in worst], color="#d6604d")
    right.tick_params(axis="y", labelsize=8)
    right.set_xlabel("days that change their label, %")
    right.set_title("one threshold moved by a fifth: the twelve that matter most", fontsize=9)
    save(figure, path)


def surfaces(compared: SurfaceComparison, path: Path) -> None:
    """Left: our 30-day volatility against the venue's index. Right: errors of the risk reversal."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2))
    level = compared.level
    ends = [min(level["ours"].min(), level["dvol"].min()) - 1, max(level["ours"].max(), level["dvol"].max()) + 1]
    left.plot(ends, ends, color="#999999", linewidth=0.8)
    left.plot(level["dvol"], level["ours"], "o", markersize=4, alpha=0.7, color="#2166ac")
    left.set_xlabel("DVOL, close of day")
    left.set_ylabel("our 30-day at-the-money volatility")
    bins = np.linspace(-1.5, 1.5, 61)
    for tenor, colour in ((7, "#f4a582"), (30, "#2166ac"), (90, "#888888")):
        own = compared.skew.filter(pl.col("tenor_days") == tenor)
        difference = np.clip((own["ours"] - own["theirs"]).to_numpy(), -1.5, 1.5)
        right.hist(difference, bins, histtype="step", color=colour, label=f"{tenor} days ({own.height})")
    right.set_yscale("log")
    right.set_xlabel("risk reversal, ours minus the collector's deltas, volatility points")
    right.set_ylabel("readings")
    right.legend(frameon=False)
    save(figure, path)
