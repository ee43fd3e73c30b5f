"""dbt inside this process: the manifest kept current, one build a run.

The dbt command line takes 7 to 9 CPU seconds for what this does in two: its imports are ours already, and the parsed
project is kept. The manifest is prepared when a file of the dbt project is newer than it, never at each import.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.settings import PROJECT, Settings
from warehouse.files import write_durably

DBT_PROJECT = PROJECT / "dbt_project"
TARGET = DBT_PROJECT / "target" / "prepared"  # ours alone: a dbt or sqlfluff started by hand writes into target/ too
MANIFEST = TARGET / "manifest.json"
PARSED = TARGET / "partial_parse.msgpack"
SEAL = "prepared.sha256"
INPUTS = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests", "analyses", "snapshots")

# Relations are written down with the catalogue's name, which DuckDB takes from the file's. Every build file has the
# same name, so one manifest serves all homes.
BUILD_FILE_VARIABLE = "LEADLINE_BUILD_FILE"
PLACEHOLDER = "warehouse.duckdb"

# No log file either: dbt writes out each of thousands of debug lines before it drops it, a twentieth of a build.
QUIET = ("--log-level", "none", "--log-level-file", "none", "--no-send-anonymous-usage-stats", "--no-version-check")

Event = dict[str, Any]


class DbtError(RuntimeError):
    """dbt could not read its project, or a model or test failed."""


@dataclass(frozen=True)
class DbtBuild:
    """What one `dbt build` did: its result events as dictionaries, and what failed."""

    events: Sequence[Event]
    failures: Sequence[str]


def is_stale(manifest: Path = MANIFEST, project: Path = DBT_PROJECT) -> bool:
    """Whether a file of the dbt project is newer than the manifest, or there is none, or not as it was prepared."""
    if not _is_sealed(manifest.parent):
        return True
    made = manifest.stat().st_mtime_ns
    tops = [project / name for name in INPUTS if (project / name).exists()]
    # Folders count too: their time changes when a file in them is removed or renamed.
    files = [*tops, *(path for top in tops if top.is_dir() for path in top.rglob("*"))]
    return any(path.stat().st_mtime_ns > made for path in files)


def writable_target() -> Path:
    """Where files made of the dbt project go: into the checkout, or into the home when the checkout is read-only."""
    return TARGET if os.access(DBT_PROJECT, os.W_OK) else Settings().home / "dbt" / "prepared"


def prepare() -> Path:
    """Parse the dbt project where something in it changed. Returns the manifest's path; raises DbtError."""
    target = writable_target()
    if target != TARGET and not is_stale():
        return MANIFEST  # it came with the checkout, and nobody can change either
    manifest = target / MANIFEST.name
    target.mkdir(parents=True, exist_ok=True)
    with (target / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes that start at once must not read what the other half wrote
        if is_stale(manifest):
            if not _is_sealed(target):
                (target / PARSED.name).unlink(missing_ok=True)  # dbt would go on from it, damaged as it may be
            _invoke(["parse", *_places(DBT_PROJECT / PLACEHOLDER, target)], DBT_PROJECT / PLACEHOLDER)
            seal(target)
    return manifest


def seal(target: Path) -> None:
    """Write down what was prepared, so that a file that was cut or changed since is made again."""
    write_durably(target / SEAL, _digest(target).encode())


def _is_sealed(target: Path) -> bool:
    try:
        return (target / SEAL).read_text(encoding="utf-8") == _digest(target)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(target: Path) -> str:
    digests = (hashlib.sha256((target / path.name).read_bytes()).hexdigest() for path in (MANIFEST, PARSED))
    return "\n".join(digests)


def build(
    build_file: Path,
    variables: Mapping[str, str],
    *,
    select: Sequence[str] = (),
    unit_tests: bool = False,
    on_node: Callable[[str, int, int], None] = lambda node, done, total: None,
) -> DbtBuild:
    """Run `dbt build` on a build file that nothing else has open.

    `variables` are dbt's vars; `select` names models, empty means all; `on_node` hears of every node as it ends.
    Unit tests hold formulas, which no data can break, so they are left to `make test` unless asked for.
    A failed model or test is no exception: `failures` names it.
    """
    from dbt.artifacts.resources.types import NodeType
    from dbt.contracts.graph.manifest import Manifest

    parsed = Manifest.from_msgpack(prepare().with_name(PARSED.name).read_bytes())
    # What tests read as `graph`: dbt fills it only after it has parsed, and the nodes would take a third of a second.
    parsed.flat_graph["sources"] = {name: source.to_dict(omit_none=False) for name, source in parsed.sources.items()}
    total = sum(node.resource_type is not NodeType.Analysis for node in parsed.nodes.values())
    total += len(parsed.unit_tests) if unit_tests else 0
    events: list[Event] = []
    done = 0

    def hear(message: Any) -> None:
        nonlocal done
        if message.info.name == "NodeFinished":
            done += 1
            on_node(message.data.node_info.node_name, done, total)
        elif message.info.name in {"LogSeedResult", "LogModelResult", "LogTestResult"}:
            events.append(_as_dictionary(message))

    # Artifacts of a build go beside its build file, so that two homes never share them.
    places = _places(build_file, build_file.parent / "dbt")
    selection = ["--select", *select] if select else []
    if not unit_tests:
        selection += ["--exclude-resource-type", "unit_test"]
    arguments = ["build", *places, "--no-write-json", "--vars", json.dumps(dict(variables)), *selection]
    result = _invoke(arguments, build_file, manifest=parsed, callbacks=[hear], tolerate_failures=True)
    failures = [
        f"{outcome.node.name}: {outcome.message or outcome.status}"
        for outcome in result.results
        if outcome.status in {"error", "fail", "runtime error"}
    ]
    return DbtBuild(events, failures)


def compiled(models: Sequence[str]) -> dict[str, str]:
    """The query that dbt makes of each of these models, by name. Needs no warehouse; raises DbtError."""
    from dbt.contracts.graph.manifest import Manifest

    prepared = prepare().parent
    parsed = Manifest.from_msgpack((prepared / PARSED.name).read_bytes())
    with TemporaryDirectory() as folder:  # dbt connects to a file even where it asks it nothing
        empty = Path(folder) / PLACEHOLDER
        arguments = ["compile", *_places(empty, prepared), "--no-introspect", "--no-write-json", "--select", *models]
        result = _invoke(arguments, empty, manifest=parsed)
    return {outcome.node.name: outcome.node.compiled_code for outcome in result.results}


def document(build_file: Path) -> Path:
    """dbt's documentation site of a built warehouse, as one page that needs no server. Returns its path."""
    target = writable_target()
    _invoke(["docs", "generate", "--static", *_places(build_file, target)], build_file)
    return target / "static_index.html"


def _places(build_file: Path, target: Path) -> list[str]:
    return [
        *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
        *("--target-path", str(target), "--log-path", str(target)),
        *QUIET,
    ]


def _invoke(
    arguments: Sequence[str],
    build_file: Path,
    *,
    manifest: Any = None,
    callbacks: Sequence[Callable[[Any], None]] = (),
    tolerate_failures: bool = False,
) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    errors: list[str] = []

    def hear(message: Any) -> None:
        if message.info.level == "error":
            errors.append(message.info.msg)

    before = os.environ.get(BUILD_FILE_VARIABLE)
    os.environ[BUILD_FILE_VARIABLE] = str(build_file)
    try:
        outcome = dbtRunner(manifest=manifest, callbacks=[hear, *callbacks]).invoke(list(arguments))
    finally:
        # dbt-duckdb keeps its connection for the life of the process, which would lock the build file.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt-duckdb has no types
        if before is None:
            del os.environ[BUILD_FILE_VARIABLE]
        else:
            os.environ[BUILD_FILE_VARIABLE] = before
    if outcome.exception is not None or (not outcome.success and not tolerate_failures):
        raise DbtError(f"dbt {arguments[0]} failed: {outcome.exception or '; '.join(errors)}")
    return outcome.result


def _as_dictionary(message: Any) -> Event:
    """A dbt event in the shape of dbt's JSON log, which Dagster's dbt integration reads."""
    from google.protobuf.json_format import MessageToDict

    event: Event = MessageToDict(message, preserving_proto_field_name=True)
    return event
