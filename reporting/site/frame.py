"""What the frame around every page of the site says."""

from dataclasses import dataclass
from typing import Any

import minify_html

from reporting.localization import LANGUAGE_TAGS, Words
from reporting.site.assets import CHART_SCRIPT
from reporting.site.pictures import GENERAL, picture_of
from reporting.site.place import Place
from reporting.templating import environment


@dataclass(frozen=True)
class Edition:
    """What all pages of one publication share: where they are published, and what their values are.

    `newest_due` is the instant from which the newest page is late, as ISO text; empty where that says nothing, as for
    a simulated market.
    """

    base: str
    is_simulated: bool
    is_public: bool
    newest_due: str = ""


def render(
    template: str, place: Place, edition: Edition, *, title: str, description: str, mast: str = "", **values: Any
) -> str:
    """A page as HTML text."""
    text = (
        environment()
        .get_template(f"site/{template}.html.j2")
        .render(
            place=place,
            title=title,
            description=description,
            mast=mast,
            tags=LANGUAGE_TAGS,
            view_words=values.pop("view_words", None) or Words(place.language, binds_units=True),
            chart_script=CHART_SCRIPT,
            picture=values.pop("picture", picture_of(GENERAL)),
            is_simulated=edition.is_simulated,
            is_public=edition.is_public,
            newest_due=values.pop("newest_due", ""),
            **values,
        )
    )
    # Thousands of pages: a tenth of them is blanks, quotes and end tags that HTML lets one leave out.
    return minify_html.minify(text)
