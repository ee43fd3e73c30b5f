"""Pictures for previews of links: one a regime, so that the picture of a past day never shows a later one.

They are drawn once; a folder that has them already is left alone.
"""

import io
from typing import Final

from reporting.localization import Words, regimes
from reporting.site.folder import Folder

WIDTH, HEIGHT = 1200, 630  # what networks ask for
GENERAL: Final = "leadline"
INK, PAGE, FINE = "#1b1e21", "#fbfaf7", "#5b6065"


def picture_of(regime: str) -> str:
    """The file of a regime's picture, from the root of the site."""
    return f"assets/preview-{regime if regime in regimes() else GENERAL}.png"


def put_pictures(folder: Folder) -> None:
    """Draw what is missing."""
    words = Words("en")
    wanted = {GENERAL: "Leadline", **{regime: words.say("regimes", regime) for regime in regimes()}}
    for name, title in wanted.items():
        if not (folder.path / picture_of(name)).exists():
            folder.put(picture_of(name), _drawn(title, words.label("title")))


def _drawn(title: str, question: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # half a second that most runs do not need
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAGE)
    FigureCanvasAgg(figure)
    figure.text(0.07, 0.78, question, fontsize=24, color=FINE)
    figure.text(0.07, 0.47, title, fontsize=58, color=INK, fontweight="bold", family="serif")
    figure.text(0.07, 0.14, "Leadline", fontsize=24, color=INK, fontweight="bold", family="serif")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
