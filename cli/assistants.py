"""`leadline mcp`: the server for assistants."""

from cli.published import published_file
from pipeline.code_version import code_version


def serve_assistants(public: bool) -> None:
    """A Model Context Protocol server on standard input and output, until the client hangs up."""
    from reporting.assistant import server

    server(published_file(), public=public, version=code_version()).run("stdio")
