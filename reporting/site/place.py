"""Where a page lies in the site, and how it links to others: relatively, so that the site works under any address.

Links name `index.html`, so that they also work from disk; the stable address of a page is its folder.
"""

from dataclasses import dataclass
from typing import Final

from reporting.localization import LANGUAGES

PREFIXES: Final = {language: "" if language == LANGUAGES[0] else f"{language}/" for language in LANGUAGES}
PAGE: Final = "index.html"


@dataclass(frozen=True)
class Place:
    """A page's language and folder below it, such as `2026-02-06/`; the empty folder is the first page.

    `base` is the address that the site is published under, with a slash at its end, or empty where nobody said.
    """

    language: str
    folder: str = ""
    base: str = ""

    @property
    def file_name(self) -> str:
        """The page's file, from the root of the site."""
        return f"{PREFIXES[self.language]}{self.folder}{PAGE}"

    @property
    def root(self) -> str:
        """The way up to the root of the site."""
        return "../" * self.file_name.count("/")

    def page(self, folder: str = "", language: str | None = None) -> str:
        """A link to another page, in this language or another."""
        return f"{self.root}{PREFIXES[language or self.language]}{folder}{PAGE}"

    def file(self, name: str) -> str:
        """A link to a file that is the same in all languages."""
        return f"{self.root}{name}"

    def address(self, language: str | None = None) -> str:
        """The stable address of this page."""
        return f"{self.base}{PREFIXES[language or self.language]}{self.folder}"


def day_folder(day: object) -> str:
    """The folder of a date's page."""
    return f"{day}/"
