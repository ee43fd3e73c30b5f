"""Dagster's web server and daemon as `make up` starts them, on a home and a history of their own."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from tests.conftest import REPOSITORY

LOOPBACK = "127.0.0.1"
LONGEST_START_S = LONGEST_RUN_S = 900  # a bound for a hung server, not a claim about speed
LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus } } } }"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Studio:
    """A running web server: its address, and questions to what the pages themselves ask, GraphQL."""

    address: str

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        answer = requests.post(f"{self.address}/graphql", json={"query": query, "variables": variables}, timeout=120)
        answer.raise_for_status()
        said: dict[str, Any] = answer.json()
        assert "errors" not in said, said
        data: dict[str, Any] = said["data"]
        return data

    def location(self) -> str:
        """Name of the code location. Raises ValueError while it is not loaded."""
        entries = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        [name] = [entry["name"] for entry in entries if entry["loadStatus"] == "LOADED"]
        return str(name)

    def runs(self) -> list[str]:
        """Ids of all runs, newest first."""
        answer = self.ask("{ runsOrError { ... on Runs { results { runId } } } }")
        return [run["runId"] for run in answer["runsOrError"]["results"]]

    def ended(self, known: list[str]) -> tuple[str, str]:
        """Id and status of the one run that is not among `known`, once it has ended."""

        def look() -> tuple[str, str] | None:
            new = [run for run in self.runs() if run not in known]
            if not new:
                return None
            [run] = new
            status = self.ask("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run)
            state = str(status["runOrError"]["status"])
            return (run, state) if state in ENDED else None

        patient = Retrying(
            retry=retry_if_result(lambda found: found is None), wait=wait_fixed(2), stop=stop_after_delay(LONGEST_RUN_S)
        )
        found: tuple[str, str] = patient(look)
        return found

    def events(self, run: str) -> Iterator[dict[str, Any]]:
        """All events of a run, with `evaluation` where one is of a check. The server gives a thousand at a time."""
        cursor, has_more = None, True
        while has_more:
            answer = self.ask(
                """
                query($id: ID!, $cursor: String) { runOrError(runId: $id) { ... on Run {
                    eventConnection(afterCursor: $cursor) { cursor hasMore events { ... on AssetCheckEvaluationEvent {
                        evaluation { assetKey { path } checkName success description }
                    } } }
                } } }
                """,
                id=run,
                cursor=cursor,
            )
            page = answer["runOrError"]["eventConnection"]
            yield from page["events"]
            cursor, has_more = page["cursor"], page["hasMore"]

    def failed_checks(self, run: str) -> dict[tuple[str, str], str]:
        """(asset, check) -> what it says, of the checks that failed in a run."""
        evaluations = [event["evaluation"] for event in self.events(run) if "evaluation" in event]
        assert evaluations
        return {
            ("/".join(evaluation["assetKey"]["path"]), evaluation["checkName"]): evaluation["description"] or ""
            for evaluation in evaluations
            if not evaluation["success"]
        }


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def studio(settings: Mapping[str, str], log: Path) -> Iterator[Studio]:
    """`leadline up` with settings of the environment; stopped with all its processes."""
    port = free_port()
    server = subprocess.Popen(
        [REPOSITORY / ".venv" / "bin" / "leadline", "up", "--port", str(port)],
        cwd=REPOSITORY, env={**os.environ, **settings},
        stdout=log.open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        found = Studio(f"http://{LOOPBACK}:{port}")
        patient = Retrying(
            retry=retry_if_exception_type((requests.ConnectionError, ValueError)),
            wait=wait_fixed(1),
            stop=stop_after_delay(LONGEST_START_S),
            reraise=True,
        )
        assert patient(found.location)
        yield found
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(60)
        server.kill()
        server.wait()
