"""The home folder: one origin that never changes, and a check of disk space before work."""

from datetime import UTC, datetime

import pytest

from warehouse.errors import HomeError
from warehouse.home import Home


def test_a_home_keeps_its_first_origin(home: Home) -> None:
    home.claim_origin("public sources")
    home.claim_origin("public sources")
    assert (home.path / "origin").read_text() == "public sources\n"


def test_another_origin_is_refused_with_what_to_do(home: Home) -> None:
    home.claim_origin("stand-in demo 12ab")
    with pytest.raises(HomeError, match=r"stand-in demo 12ab.*public sources.*Set LEADLINE_HOME"):
        home.claim_origin("public sources")
    assert (home.path / "origin").read_text() == "stand-in demo 12ab\n"
    assert [path.name for path in home.path.iterdir()] == ["origin"]


def test_a_full_disk_is_said_before_anything_is_written(home: Home) -> None:
    home.require_free(1)
    with pytest.raises(HomeError, match=r"MB free.*may need.*Free some space"):
        home.require_free(10**18)


def test_a_build_as_of_an_earlier_instant_has_a_home_of_its_own(home: Home) -> None:
    earlier = home.as_of(datetime(2026, 2, 7, 1, tzinfo=UTC))
    assert earlier.published == home.path / "as_of" / "2026-02-07T010000Z" / "leadline.duckdb"
