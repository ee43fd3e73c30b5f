"""What Dagster's web server needs to show the project."""

from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value

from orchestration.definitions import defs


def test_the_web_server_can_take_over_every_definition() -> None:
    # The server and the code live in two processes: a tag that is an enum loads here and breaks the page there.
    snapshot = RepositorySnap.from_def(defs.get_repository_def())
    assert len(snapshot.asset_nodes) > 100
    assert serialize_value(snapshot)
