"""Dagster's web server behind the guard: `python -m orchestration.web HOST PORT WORKSPACE_FILE [NAME …]`."""

import sys
from collections.abc import Collection
from typing import Any

import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware

from orchestration.guard import Guard
from orchestration.instance import open_instance


class GuardedWebserver(DagsterWebserver[Any, Any]):
    """Dagster's web server that answers only its own pages."""

    def __init__(self, context: WorkspaceProcessContext, hosts: Collection[str]) -> None:
        self._served_as = hosts
        super().__init__(context, "")

    def build_middleware(self) -> list[Middleware]:
        """The guard before all else."""
        return [Middleware(Guard, hosts=self._served_as), *super().build_middleware()]


def serve(host: str, port: int, workspace: str, hosts: Collection[str]) -> None:
    """Serve until told to stop."""
    target = WorkspaceFileTarget(paths=[workspace])
    with open_instance() as instance, WorkspaceProcessContext(instance, target) as context:
        app = GuardedWebserver(context, hosts).create_asgi_app()
        uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)


if __name__ == "__main__":
    _, where, at, workspace_file, *names = sys.argv
    serve(where, int(at), workspace_file, {where, *names})
