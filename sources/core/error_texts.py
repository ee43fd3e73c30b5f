"""What a short answer that is no data says: a limit, a key that is wanted, an outage, or nothing there.

Providers send such texts under HTTP 200, and people save them by hand. Without this they would be called a changed
layout, and a person would report a fault where only waiting helps.
"""

import json
import re
from dataclasses import replace

from sources.core.errors import Failure, SourceError
from sources.core.payload import Payload

LONGEST = 4_000  # bytes; data is longer, and a web page says its trouble in other ways
# What a reader makes of a body that it cannot read.
UNEXPLAINED = frozenset({Failure.CHANGED_LAYOUT, Failure.NOT_DATA, Failure.REFUSED})

# In this order: "limit" stands in many a text about keys, and a key in none about outages.
_TEXTS: tuple[tuple[Failure, re.Pattern[str]], ...] = tuple(
    (failure, re.compile(pattern, re.IGNORECASE))
    for failure, pattern in (
        (Failure.QUOTA, r"(?:daily|monthly|dzienny)[\w\s]{0,30}(?:limit|quota)|(?:quota|credits)[\w\s]{0,40}exceed"),
        (Failure.THROTTLED, r"rate.?limit|too many (?:requests|visits)|too frequent|throttl"),
        (Failure.NEEDS_KEY, r"get your api.?key|api.?key (?:is )?(?:required|missing)|missing api.?key|log ?in to"),
        (Failure.BAD_KEY, r"(?:invalid|incorrect|wrong|unknown|expired) (?:api.?)?key|unauthori[sz]ed"),
        (
            Failure.OUTAGE,
            r"internal.{0,2}(?:server )?error|service (?:temporarily )?unavailable|temporarily unavailable|bad gateway"
            r"|maintenance|gateway time-?out|overloaded|duplicate key",
        ),
        (Failure.NO_DATA, r"^\W*(?:no data|brak danych)"),
    )
)
_WHAT = {
    Failure.QUOTA: "a quota is used up",
    Failure.THROTTLED: "too many requests",
    Failure.NEEDS_KEY: "a key is wanted; get one as the text says and save the file again with it",
    Failure.BAD_KEY: "the key was refused",
    Failure.OUTAGE: "the provider is down or failed",
    Failure.NO_DATA: "there is nothing",
}


def explained(error: SourceError, payload: Payload) -> SourceError:
    """The error, or a truer one where a short body says in words what is wrong."""
    if error.failure not in UNEXPLAINED or len(payload.body) > LONGEST:
        return error
    text = _words(payload.body)
    for failure, pattern in _TEXTS:
        if pattern.search(text):
            what = f"{payload.url} says {text[:120]!r}: {_WHAT[failure]}."
            return replace(error, failure=failure, what=what)
    return error


def _words(body: bytes) -> str:
    """The text of a body: of JSON the texts in it, else all of it if it is no table of figures."""
    text = body.decode("utf-8", "replace").strip()
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        lines = text.splitlines()
        return " ".join(text.split()) if lines and not re.search(r"\d,\d|^\W*<", text) else ""
    return " ".join(_texts(content)) if isinstance(content, dict) else ""


def _texts(content: object, depth: int = 0) -> list[str]:
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict) and depth < 4:
        return [text for value in content.values() for text in _texts(value, depth + 1)]
    return []
