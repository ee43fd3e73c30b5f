"""Reference pages for the docs site, in Markdown, written from a published warehouse: signals, rules, tables."""

import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from reporting.localization import Words
from reporting.published import PublishedWarehouse, open_published

PLOTTED_DAYS: Final = 365
SIMULATED: Final = "simulated data"

# What a reader uses: the rest of the published file are the books behind it.
SCHEMAS: Final = ("marts", "reference", "analytics")


def reference(published: Path) -> dict[str, str | bytes]:
    """Pages and pictures by their path in the docs folder. Raises BoardError when nothing is published."""
    with open_published(published) as warehouse:
        is_simulated = warehouse.rows("select is_simulated from marts.dim_origin")[0]["is_simulated"]
        buckets = ["price", *warehouse.buckets()]
        signals = warehouse.rows(
            "select * from marts.dim_signal order by list_position($buckets, bucket), not is_primary, signal_id",
            buckets=buckets,
        )
        pages: dict[str, str | bytes] = {"signals/index.md": _signal_index(signals, is_simulated)}
        for bucket in buckets:
            own = [signal for signal in signals if signal["bucket"] == bucket]
            plots = {signal["signal_id"]: _plot(warehouse, signal, is_simulated) for signal in own}
            pages[f"signals/{bucket}.md"] = _bucket_page(bucket, own, plots)
            pages |= {f"signals/{signal_id}.svg": plot for signal_id, plot in plots.items() if plot}
        pages["rules.md"] = _rules(warehouse)
        pages["data-dictionary.md"] = _dictionary(warehouse)
    return pages


def _signal_index(signals: Sequence[Mapping[str, Any]], is_simulated: bool) -> str:
    note = "The plots are of **simulated data**." if is_simulated else "The plots are of this warehouse's own data."
    lines = ["# Signals", "", f"What each signal means, how it is computed, and when it is known. {note}", ""]
    lines += ["| signal | name | 中文 | unit |", "|---|---|---|---|"]
    for signal in signals:
        link = f"[`{signal['signal_id']}`]({signal['bucket']}.md#{signal['signal_id']})"
        lines.append(f"| {link} | {signal['name_en']} | {signal['name_zh']} | {signal['unit']} |")
    return "\n".join(lines) + "\n"


def _bucket_page(bucket: str, signals: Sequence[Mapping[str, Any]], plots: Mapping[str, bytes | None]) -> str:
    title = "Price and level" if bucket == "price" else Words("en").say("buckets", bucket)
    lines = [f"# {title}", ""]
    for signal in signals:
        signal_id = signal["signal_id"]
        primary = " The first reading of its bucket." if signal["is_primary"] else ""
        lines += [
            f"## {signal['name_en']} {{ #{signal_id} }}",
            "",
            f"`{signal_id}` · {signal['name_zh']}.{primary}",
            "",
        ]
        if plots[signal_id]:
            lines += [f"![{signal['name_en']}, last {PLOTTED_DAYS} days]({signal_id}.svg)", ""]
        else:
            lines += ["This warehouse has no reading of it: none of its datasets gave one.", ""]
        lag = signal["publication_lag_h"]
        facts = {
            "formula": signal["formula"],
            "unit": signal["unit"],
            "a rise is": signal["direction"],
            "known": "not published by a dataset here" if lag is None else f"{lag:g} h after the period ends",
            "first reading here": signal["valid_from"] or "none",
            "datasets": signal["datasets"] or "none",
            "source of the definition": signal["citation"],
        }
        formula, *others = (f"| {name} | {_cell(value)} |" for name, value in facts.items())
        lines += [formula, "|---|---|", *others, ""]
    return "\n".join(lines) + "\n"


def _plot(warehouse: PublishedWarehouse, signal: Mapping[str, Any], is_simulated: bool) -> bytes | None:
    """The signal as known through the last year, as SVG; None where there is nothing to draw."""
    rows = warehouse.rows(
        f"""
        select signal_date, value_as_known from marts.fct_signal_daily
        where signal_id = $id and value_as_known is not null
            and signal_date > (select max(signal_date) from marts.fct_signal_daily) - {PLOTTED_DAYS}
        order by signal_date
        """,
        id=signal["signal_id"],
    )
    if len(rows) < 2:
        return None
    # Imported here: readers of the board draw nothing, and this import is slow.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": signal["signal_id"], "font.size": 8}):
        figure = Figure(figsize=(7, 1.8), layout="constrained")
        axes = figure.subplots()
        axes.plot(
            [row["signal_date"] for row in rows], [row["value_as_known"] for row in rows], color="#00897b", lw=1.2
        )
        axes.set_ylabel(signal["unit"])
        axes.spines[["top", "right"]].set_visible(False)
        if is_simulated:
            axes.text(0.5, 0.5, SIMULATED, transform=axes.transAxes, ha="center", va="center", alpha=0.25, size=18)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _rules(warehouse: PublishedWarehouse) -> str:
    rows = warehouse.rows("select * from marts.dim_rule order by scope, target_id, direction, rule_group, valid_from")
    lines = [
        "# Rules",
        "",
        "A rule is a row of `dbt_project/seeds/rules.csv` that an analyst can edit; no SQL has a threshold of its own. "
        "Rows of one group are joined by *and*; any *continuing* group suffices, all *confirming* ones are needed.",
    ]
    for target, own in groupby(rows, key=lambda row: f"{row['scope']} · {row['target_id']}"):
        lines += ["", f"## {target}", "", "| rule | direction | holds when | readings | in force | why | source |"]
        lines += ["|---|---|---|---|---|---|---|", *map(_rule_line, own)]
    return "\n".join(lines) + "\n"


def _rule_line(rule: Mapping[str, Any]) -> str:
    measure = "" if rule["measure"] == "value" else f", {rule['measure']}"
    when = f"{rule['signal_id']}{measure} {rule['operator']} {rule['enter_threshold']:g} {rule['unit'] or ''}"
    since, until = f"{rule['valid_from']}", f"{rule['valid_to']}"
    force = "always" if until.startswith("9999") and since.startswith("2009") else f"{since} to {until}"
    if rule["switched_off_because"]:
        force = f"switched off: {rule['switched_off_because']}"
    cells = (rule["rule_id"], rule["direction"], when, rule["readings"], force, rule["rationale"], rule["source"])
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _dictionary(warehouse: PublishedWarehouse) -> str:
    tables = warehouse.rows(
        "select schema_name, table_name, comment from duckdb_tables() "
        "where list_contains($schemas, schema_name) order by list_position($schemas, schema_name), table_name",
        schemas=list(SCHEMAS),
    )
    columns = warehouse.rows("select schema_name, table_name, column_name, data_type, comment from duckdb_columns()")
    lines = [
        "# Data dictionary",
        "",
        "Every table of the published warehouse that readers use, from its own comments.",
        "",
    ]
    for table in tables:
        name = f"{table['schema_name']}.{table['table_name']}"
        lines += [f"## {name}", "", table["comment"] or "", "", "| column | type | means |", "|---|---|---|"]
        own = (column for column in columns if f"{column['schema_name']}.{column['table_name']}" == name)
        lines += [f"| `{c['column_name']}` | {c['data_type']} | {_cell(c['comment'] or '')} |" for c in own]
        lines.append("")
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(f"{value}".split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")
