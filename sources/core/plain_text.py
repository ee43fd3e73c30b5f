"""Text of a provider made harmless for whoever shows it: a terminal, a log line, Markdown."""

import re
import unicodedata

# Terminal escapes, line breaks that forge a log line, marks that turn the reading direction.
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_KEPT = "\n\t\u200d"  # a joiner holds scripts and emoji together
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#!|~&$^]|:(?=/)|(?<=www)\.)")  # links that need no markup too


def printable(text: str, *, one_line: bool = False) -> str:
    """The text with every control character shown as its code, so that it can only be read; `one_line` for logs."""
    if text.isascii() and text.isprintable():
        return text
    kept = "\t\u200d" if one_line else _KEPT
    return "".join(
        f"\\u{ord(sign):04x}" if unicodedata.category(sign) in _HARMFUL and sign not in kept else sign for sign in text
    )


def as_markdown(text: str) -> str:
    """The text as one line that Markdown shows as it is: no markup, no HTML, no link."""
    return _MARKDOWN.sub(r"\\\1", printable(text, one_line=True))
