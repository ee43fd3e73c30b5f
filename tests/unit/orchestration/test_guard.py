"""Dagster's own web server behind the guard: its pages work, a page of another site can do nothing."""

from collections.abc import Iterator

import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from orchestration.instance import instance_for
from orchestration.web import GuardedWebserver

ADDRESS = "http://127.0.0.1:3000"
MUTATION = "mutation { setNuxSeen }"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with (
        instance_for(tmp_path_factory.mktemp("home")) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context,
    ):
        app = GuardedWebserver(context, {"leadline.example.org"}).create_asgi_app()
        yield TestClient(app, base_url=ADDRESS)


def test_the_pages_own_questions_and_mutations_are_answered(client: TestClient) -> None:
    for headers in ({}, {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}):
        for query in ("{ version }", MUTATION):
            answer = client.post("/graphql", json={"query": query}, headers=headers)
            assert (answer.status_code, "errors" in answer.json()) == (200, False)
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}).status_code == 200
    proxied = {"Host": "leadline.example.org", "Origin": "https://leadline.example.org"}
    assert client.post("/graphql", json={"query": "{ version }"}, headers=proxied).status_code == 200


@pytest.mark.parametrize("query", ["{ version }", MUTATION])
def test_nothing_is_asked_by_get(client: TestClient, query: str) -> None:
    for path in ("/graphql", "/graphql/"):
        answer = client.get(path, params={"query": query})
        assert (answer.status_code, "POST only" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:3000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": ""},
        {"Host": "[::1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:4000"},  # another server of this machine
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},  # a name that was pointed at this machine
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain; application/json"},
    ],
    ids=str,
)
def test_a_page_of_another_site_can_do_nothing(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post(
        "/graphql", content=f'{{"query": "{MUTATION}"}}', headers={"Content-Type": "application/json", **headers}
    )
    assert answer.status_code == 403
    assert "setNuxSeen" not in answer.text


def test_no_other_address_takes_a_foreign_post(client: TestClient) -> None:
    for path in ("/report_asset_materialization/marts/fct", "/report_asset_check/marts/fct", "/logs/x"):
        assert client.post(path, headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_foreign_page_gets_no_live_connection(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(
            "ws://127.0.0.1:3000/graphql", subprotocols=["graphql-ws"], headers={"Origin": "http://evil.example"}
        ),
    ):
        pass
    with client.websocket_connect(
        "ws://127.0.0.1:3000/graphql", subprotocols=["graphql-ws"], headers={"Origin": ADDRESS}
    ) as own:
        own.send_json({"type": "connection_init"})
        assert own.receive_json()["type"] == "connection_ack"
