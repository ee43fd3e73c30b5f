"""Which addresses may be asked: a provider's own, over https, or a stand-in on this machine."""

from collections.abc import Collection
from urllib.parse import urlsplit

from sources.core.errors import Failure, SourceError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_own(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is https on one of these hosts, with no port, name or odd character in it."""
    if not all("!" <= character <= "~" for character in url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        plain = parts.port in (None, 443) and parts.username is None and parts.password is None
    except ValueError:
        return False
    return parts.scheme == "https" and plain and parts.hostname in hosts


def loopback(upstream: str) -> str:
    """The stand-in's address without a trailing slash. Raises SourceError UNSAFE unless plain http on loopback."""
    try:
        parts = urlsplit(upstream)
        plain = parts.username is None and parts.path in ("", "/") and not (parts.query or parts.fragment)
        fine = parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port is not None and plain
    except ValueError:
        fine = False
    if not fine:
        what = "The upstream is not an address like http://127.0.0.1:8000; a stand-in runs on this machine only."
        raise SourceError(Failure.UNSAFE, what)
    return upstream.rstrip("/")


def through(upstream: str, url: str) -> str:
    """Where a stand-in answers for a provider's address: its host becomes the first part of the path."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{upstream}/{parts.hostname}{parts.path or '/'}{query}"
