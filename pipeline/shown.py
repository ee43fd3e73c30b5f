"""Whether a page is of the newest publication already, so that a run with nothing new draws nothing again."""

import hashlib
from functools import cache
from pathlib import Path

from pipeline.settings import PROJECT
from warehouse.database import connect
from warehouse.files import write_durably
from warehouse.home import Home

DRAWN_BY = PROJECT / "reporting"


def is_shown(home: Home, page: Path, *settings: str) -> bool:
    """Whether a page was drawn from what `home` publishes now, by this code and with these settings."""
    mark = _mark_file(home, page)
    return page.exists() and mark.exists() and mark.read_text(encoding="utf-8") == _mark(home, settings)


def remember_shown(home: Home, page: Path, *settings: str) -> None:
    """Say of a page that has just been drawn what it was drawn from."""
    mark = _mark_file(home, page)
    mark.parent.mkdir(parents=True, exist_ok=True)
    write_durably(mark, _mark(home, settings).encode())


def _mark_file(home: Home, page: Path) -> Path:
    return home.build / "shown" / "-".join(page.relative_to(home.path).parts)


def _mark(home: Home, settings: tuple[str, ...]) -> str:
    with connect(home.published, read_only=True) as connection:
        [[publication_id]] = connection.execute("select publication_id from main.publication").fetchall()
    return "\n".join([publication_id, _code(), *settings])


@cache
def _code() -> str:
    """A hash of everything that draws. What computes is part of the publication."""
    digest = hashlib.sha256()
    for path in sorted(DRAWN_BY.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(DRAWN_BY)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
