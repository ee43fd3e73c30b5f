"""What the pages of an asset show of its data: facts of its table, the latest row, a small plot."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from sources.core.plain_text import as_markdown
from warehouse.table_profile import TableProfile

WIDTH, HEIGHT, MARGIN = 640, 160, 8
BARS = "▁▂▃▄▅▆▇█"
BARS_SHOWN = 40


def pictured(profile: TableProfile) -> dict[str, Any]:
    """Metadata of a materialisation: row count, range, latest row, and the curve as a line of bars and as a plot."""
    metadata: dict[str, Any] = {"dagster/row_count": profile.rows}
    if profile.last is not None:
        metadata["range"] = f"{_day(profile.first)} to {_day(profile.last)}"
        metadata["latest row"] = dg.MetadataValue.md(_table(profile.latest))
    values = [value for _, value in profile.curve]
    if len(set(values)) > 1:  # a flat line tells nothing
        metadata["trend"] = f"{bars(values)}  {values[-1]:,.6g} ({profile.curve_of})"
        metadata["plot"] = dg.MetadataValue.md(
            f"**{profile.curve_of}**, {profile.curve[0][0]} to {profile.curve[-1][0]}\n\n"
            f"![{profile.curve_of}](data:image/svg+xml;base64,{b64encode(plot(profile.curve).encode()).decode()})"
        )
    return metadata


def bars(values: Sequence[float]) -> str:
    """The newest values as a line of block characters, lowest to highest."""
    shown = values[-BARS_SHOWN:]
    low, high = min(shown), max(shown)
    step = (high - low) / (len(BARS) - 1) or 1.0
    return "".join(BARS[round((value - low) / step)] for value in shown)


def plot(curve: Sequence[tuple[date, float]]) -> str:
    """A curve by day as SVG, with its lowest and highest value beside it. A day without a reading is a gap in time."""
    days = [(day - curve[0][0]).days for day, _ in curve]
    values = [value for _, value in curve]
    low, high = min(values), max(values)
    across, up = (WIDTH - 12 * MARGIN) / (days[-1] or 1), (HEIGHT - 4 * MARGIN) / ((high - low) or 1.0)
    points = " ".join(
        f"{MARGIN + day * across:.1f},{HEIGHT - 2 * MARGIN - (value - low) * up:.1f}"
        for day, value in zip(days, values, strict=True)
    )
    style = 'font-family="sans-serif" font-size="11" fill="#667085"'
    beside = WIDTH - 10 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<polyline points="{points}" fill="none" stroke="#4f43dd" stroke-width="1.5"/>'
        f'<text x="{beside}" y="{2 * MARGIN}" {style}>{high:,.6g}</text>'
        f'<text x="{beside}" y="{HEIGHT - 2 * MARGIN}" {style}>{low:,.6g}</text></svg>'
    )


def _table(row: Mapping[str, Any]) -> str:
    lines = (f"| {name} | {_cell(value)} |" for name, value in row.items() if value is not None)
    return "\n".join(["| column | value |", "|---|---|", *lines])


def _cell(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else as_markdown(str(value))


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}"
