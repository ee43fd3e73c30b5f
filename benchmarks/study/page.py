"""Writes the study: the findings in the templates `README.md.j2` and `stress-windows.md.j2`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.study import baselines, stress_windows
from benchmarks.study.chains import SurfaceComparison, errors
from benchmarks.study.forward import FEWEST, HORIZONS_D, Outcomes
from benchmarks.study.history import StudyHistory
from benchmarks.study.sanity import Check, worst_days
from benchmarks.study.sensitivity import Variant, is_count, movable, reaches_regimes
from benchmarks.study.spells import REGIMES
from benchmarks.study.substitutes import SubstituteQuality

HERE = Path(__file__).parent

# What the page says of coverage: the readings that decide how much of the framework can be known at all.
COVERAGE = (
    "btc_close_usd",
    "funding_rate_8h_pct",
    "net_realized_pnl_7d_usd",
    "realized_loss_usd",
    "realized_profit_7d_usd",
    "spot_volume_ratio_90d",
    "liquidations_usd",
    "futures_oi_change_7d_usd_pct",
    "futures_oi_change_7d_pct",
    "dvol",
    "rr25_30d",
    "etf_net_flow_5d_usd",
    "hashprice_7d_usd_ph_day",
    "difficulty_next_change_pct",
    "equities_return_5d_pct",
)


@dataclass(frozen=True)
class Findings:
    """Everything that the page tells of."""

    past: StudyHistory
    runs: pl.DataFrame
    durations: pl.DataFrame
    outcomes: Sequence[Outcomes]
    days: pl.DataFrame
    labelled: pl.DataFrame
    rules: pl.DataFrame
    variants: Sequence[Variant]
    without_volume: pl.DataFrame
    substitutes: SubstituteQuality
    compared: SurfaceComparison | None
    checks: Sequence[Check]


def write(findings: Findings, folder: Path) -> None:
    """Write `README.md` and `stress-windows.md` into a folder."""
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters["signed"] = lambda value: "" if value is None else f"{value:+.1f}"
    environment.filters["words"] = lambda name: name.replace("_", " ")
    environment.filters["cell"] = lambda text: "" if text is None else str(text).replace("|", "/")
    content = _content(findings)
    for name in ("README.md", "stress-windows.md"):
        text = environment.get_template(f"{name}.j2").render(content)
        (folder / name).write_text(text.rstrip() + "\n", encoding="utf-8")


def _content(findings: Findings) -> dict[str, object]:
    past = findings.past
    stress = [_window(findings, window) for window in stress_windows.WINDOWS]
    by_kind = {
        kind: [own for own in findings.variants if own.kind == kind]
        for kind in ("all", "scope", "random", "one", "count")
    }
    return {
        "past": past,
        "regimes": [name for name in REGIMES if name in set(past.regimes["regime"])],
        "durations": findings.durations.to_dicts(),
        "changes_a_year": 365 * (findings.runs.height - 1) / past.regimes.height,
        "years": _by_year(past.regimes),
        "outcomes": _outcome_rows(findings.outcomes),
        "called": Counter(row["worst"]["regime"] for row in stress),
        "strongest": max(
            (own for own in findings.outcomes if own.rank_pct is not None), key=lambda own: abs(own.rank_pct - 50)
        ),
        "tests": sum(own.rank_pct is not None for own in findings.outcomes),
        "extreme": [own for own in findings.outcomes if own.rank_pct is not None and abs(own.rank_pct - 50) >= 45],
        "horizons": HORIZONS_D,
        "fewest": FEWEST,
        "windows": stress,
        "coverage": _coverage(past),
        "unknown_buckets": _unknown_buckets(past),
        "stand_in": _stand_in(past.regimes, findings.without_volume),
        "substitutes": findings.substitutes,
        "hot_without": findings.days.filter(pl.col("is_hot_near_high") & (pl.col("regime") != "distribution")).height,
        "hot_days": findings.days.filter("is_hot_near_high").height,
        "flows_unknown_2025": next(row["2025"] for row in _unknown_buckets(past) if row["bucket"] == "flows"),
        "sharp_falls": _sharp_falls(findings.days),
        "variants": by_kind,
        "variant_count": len(findings.variants),
        "random": _spread(by_kind["random"]),
        "worst_single": sorted(by_kind["one"], key=lambda own: own.kept_pct)[:10],
        "quiet_singles": sum(own.kept_pct >= 99 for own in by_kind["one"]),
        "rule_count": findings.rules.height,
        "moved_count": movable(findings.rules).height,
        "count_rows": findings.rules.filter(is_count()).height,
        "comparison": _comparison(findings),
        "reaching_count": reaches_regimes(movable(findings.rules)).height,
        "crosses": [_cross(findings.labelled, "price_label"), _cross(findings.labelled, "hmm_label")],
        "worst_days": worst_days(past)
        .join(findings.labelled.drop("regime"), on="signal_date", how="left")
        .sort("change")
        .to_dicts(),
        "first_fit_year": baselines.FIRST_FIT_YEAR,
        "skew_errors": errors(findings.compared.skew).to_dicts() if findings.compared else [],
        "atm_errors": errors(findings.compared.atm).to_dicts() if findings.compared else [],
        "farthest": _farthest(findings.compared) if findings.compared else [],
        "level": _level(findings.compared) if findings.compared else None,
        "checks": findings.checks,
    }


def _by_year(regimes: pl.DataFrame) -> list[dict[str, object]]:
    counted = regimes.group_by(pl.col("signal_date").dt.year().alias("year"), "regime").len()
    return counted.pivot("regime", index="year", values="len").fill_null(0).sort("year").to_dicts()


def _outcome_rows(outcomes: Iterable[Outcomes]) -> list[tuple[str, int, list[Outcomes]]]:
    found = list(outcomes)
    rows = []
    for name in REGIMES:
        own = sorted((one for one in found if one.regime == name), key=lambda one: one.horizon_d)
        if own:
            rows.append((name, own[0].entries, own))
    return rows


def _window(findings: Findings, window: stress_windows.StressWindow) -> dict[str, object]:
    days = stress_windows.of(findings.days, window)
    worst = stress_windows.worst(days)
    others = findings.labelled.filter(pl.col("signal_date") == worst["signal_date"]).row(0, named=True)
    return {
        "name": window.name,
        "rows": days.to_dicts(),
        "sequence": stress_windows.in_words(days),
        "worst": worst,
        "price_label": others["price_label"],
        "hmm_label": others["hmm_label"],
    }


def _coverage(past: StudyHistory) -> list[dict[str, object]]:
    known = {row["signal_id"]: row for row in past.readings.to_dicts()}
    span = (past.last - past.first).days + 1
    return [{**known[name], "share": 100 * known[name]["days"] / span} for name in COVERAGE if name in known]


def _unknown_buckets(past: StudyHistory) -> list[dict[str, object]]:
    """Share of days, in percent, on which each bucket was unknown, a column a year."""
    return (
        past.buckets.group_by("bucket", pl.col("signal_date").dt.year().cast(pl.String).alias("year"))
        .agg(share=(100 * (pl.col("state") == "unknown").mean()).round(0).cast(pl.Int32))
        .sort("year")
        .pivot("year", index="bucket", values="share")
        .sort("bucket")
        .to_dicts()
    )


def _sharp_falls(days: pl.DataFrame) -> dict[str, int]:
    sharp = days.filter(pl.col("is_sharp_fall"))
    return {
        "all": sharp.height,
        "capitulations": sharp.filter((pl.col("families_known") >= 2) & (pl.col("families_met") >= 2)).height,
        "too_little_known": sharp.filter(pl.col("families_known") < 2).height,
        "met_one": sharp.filter((pl.col("families_known") >= 2) & (pl.col("families_met") == 1)).height,
        "confirmed_late": sharp.filter("is_confirmed_late").height,
    }


def _stand_in(base: pl.DataFrame, without: pl.DataFrame) -> dict[str, object]:
    """How the labels would be counted if nothing stood in for liquidations in the rules of leverage and H2."""
    found: dict[str, object] = {"kept_pct": 100 * (base["regime"] == without["regime"]).mean()}
    for name in ("stabilizing", "expansion"):
        found[name] = (base["regime"] == name).sum()
        found[f"{name}_without"] = (without["regime"] == name).sum()
    return found


def _spread(variants: Sequence[Variant]) -> list[dict[str, object]]:
    """Kept share over random variants, a row a regime and one for all days: median, 5th and 95th percentile."""
    shares = {name: [own.kept_by_regime[name] for own in variants] for name in variants[0].kept_by_regime}
    shares = {name: shares[name] for name in REGIMES if name in shares} | {"all days": [v.kept_pct for v in variants]}
    return [
        {
            "name": name,
            "median": pl.Series(kept).median(),
            "low": pl.Series(kept).quantile(0.05, "linear"),
            "high": pl.Series(kept).quantile(0.95, "linear"),
        }
        for name, kept in shares.items()
    ]


def _comparison(findings: Findings) -> list[dict[str, object]]:
    """One row a labelling, on the days on which all three have a label and the HMM is out of sample."""
    known = pl.when(pl.col("regime") != "unknown").then(pl.col("regime"))
    common = findings.labelled.with_columns(regime=known).drop_nulls()
    days = baselines.with_outcomes(common, findings.past.prices)
    rows = []
    for label, name in (("regime", "Leadline"), ("price_label", "price only"), ("hmm_label", "Gaussian HMM")):
        row: dict[str, object] = {"name": name, "labels": days[label].n_unique(), "days": days.height}
        row["changes"] = baselines.changes_a_year(days, label)
        for outcome in ("next_volatility", "next_return", "next_low"):
            row[outcome] = baselines.explained(days, label, outcome)
            row[f"{outcome}_chance"] = baselines.by_chance(days, label, outcome)
        rows.append(row)
    return rows


def _cross(labelled: pl.DataFrame, other: str) -> dict[str, object]:
    """For each regime, the shares of its days that carry each label of another labelling, in percent."""
    known = labelled.drop_nulls(["regime", other]).filter(pl.col("regime") != "unknown")
    columns = [name for name in (*baselines.PRICE_LABELS, *baselines.HMM_LABELS) if name in set(known[other])]
    rows = []
    for name in REGIMES:
        own = known.filter(pl.col("regime") == name)
        if own.height:
            rows.append((name, own.height, [100 * (own[other] == column).mean() for column in columns]))
    return {"columns": columns, "rows": rows}


def _farthest(compared: SurfaceComparison, count: int = 3) -> list[dict[str, object]]:
    """The risk reversals on which ours and the collector's differ most."""
    return compared.skew.sort((pl.col("ours") - pl.col("theirs")).abs(), descending=True).head(count).to_dicts()


def _level(compared: SurfaceComparison) -> dict[str, object]:
    level = compared.level.with_columns(gap=pl.col("ours") - pl.col("dvol"))
    quantiles = [level["gap"].quantile(share, "linear") for share in (0.05, 0.5, 0.95)]
    by_month = level.group_by(month=pl.col("day").dt.strftime("%Y-%m")).agg(
        days=pl.len(),
        median=pl.col("gap").median(),
        spread=pl.col("gap").std(),
        correlation=pl.corr("ours", "dvol"),
        first=pl.col("day").min(),
        last=pl.col("day").max(),
    )
    return {
        "days": level.height,
        "first": level["day"].min(),
        "last": level["day"].max(),
        "low": quantiles[0],
        "median": quantiles[1],
        "high": quantiles[2],
        "correlation": level.select(pl.corr("ours", "dvol")).item(),
        "months": by_month.sort("month").to_dicts(),
        "snapshots": compared.snapshots,
    }
