"""Pages of the docs site that are written by the warehouse and the code: signals, rules, tables, errors, dbt's own."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from reporting.reference import reference
from sources.core.errors import ADVICE

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("sources", "warehouse", "chain", "pipeline", "orchestration", "cli", "reporting", "sandbox")
PUBLISHED = "LEADLINE_DOCS_WAREHOUSE"  # the published file whose signals are shown
DBT_PAGE = "LEADLINE_DOCS_DBT"  # dbt's own page


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the written pages to those of the folder."""
    published, dbt_page = (os.environ.get(name) for name in (PUBLISHED, DBT_PAGE))
    if not published or not dbt_page:
        raise PluginError("The docs are of a built warehouse: `make docs` (or `leadline docs`) says which.")
    pages: dict[str, str | bytes] = {**reference(Path(published)), "errors.md": _errors()}
    pages["dbt/static_index.html"] = Path(dbt_page).read_bytes()
    for path, content in pages.items():
        files.append(File.generated(config, path, content=content))
    return files


@dataclass(frozen=True)
class _Message:
    kind: str
    text: str


def _errors() -> str:
    """Every message that a person can meet, with its cause and what to do: it says both itself."""
    lines = [
        "# Every error",
        "",
        "Each message says what happened, to which dataset, and what to do; `…` stands for what differs from case to "
        "case. The longer form of the usual ones is in the [runbook](runbook.md).",
        "",
        "## A source gives nothing usable",
        "",
        "The kinds of failure that a source's line, its checks and `leadline probe` name.",
        "",
        "| kind | what to do |",
        "|---|---|",
        *(f"| `{failure.value}` | {_cell(advice)} |" for failure, advice in ADVICE.items()),
    ]
    for room in ROOMS:
        messages = sorted(set(_messages(room)), key=lambda message: (message.kind, message.text))
        if messages:
            lines += ["", f"## From `{room}`", "", "| error | message |", "|---|---|"]
            lines += [f"| {message.kind} | {_cell(message.text)} |" for message in messages]
    return "\n".join(lines) + "\n"


def _messages(room: str) -> Iterator[_Message]:
    for file in sorted((PROJECT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = getattr(node.exc.func, "id", getattr(node.exc.func, "attr", ""))
                texts = [text for argument in node.exc.args if len(text := _text(argument)) > 12]
                if name.endswith("Error") and texts:
                    yield _Message(name, " ".join(texts))


def _text(node: ast.expr) -> str:
    """The message as a person reads it, what is filled in as an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "".join(str(part) for part in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")
