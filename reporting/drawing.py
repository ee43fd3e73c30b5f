"""From a matplotlib figure to SVG that lives inside a page: its colours are the page's, its texts any language's.

Colours are drawn as stand-ins that become CSS variables, so that light, dark and print each have their own. Texts
that depend on the language are drawn as keys between at signs, which the page replaces: one drawing serves all.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

POINTS_PER_INCH: Final = 72  # one point of the drawing is one unit of the SVG

# Each colour variable of the page has a stand-in that nothing else uses.
VARIABLES: Final = (
    *("ink", "fine", "rule", "accent", "level", "cluster", "good", "bad", "mark", "page"),
    *("capitulation", "relief_rally", "distribution", "expansion", "confirmed_recovery"),
    *("bear_continuation", "stabilizing", "unknown"),
)
COLOURS: Final[Mapping[str, str]] = {name: f"#0000{number:02x}" for number, name in enumerate(VARIABLES, start=1)}

STYLE: Final[Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched, and set in the page's own type
    "svg.hashsalt": "leadline",  # the same drawing gives the same bytes
    "font.size": 10.5,
    "axes.linewidth": 0.8,
    "hatch.linewidth": 1.0,
    "lines.solid_joinstyle": "round",
    "path.simplify_threshold": 0.2,
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of so many SVG units, in the style of the page."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH), dpi=POINTS_PER_INCH)
        FigureCanvasSVG(figure)
        yield figure


def axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with so much room around them, in SVG units; a light frame, no ticks, numbers in the fine colour."""
    width, height = figure.get_size_inches() * POINTS_PER_INCH
    box = (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    made = figure.add_axes(box)
    made.set_facecolor("none")
    for side in ("top", "right", "left"):
        made.spines[side].set_visible(False)
    made.spines["bottom"].set_color(COLOURS["rule"])
    made.tick_params(length=0, pad=5, labelcolor=COLOURS["fine"])
    made.grid(axis="y", color=COLOURS["rule"], linewidth=0.7)
    made.set_axisbelow(True)
    return made


def watermark(figure: Figure, size: float) -> None:
    """The word for simulated data across the whole drawing."""
    place: dict[str, Any] = {"ha": "center", "va": "center", "rotation": 14, "rotation_mode": "anchor", "zorder": 9}
    colour = COLOURS["mark"]
    figure.text(0.5, 0.52, "@watermark@", fontsize=size, fontweight="bold", color=colour, alpha=0.2, **place)


def svg(figure: Figure) -> str:
    """The figure as an `svg` element without size of its own, identifiers marked with `@id@` for `placed`."""
    figure.patch.set_visible(False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    width, height = (round(side * POINTS_PER_INCH) for side in figure.get_size_inches())
    text = re.sub(r"<svg[^>]*>", f'<svg viewBox="0 0 {width} {height}" @attributes@>', text, count=1)
    text = re.sub(r"<defs>\s*<style.*?</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = text.replace("xlink:href", "href")
    referenced = set(re.findall(r'(?:url\(#|href="#)([\w.]+)', text))
    text = re.sub(r' id="([\w.]+)"', lambda found: f' id="@id@{found[1]}"' if found[1] in referenced else "", text)
    text = re.sub(r'(url\(#|href="#)', r"\1@id@", text)
    for name, stand_in in COLOURS.items():
        text = text.replace(stand_in, f"var(--{name.replace('_', '-')})")
    text = re.sub(r" font-family: [^;\"]*;", "", text)  # the page's own
    # A tenth of a unit is finer than a screen.
    text = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", text)
    text = re.sub(r"\s*\n\s*", " ", text)
    return re.sub(r"(?:</g>|<g>)\s*(?=</?g>)", lambda found: found[0].strip(), text).strip()


def placed(template: str, identifier: str, attributes: str, say: Callable[[str], str]) -> str:
    """A drawing in its place on the page: its own identifiers, what `say` makes of each key, escaped.

    `attributes` of the `svg` element are set as they are.
    """
    known = {"id": f"{identifier}-", "attributes": attributes}
    return re.sub(r"@([\w.+-]+)@", lambda found: known.get(found[1]) or escape(say(found[1])), template)
