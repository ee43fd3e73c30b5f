"""The version of the code, stored beside the numbers that it made."""

import hashlib
from functools import cache
from importlib.metadata import version

from pipeline.settings import PROJECT

ROOMS = ("sources", "warehouse", "analytics", "pipeline", "dbt_project")
SUFFIXES = frozenset({".py", ".sql", ".yml", ".csv", ".toml"})


@cache
def code_version() -> str:
    """Release and a hash of all that numbers depend on, so that an edited rule shows: `0.1.0+3f2a91c`."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*")):
            if path.suffix in SUFFIXES and "target" not in path.parts:
                digest.update(str(path.relative_to(PROJECT)).encode())
                digest.update(path.read_bytes())
    return f"{version('leadline')}+{digest.hexdigest()[:7]}"
