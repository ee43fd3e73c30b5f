"""`leadline site` and `leadline serve`: the static site written to a folder, or shown over HTTP."""

from pathlib import Path

import uvicorn

from cli import terminal
from cli.errors import RequestError
from cli.site_server import application
from pipeline.settings import Settings
from reporting.site.build import write_site
from warehouse.home import Home


def site_folder(public: bool) -> Path:
    """The folder of the site of the configured home. Raises RequestError when there is none."""
    home = Home(Settings().home)
    folder = (home.public if public else home).site
    if not (folder / "index.html").exists():
        flag = " --public" if public else ""
        raise RequestError(
            f"There is no site at {folder}. `leadline site{flag}` writes it from the published warehouse."
        )
    return folder


def make_site(target: Path | None, public: bool) -> Path:
    """Write the site from the published warehouse, to a folder of the reader's choice or to the home's own."""
    settings = Settings()
    home = Home(settings.home)
    folder = target or (home.public if public else home).site
    written = write_site(home.published, folder.resolve(), public=public, base=settings.site_url)
    terminal.console().print(
        f"{written.days} days, {written.rewritten_days} of them written anew, {written.files_changed} files changed\n"
        f"{written.folder / 'index.html'}",
        highlight=False,
        soft_wrap=True,
    )
    return written.folder


def serve_site(folder: Path, port: int, host: str = "127.0.0.1") -> None:
    """Serve a site until interrupted."""
    console = terminal.console()
    console.print(f"The site is on http://{host}:{port}/, for programs on http://{host}:{port}/api/v1/openapi.json")
    console.print(f"OpenBB Workspace: add http://{host}:{port} as a custom backend.", highlight=False)
    uvicorn.run(application(folder), host=host, port=port, log_level="warning", server_header=False)
