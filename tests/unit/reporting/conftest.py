"""A published warehouse for the readers' tests."""

import pytest

from reporting.published import read_board
from tests.unit.reporting.warehouses import publish


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish(tmp_path_factory.mktemp("published") / "leadline.duckdb")


@pytest.fixture(scope="module")
def board(published):
    return read_board(published)
