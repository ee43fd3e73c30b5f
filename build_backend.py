"""The build backend: setuptools, but for wheels, because Leadline runs from its checkout.

The dbt project, the seeds and `dagster.yaml` lie beside the packages, and rules are edited there. A wheel would carry
none of them and would install top-level packages of common names, such as `sources`.
"""

from collections.abc import Mapping
from typing import NoReturn

from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
]


def build_wheel(
    wheel_directory: str, config_settings: Mapping[str, str] | None = None, metadata_directory: str | None = None
) -> NoReturn:
    """Refuse, in one sentence."""
    raise SystemExit(
        "Leadline runs from its checkout: run `make setup` there, or `pip install -e .`, not `pip install .`"
    )
