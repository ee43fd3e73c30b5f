"""Writing files that readers may have open: whole or not at all, and only when they changed."""

from pathlib import Path


class Folder:
    """The folder of a site. Counts what it wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0

    def put(self, name: str, content: str | bytes) -> None:
        """Write a file below the folder unless it holds the same already."""
        wanted = content.encode() if isinstance(content, str) else content
        file = self.path / name
        try:
            if file.read_bytes() == wanted:
                return
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.part")
        aside.write_bytes(wanted)
        aside.replace(file)
        self.written += 1
